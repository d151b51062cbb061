// The websocket vocabulary of realm-cpp. Objects travel over plain HTTPS, so a provider set in
// `App::configuration::sync_socket_provider` is accepted, kept and never called.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/bridge/status.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm::networking {

/// What a handler is told.
using status = ::realm::internal::bridge::status;

/// Where a websocket leads.
struct websocket_endpoint {
    /// Subprotocols, the preferred one first.
    std::vector<std::string> protocols;
    /// `ws:` or `wss:`.
    std::string url;
};

/// Why a websocket was closed: codes of RFC 6455, and some of Realm's own.
enum class websocket_err_codes {
    ok = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    websocket_reserved = 1004,
    no_status_received = 1005,
    abnormal_closure = 1006,
    invalid_payload_data = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    invalid_extension = 1010,
    invalid_server_error = 1011,
    TLS_handshake_failed = 1015,

    unauthorized = 4001,
    forbidden = 4002,
    moved_permanently = 4003,
    client_too_old = 4004,
    client_too_new = 4005,
    protocol_mismatch = 4006,

    resolve_failed = 4400,
    connection_failed = 4401,
    read_error = 4402,
    write_error = 4403,
    retry_error = 4404,
    fatal_error = 4405,
};

struct websocket_interface;
struct websocket_observer;

/// Makes websockets, runs handlers and timers. Never called by this library.
class sync_socket_provider {
public:
    /// What is called when something is done.
    using FunctionHandler = std::function<void(status)>;

    /// A timer that was started.
    struct timer {
        virtual ~timer() = default;
        /// Its handler is told that it was cancelled.
        virtual void cancel() = 0;
    };
    /// A timer that belongs to the caller.
    using sync_timer = std::unique_ptr<sync_socket_provider::timer>;

    virtual ~sync_socket_provider() = default;
    /// Opens a websocket, of which the observer hears.
    virtual std::unique_ptr<websocket_interface>
    connect(std::unique_ptr<websocket_observer> observer, websocket_endpoint&& endpoint) = 0;
    /// Runs the handler on the thread of the provider.
    virtual void post(FunctionHandler&& handler) = 0;
    /// Runs the handler after the delay.
    virtual sync_timer create_timer(std::chrono::milliseconds delay, FunctionHandler&& handler) = 0;
};

/// One open websocket.
struct websocket_interface {
    /// What is called when something is done.
    using FunctionHandler = std::function<void(status)>;

    virtual ~websocket_interface() = default;
    /// Sends one binary message, and calls the handler when more can be sent.
    virtual void async_write_binary(std::string_view data, FunctionHandler&& handler) = 0;
};

/// Hears what happens on a websocket.
struct websocket_observer {
    virtual ~websocket_observer() = default;
    /// It is open, with this subprotocol.
    virtual void websocket_connected_handler(const std::string& protocol) = 0;
    /// It failed.
    virtual void websocket_error_handler() = 0;
    /// A message came. False: the websocket is not to be used any more.
    virtual bool websocket_binary_message_received(std::string_view data) = 0;
    /// It is closed. False: the websocket is not to be used any more.
    virtual bool websocket_closed_handler(bool was_clean, websocket_err_codes error_code,
                                          std::string_view message) = 0;
};

} // namespace realm::networking

namespace realm::internal {

/// `networking::default_socket_provider`.
template <typename Use>
struct no_websockets : networking::sync_socket_provider {
    template <typename T>
    using owned = std::unique_ptr<later<Use, T>>;

    /// Kept, and not used.
    struct configuration {
        /// @{
        /// As in `default_http_transport::configuration`.
        std::optional<later<Use, std::map<std::string, std::string>>> custom_http_headers;
        std::optional<bridge::proxy_settings<Use>> proxy_config;
        using SSLVerifyCallback = bool(const std::string& server_address,
                                       typename bridge::proxy_settings<Use>::port_type server_port,
                                       const char* pem_data, size_t pem_size, int preverify_ok,
                                       int depth);
        bool client_validate_ssl = true;
        std::optional<std::string> ssl_trust_certificate_path;
        std::function<SSLVerifyCallback> ssl_verify_callback;
        /// @}
    };

    /// With the defaults.
    no_websockets() = default;
    /// Keeps the settings.
    no_websockets(const configuration& c) : m_configuration(c) {}

    owned<networking::websocket_interface> connect(owned<networking::websocket_observer>,
                                                   networking::websocket_endpoint&&) override {
        refuse();
    }
    void post(FunctionHandler&&) override { refuse(); }
    owned<timer> create_timer(std::chrono::milliseconds, FunctionHandler&&) override { refuse(); }

protected:
    /// The name by which classes derived from it call its constructor.
    using default_socket_provider = no_websockets;

    configuration m_configuration;

private:
    [[noreturn]] static void refuse() {
        internal::refuse<std::logic_error>("Objects are sent over HTTPS, not over a websocket.");
    }
};

} // namespace realm::internal

namespace realm::networking {

/// The provider that stands where realm-cpp has its built-in one. It opens no websocket: each of
/// its functions throws, since only the sync protocol of realm-cpp would call them.
using default_socket_provider = internal::no_websockets<internal::on_use>;

} // namespace realm::networking
