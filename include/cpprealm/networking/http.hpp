// HTTP for logging in and for sending objects: the built-in client, or one the application brings.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <cpprealm/internal/bridge/realm.hpp>

namespace realm::networking {

enum class http_method { get, post, patch, put, del };
using http_headers = std::map<std::string, std::string>;

struct request {
    http_method method = http_method::get;
    std::string url;
    uint64_t timeout_ms = 0;
    http_headers headers;
    std::string body;
};

struct response {
    int http_status_code = 0;
    int custom_status_code = 0;
    http_headers headers;
    std::string body;
    std::optional<std::int32_t> client_error_code;
};

/// The application's own HTTP. `send_request_to_server` is called from any thread, also from
/// several at once, and calls `completion` exactly once, on any thread, before or after it returns.
/// The library keeps the client as long as its App.
struct http_transport_client {
    virtual ~http_transport_client() = default;
    virtual void send_request_to_server(const request& request,
                                        std::function<void(const response&)>&& completion) = 0;
};

/// The built-in client with settings. An App that is given one directly uses it inside the library;
/// a class derived from it takes part as any other client does, and may change a request and pass
/// it on to `default_http_transport::send_request_to_server`.
struct default_http_transport : public http_transport_client {
    struct configuration {
        std::optional<std::map<std::string, std::string>> custom_http_headers;
        std::optional<::realm::internal::bridge::realm::sync_config::proxy_config> proxy_config;
        using SSLVerifyCallback =
            bool(const std::string& server_address,
                 internal::bridge::realm::sync_config::proxy_config::port_type server_port,
                 const char* pem_data, size_t pem_size, int preverify_ok, int depth);
        bool client_validate_ssl = true;
        std::optional<std::string> ssl_trust_certificate_path;
        /// Not called: certificates are checked against the system's roots, or against
        /// `ssl_trust_certificate_path`.
        std::function<SSLVerifyCallback> ssl_verify_callback;
    };

    default_http_transport() = default;
    default_http_transport(const configuration& c) : m_configuration(c) {}

    /// Sends on the calling thread and completes before it returns.
    inline void send_request_to_server(const request&,
                                       std::function<void(const response&)>&& completion) override;

    const configuration& get_configuration() const noexcept { return m_configuration; }

protected:
    configuration m_configuration;
};

} // namespace realm::networking

namespace realm::internal {

struct http_client_factory {
    std::mutex mutex;
    std::function<std::shared_ptr<networking::http_transport_client>()> make;

    static http_client_factory& get() {
        // Never destroyed, as the other process-wide settings.
        static auto* factory = new http_client_factory();
        return *factory;
    }
};

} // namespace realm::internal

namespace realm::networking {

/// What an App uses whose configuration names no client. Process-wide; Apps that exist keep theirs.
inline void
set_http_client_factory(std::function<std::shared_ptr<http_transport_client>()>&& factory_fn) {
    auto& factory = internal::http_client_factory::get();
    std::lock_guard lock(factory.mutex);
    factory.make = std::move(factory_fn);
}

/// A client from the application's factory, or else the built-in one.
inline std::shared_ptr<http_transport_client> make_http_client() {
    std::function<std::shared_ptr<http_transport_client>()> make;
    {
        auto& factory = internal::http_client_factory::get();
        std::lock_guard lock(factory.mutex);
        make = factory.make;
    }
    return make ? make() : std::make_shared<default_http_transport>();
}

} // namespace realm::networking

// The function bodies.
#include <cpprealm/internal/http_messages.hpp>
