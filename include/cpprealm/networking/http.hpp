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
struct default_http_transport;
struct http_transport_client;
} // namespace realm::networking

namespace realm::internal {

/// The client as the built-in one, and null for an application's own, which a class derived from
/// the built-in one is too.
inline const networking::default_http_transport*
built_in_client(const networking::http_transport_client& client);

/// Tells whether an object is of class `default_http_transport` itself, without RTTI: of a virtual
/// base the class of the whole object alone chooses the constructor, and only
/// `default_http_transport` chooses the one with `true`.
struct exact_type {
    exact_type() = default;
    explicit exact_type(bool is) : exact(is) {}
    bool exact = false;
};

} // namespace realm::internal

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

private:
    friend const default_http_transport*
    internal::built_in_client(const http_transport_client& client);
    virtual const default_http_transport* realm_internal_built_in() const { return nullptr; }
};

/// The built-in client with settings. An App that is given one directly uses it inside the library;
/// a class derived from it takes part as any other client does, and may change a request and pass
/// it on to `default_http_transport::send_request_to_server`.
struct default_http_transport : public http_transport_client, private virtual internal::exact_type {
    struct configuration {
        std::optional<std::map<std::string, std::string>> custom_http_headers;
        std::optional<::realm::internal::bridge::realm::sync_config::proxy_config> proxy_config;
        using SSLVerifyCallback =
            bool(const std::string& server_address,
                 internal::bridge::realm::sync_config::proxy_config::port_type server_port,
                 const char* pem_data, size_t pem_size, int preverify_ok, int depth);
        /// `false` accepts any server and asks nobody about it. For tests: whoever is on the way
        /// can then read and change everything.
        bool client_validate_ssl = true;
        /// A PEM file with certificates to trust beside the system's.
        std::optional<std::string> ssl_trust_certificate_path;
        /// Has the last word on each certificate that a server shows, from the authority's down to
        /// the server's own, of depth 0. `preverify_ok` is 1 where the library would trust the
        /// server: its whole chain, and the name in it. `server_port` is a hint: of the last
        /// request to that name. Called on a thread of the library for each connection; `false` or
        /// an exception ends that.
        std::function<SSLVerifyCallback> ssl_verify_callback;

        /// This device's own certificate, for servers that ask for one; realm-cpp has none.
        struct client_certificate_files {
            /// A PEM file: the certificate, and those that lead to its authority.
            std::string chain_path;
            /// A PEM file with the private key.
            std::string key_path;
        };
        std::optional<client_certificate_files> client_certificate = std::nullopt;
    };

    default_http_transport() : exact_type(true) {}
    default_http_transport(const configuration& c) : exact_type(true), m_configuration(c) {}

    /// Sends on the calling thread and completes before it returns.
    inline void send_request_to_server(const request&,
                                       std::function<void(const response&)>&& completion) override;

    const configuration& get_configuration() const noexcept { return m_configuration; }

protected:
    configuration m_configuration;

private:
    const default_http_transport* realm_internal_built_in() const override {
        return exact ? this : nullptr;
    }
};

} // namespace realm::networking

namespace realm::internal {

inline const networking::default_http_transport*
built_in_client(const networking::http_transport_client& client) {
    return client.realm_internal_built_in();
}

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
