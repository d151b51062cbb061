// An application on the server: logging in and the users of this device.
#pragma once

#include <array>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cpprealm/internal/app_error.hpp>
#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/bridge/sync_manager.hpp>
#include <cpprealm/internal/call.hpp>
#include <cpprealm/internal/credentials.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/proxy_address.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/internal/user.hpp>
#include <cpprealm/networking/http.hpp>
#include <cpprealm/networking/websocket.hpp>
#include <cpprealm/util/config.h>

namespace realm {

namespace internal::bridge {

// GCC counts the copy constructor that it makes itself as a use of the deprecated members.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/// `App::configuration`: how an App is reached, and where it keeps its files. An aggregate, in the
/// order of realm-cpp.
template <typename Use>
struct app_configuration {
    /// The client app id, such as `weather-abcde`.
    std::string app_id;
    /// The gateway, such as `https://gateway.example:9090`. Without one the environment
    /// variable REALM_INGEST_URL is used.
    std::optional<std::string> base_url;
    /// The directory for files; the process's current one by default.
    std::optional<std::string> path;
    /// Sent with every request, unless the transport has headers of its own.
    [[deprecated("Set headers on a default_http_transport instead.")]] std::optional<
        later<Use, networking::http_headers>>
        custom_http_headers;
    /// Encrypts the file with users and tokens; not encrypted by default. Not the key of
    /// databases.
    std::optional<later<Use, std::array<char, 64>>> metadata_encryption_key;
    /// Whether Apps of one id and URL are the same one in this process.
    bool enable_caching = true;
    /// A proxy, unless the transport has one of its own.
    [[deprecated(
        "Set a proxy on a default_http_transport instead.")]] std::optional<proxy_settings<Use>>
        proxy_configuration;
    /// What sends requests; null for the library's own client.
    std::shared_ptr<networking::http_transport_client> http_transport_client;
    /// Accepted and never called: objects travel over HTTPS.
    std::shared_ptr<later<Use, networking::sync_socket_provider>> sync_socket_provider;
};
#pragma GCC diagnostic pop

} // namespace internal::bridge

namespace internal {

struct app_access;

/// Ends a log-in with a future.
template <typename Use>
struct login_promise final : ffi::LoginCompletion {
    explicit login_promise(bool host) : host_transport(host) {}
    void complete(const ffi::Status& status, rust::Box<ffi::User> logged_in) override {
        try {
            throw_app_error_if_failed(status);
            promise.set_value(user(
                std::make_shared<user_handle>(user_handle{std::move(logged_in), host_transport})));
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
    }

    std::promise<later<Use, user>> promise;
    const bool host_transport;
};

} // namespace internal

/// A handle to an application on a server; copies stand for the same one. Any thread may use it.
///
/// With the built-in transport a call does all its HTTP on the calling thread: its future is ready,
/// and its callback has run, when it returns. With an application's own transport it returns at
/// once and the answer may come on any thread.
///
/// A process that has opened an App must not go on in a forked child: threads and locks do not come
/// along, so every call in the child throws. Fork before the first App, or `exec` a program.
class App {
public:
    /// How an App is reached, and where it keeps its files.
    using configuration = internal::bridge::app_configuration<internal::on_use>;

    /// How a user proves who they are.
    using credentials = internal::bridge::app_credentials;

    /// Throws a `std::exception` for a URL that is none or files that cannot be used.
    template <typename Use = internal::on_use>
    App(const configuration& config) : app_(open<Use>(config)) {}

    /// Makes an account with an e-mail address and a password; it does not log in.
    /// The future throws an `app_error` where the server refused, or could not be reached.
    template <typename = internal::on_use>
    std::future<void> register_user(const std::string& username, const std::string& password) {
        return internal::future_call<void>(app_.host_transport, [app = app_, username, password] {
            internal::throw_app_error_if_failed(
                app.app->register_user(internal::to_str(username), internal::to_str(password)));
        });
    }

    /// Logs in and makes this user the current one. The future throws an `app_error` where the
    /// server refused, or could not be reached.
    template <typename Use = internal::on_use>
    std::future<user> login(const credentials& given) {
        auto* completion = new internal::login_promise<Use>(app_.host_transport);
        auto future = completion->promise.get_future(); // throws for a second one only
        internal::throw_unless_begun(
            internal::ffi::owned::begin_login(*app_.app, internal::to_str(given.provider()),
                                              internal::to_slice(given.body()), completion));
        return future;
    }
    /// As above. On failure the callback's user is an empty one.
    template <typename = internal::on_use>
    void login(const credentials& given,
               std::function<void(user, std::optional<app_error>)>&& callback) {
        internal::callback_call(app_.host_transport,
                                [app = app_, given, callback = std::move(callback)] {
                                    auto status = internal::no_status();
                                    auto logged_in = app.login(given, status);
                                    internal::answer(callback, status, std::move(logged_in));
                                });
    }

    /// For the level of logs; there is nothing else to manage.
    [[nodiscard]] internal::bridge::sync_manager get_sync_manager() const { return {}; }

