// HTTP for logging in and for sending objects: the built-in client, or one the application brings.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm {
class App;
}

namespace realm::networking {
struct http_transport_client;
} // namespace realm::networking

namespace realm::internal {

/// How the library sends through a client.
struct library_client {
    virtual ~library_client() = default;

    /// Puts into `settings` what the library's own client is to know; or else returns what sends
    /// through `self`, which is this client: made with `new`, and the caller's.
    virtual ffi::HostTransport*
    realm_internal_take(std::shared_ptr<networking::http_transport_client> self,
                        ffi::HttpSettings& settings) const = 0;
};

/// The same, for an application's own client. A template, so that it is compiled where a class of
/// clients is made, and nowhere else.
template <typename>
struct own_client : library_client {
    ffi::HostTransport* realm_internal_take(std::shared_ptr<networking::http_transport_client> self,
                                            ffi::HttpSettings& settings) const override;
};

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

/// The method of a request; `del` is DELETE.
enum class http_method { get, post, patch, put, del };
/// Names and values. One header has one value.
using http_headers = std::map<std::string, std::string>;

/// What the library wants sent. A value.
struct request {
    /// GET, POST, PATCH, PUT or DELETE.
    http_method method = http_method::get;
    /// Absolute, `http:` or `https:`.
    std::string url;
    /// Milliseconds the whole may take.
    uint64_t timeout_ms = 0;
    /// To be sent as they are.
    http_headers headers;
    /// Bytes, which may have any value; empty for none.
    std::string body;
};

/// What came back. A value.
struct response {
    /// As the server sent it; 0 where none came.
    int http_status_code = 0;
    /// Not 0: there is no answer, since the way to the server failed.
    int custom_status_code = 0;
    /// As the server sent them.
    http_headers headers;
    /// The whole body, decompressed.
    std::string body;
    /// Set where the client itself refused the request.
    std::optional<std::int32_t> client_error_code;
};

/// The application's own HTTP. `send_request_to_server` is called from any thread, also from
/// several at once, and calls `completion` exactly once, on any thread, before or after it returns.
/// The library keeps the client as long as its App.
struct http_transport_client : internal::own_client<internal::on_use> {
    /// Sends the request and gives the answer to `completion`.
    virtual void send_request_to_server(const request& request,
                                        std::function<void(const response&)>&& completion) = 0;
};

} // namespace realm::networking

namespace realm::internal::bridge {

/// The built-in client with settings. An App that is given one directly uses it inside the library;
/// a class derived from it takes part as any other client does, and may change a request and pass
/// it on to `default_http_transport::send_request_to_server`.
template <typename Use>
struct default_http_transport : networking::http_transport_client, private virtual exact_type {
    /// Settings. A value.
    struct configuration {
        /// Sent with every request.
        std::optional<later<Use, networking::http_headers>> custom_http_headers;
        /// Takes the place of what the environment says.
        std::optional<proxy_settings<Use>> proxy_config;
        /// See `ssl_verify_callback`.
        using SSLVerifyCallback = bool(const std::string& server_address,
                                       typename proxy_settings<Use>::port_type server_port,
                                       const char* pem_data, size_t pem_size, int preverify_ok,
                                       int depth);
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
        /// None by default.
        std::optional<client_certificate_files> client_certificate = std::nullopt;
    };

    /// With the defaults: the system's certificates, and the proxy that the environment names.
    default_http_transport() : exact_type(true) {}
    /// With these settings, a copy of which it keeps.
    default_http_transport(const configuration& c) : exact_type(true), m_configuration(c) {}

    /// Sends on the calling thread and completes before it returns.
    void
    send_request_to_server(const networking::request& request,
                           std::function<void(const networking::response&)>&& completion) override;

    /// What it was made with.
    const configuration& get_configuration() const noexcept { return m_configuration; }

protected:
    configuration m_configuration;

    ffi::HostTransport* realm_internal_take(std::shared_ptr<networking::http_transport_client> self,
                                            ffi::HttpSettings& settings) const override;
};

} // namespace realm::internal::bridge

namespace realm::internal {

/// Where clients come from once the application has set a factory. Behind a table of functions, so
/// that only files that set one compile what it takes.
struct http_client_source {
    virtual std::shared_ptr<networking::http_transport_client> client() = 0;

protected:
    ~http_client_source() = default;
};
/// Null until then.
inline std::atomic<http_client_source*> http_clients{nullptr};

template <typename>
struct http_client_factory final : http_client_source {
    std::mutex mutex;
    std::function<std::shared_ptr<networking::http_transport_client>()> make;

    static http_client_factory& get() {
        // Never destroyed, as the other process-wide settings.
        static auto* factory = new http_client_factory();
        http_clients = factory;
        return *factory;
    }
    std::shared_ptr<networking::http_transport_client> client() override {
        std::function<std::shared_ptr<networking::http_transport_client>()> now;
        {
            std::lock_guard lock(mutex);
            now = make;
        }
        return now ? now() : nullptr;
    }
};

/// A client from the application's factory; null without one.
template <typename = on_use>
std::shared_ptr<networking::http_transport_client> client_of_factory() {
    http_client_source* source = http_clients;
    return source != nullptr ? source->client() : nullptr;
}

} // namespace realm::internal

namespace realm::networking {

/// The built-in client.
using default_http_transport = internal::bridge::default_http_transport<internal::on_use>;

/// What an App uses whose configuration names no client. Process-wide; Apps that exist keep theirs.
template <typename Use = internal::on_use>
void set_http_client_factory(std::function<std::shared_ptr<http_transport_client>()>&& factory_fn) {
    auto& factory = internal::http_client_factory<Use>::get();
    std::lock_guard lock(factory.mutex);
    factory.make = std::move(factory_fn);
}

/// A client from the application's factory, or else the built-in one.
template <typename Use = internal::on_use>
std::shared_ptr<http_transport_client> make_http_client() {
    auto made = internal::client_of_factory();
    return made ? made : std::make_shared<internal::bridge::default_http_transport<Use>>();
}

} // namespace realm::networking

// The function bodies.
#include <cpprealm/internal/http_messages.hpp>