    /// Who logged in last and still is logged in, also over restarts. Asks no server.
    template <typename User = user>
    [[nodiscard]] std::optional<User> get_current_user() const {
        auto current = app_.app->current_user();
        if (current->is_null())
            return std::nullopt;
        return app_.to_user(std::move(current));
    }

    /// Forgets which Apps exist in this process, so that the next one is made anew.
    void clear_cached_apps() { internal::ffi::clear_cached_apps(); }
    /// `std::nullopt` stands for any URL.
    template <typename Cached = App>
    std::optional<Cached> get_cached_app(const std::string& app_id,
                                         const std::optional<std::string>& base_url) {
        auto cached =
            internal::ffi::cached_app(internal::to_str(app_id), base_url.has_value(),
                                      base_url ? internal::to_str(*base_url) : rust::Str());
        if (cached->is_null())
            return std::nullopt;
        return Cached(handle(std::move(cached)));
    }

    /// The address in use, as it was given.
    std::string get_base_url() const { return internal::to_string(app_.app->base_url()); }
    /// Asks the new server first, and keeps the old one where that fails. Empty means the default.
    template <typename = internal::on_use>
    [[nodiscard]] std::future<void> update_base_url(std::string base_url) const {
        return internal::future_call<void>(
            app_.host_transport, [app = app_, base_url = std::move(base_url)] {
                internal::throw_app_error_if_failed(
                    app.app->update_base_url(internal::to_str(base_url)));
            });
    }

    /// The file that a database of this user has by default.
    template <typename = internal::on_use>
    [[nodiscard]] std::string path_for_realm(const realm::sync_config& config) const {
        if (!config.settings() || !config.settings()->user)
            internal::refuse<std::logic_error>("This sync configuration has no user.");
        auto status = internal::no_status();
        auto path = config.settings()->user->user->realm_path(status);
        internal::throw_if_failed(status);
        return internal::to_string(path);
    }

private:
    friend struct internal::app_access;

    struct handle {
        rust::Box<internal::ffi::App> app;
        /// An App from the cache has the transport it was made with, whatever the configuration
        /// says.
        bool host_transport;

        explicit handle(rust::Box<internal::ffi::App>&& opened)
            : app(std::move(opened)), host_transport(app->has_host_transport()) {}
        handle(const handle& other)
            : app(other.app->duplicate()), host_transport(other.host_transport) {}
        handle& operator=(const handle& other) {
            app = other.app->duplicate();
            host_transport = other.host_transport;
            return *this;
        }

        template <typename = internal::on_use>
        user to_user(rust::Box<internal::ffi::User>&& from) const {
            return user(std::make_shared<internal::user_handle>(
                internal::user_handle{std::move(from), host_transport}));
        }
        template <typename = internal::on_use>
        user login(const credentials& given, internal::ffi::Status& status) const {
            auto logged_in = app->login(internal::to_str(given.provider()),
                                        internal::to_str(given.body()), status);
            return status.code == 0 ? to_user(std::move(logged_in)) : user();
        }
    };

    explicit App(const handle& app) : app_(app) {}

    template <typename Use>
    static handle open(const internal::bridge::app_configuration<Use>& config) {
        const auto settings = to_library(config);
        auto http = http_settings(config);
        const auto client = config.http_transport_client ? config.http_transport_client
                                                         : internal::client_of_factory();
        internal::ffi::HostTransport* transport = nullptr;
        if (client)
            transport = static_cast<const internal::library_client&>(*client).realm_internal_take(
                client, *http);

        internal::ffi::call_status status;
        handle opened(internal::ffi::owned::open_app(settings, *http, transport, status));
        internal::throw_if_failed(status);
        return opened;
    }

    /// Refers to the configuration, which must outlive it.
    template <typename Use>
    static internal::ffi::AppConfig
    to_library(const internal::bridge::app_configuration<Use>& config) {
        internal::ffi::AppConfig out{};
        out.app_id = internal::to_str(config.app_id);
        out.has_base_url = config.base_url.has_value();
        if (config.base_url)
            out.base_url = internal::to_str(*config.base_url);
        if (config.path)
            out.path = internal::to_slice(*config.path);
        if (const auto& key = config.metadata_encryption_key)
            out.metadata_encryption_key = internal::to_slice({key->data(), key->size()});
        out.enable_caching = config.enable_caching;
        return out;
    }

    /// What a client itself says of these comes later, and takes their place.
    template <typename Use>
    static rust::Box<internal::ffi::HttpSettings>
    http_settings(const internal::bridge::app_configuration<Use>& config) {
        auto out = internal::ffi::new_http_settings();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        if (config.custom_http_headers)
            internal::set_headers(*config.custom_http_headers, *out);
        if (config.proxy_configuration)
            out->set_proxy(internal::to_address(*config.proxy_configuration));
#pragma GCC diagnostic pop
        return out;
    }

    handle app_;
};

} // namespace realm
