// How a database is opened: db_config, sync_config and proxy_config under their long names.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/client_reset_mode.hpp>
#include <cpprealm/internal/bridge/schema.hpp>
#include <cpprealm/internal/bridge/sync_error.hpp>
#include <cpprealm/internal/bridge/sync_session.hpp>
#include <cpprealm/internal/instance_handle.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/proxy_address.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/scheduler.hpp>
#include <cpprealm/schedulers/default_scheduler.hpp>

namespace realm::internal {
struct sync_settings;
struct chosen_options;
struct config_access;
} // namespace realm::internal

namespace realm::internal::bridge {

/// `realm::proxy_config`: an HTTP proxy. A value.
template <typename Use = on_use>
struct proxy_settings {
    /// A TCP port.
    using port_type = std::uint_fast16_t;
    /// A host name or an IP address.
    std::string address;
    /// The port at that address.
    port_type port;
    /// User and password for Basic authentication, if the proxy asks for them.
    std::optional<std::pair<std::string, later<Use, std::string>>> username_password;
};

/// A handle to an opened realm; `db` holds one. Applications use the configuration types inside.
struct realm {
    /// What becomes of a session once the last db of its path is closed: it ends, it goes on, or it
    /// ends when everything is uploaded, which is the default.
    enum class sync_session_stop_policy : uint8_t {
        immediately,
        live_indefinitely,
        after_changes_uploaded
    };

    /// A handle to the sync settings of a configuration: copies, and the configuration it came
    /// from, share them. Not synchronised: set up on one thread, before the database is opened.
    struct sync_config {
        /// An HTTP proxy.
        using proxy_config = proxy_settings<>;
        /// Kept for programs that name it.
        struct flx_sync_enabled {};

        /// Without settings: setting anything throws `std::logic_error`.
        sync_config() = default;
        /// For the library: `user::flexible_sync_configuration()` makes them.
        explicit sync_config(std::shared_ptr<sync_settings> settings)
            : settings_(std::move(settings)) {}

        /// What happens to unsent objects when the last db of the path closes. Throws
        /// `std::logic_error` without settings.
        template <typename = on_use>
        void set_stop_policy(sync_session_stop_policy&& policy);
        /// Called on the library's thread, once per error; return soon, and wait for nothing there.
        /// The first open of a path decides. Without one, errors are printed to stderr. Throws
        /// `std::logic_error` without settings.
        template <typename = on_use>
        void set_error_handler(std::function<void(const sync_session&, const sync_error&)>&& fn);

        /// For the library.
        const std::shared_ptr<sync_settings>& settings() const noexcept { return settings_; }

    private:
        template <typename = on_use>
        sync_settings& existing() const;

        std::shared_ptr<sync_settings> settings_;
    };

    /// How one database is opened. Copies are independent except for their sync settings, which
    /// they share. Belongs to the thread that makes it: `open` expects the same one, unless the
    /// configuration gets another scheduler.
    struct config {
        /// How realm-cpp goes about a file whose schema is another one. Here a file takes every
        /// schema; `open` refuses `immutable`, and with `additive_explicit` embedded classes that
        /// nothing leads to.
        enum class schema_mode : uint8_t {
            automatic,
            immutable,
            read_only,
            soft_reset_file,
            hard_reset_file,
            additive_discovered,
            additive_explicit,
            manual
        };

        /// `default.realm` in the current directory, without sync: `open` refuses it.
        template <typename = on_use>
        config()
            : config((std::filesystem::current_path() / "default.realm").string(),
                     default_scheduler::make_default()) {}
        /// Another path or scheduler, without sync: `open` refuses it until it has a sync
        /// configuration.
        config(const std::string& path, const std::shared_ptr<struct ::realm::scheduler>& scheduler)
            : path_(path), scheduler_(scheduler) {}

        /// The path of the file.
        [[nodiscard]] std::string path() const { return path_; }
        /// The sync settings, which this configuration shares.
        [[nodiscard]] struct sync_config sync_config() const { return sync_config_; }
        /// What says on which thread the database may be used.
        [[nodiscard]] std::shared_ptr<struct ::realm::scheduler> scheduler() const {
            return scheduler_;
        }

        /// Where the file is to be. Its folder has to exist.
        void set_path(const std::string& path) { path_ = path; }
        /// The classes that `db(config)` opens; all declared ones by default. `open<Ts...>` names
        /// its own.
        template <typename = on_use>
        void set_schema(const std::vector<object_schema>& schema) {
            rare_settings& rare = own_rare();
            rare.schema = schema;
            rare.has_schema = true;
        }
        /// See `schema_mode`. All that have a path open have to agree on it.
        void set_schema_mode(schema_mode mode) { schema_mode_ = mode; }
        /// Binds the database to another thread than the one that made the configuration.
        void set_scheduler(const std::shared_ptr<struct ::realm::scheduler>& scheduler) {
            scheduler_ = scheduler;
        }
        /// Shares the sync settings of another configuration; none for `std::nullopt`.
        template <typename Use = on_use>
        void set_sync_config(const std::optional<struct sync_config>& settings) {
            share<Use>(settings);
        }
        /// Sent with every request of this database. Throws `std::logic_error` without sync
        /// settings.
        template <typename = on_use>
        void set_custom_http_headers(const std::map<std::string, std::string>& headers);
        /// The proxy for this database. Throws `std::logic_error` without sync settings.
        template <typename Use = on_use>
        void set_proxy_config(const sync_config::proxy_config& proxy);
        /// All that have a path open have to agree on it; nothing else depends on it.
        void set_schema_version(uint64_t version) { schema_version_ = version; }
        /// Encrypts the file, and that of urgent classes. A new file gets the key; one that is
        /// there has to have it, or opening it throws (see `realm::ingest::rekey`). A file of which
        /// nobody has given the key since the start of the program is not sent before it is opened.
        template <typename = on_use>
        void set_encryption_key(const std::array<char, 64>& key) {
            rare_settings& rare = own_rare();
            rare.encryption_key = key;
            rare.has_encryption_key = true;
        }
        /// Kept and never called: the space of acknowledged objects is given back as it comes free.
        template <typename Use = on_use>
        void should_compact_on_launch(
            std::function<bool(uint64_t total_bytes, uint64_t unused_bytes)>&& fn) {
            using bytes = later<Use, uint64_t>;
            own_rare().should_compact_on_launch =
                std::make_shared<std::function<bool(bytes, bytes)>>(std::move(fn));
        }
        /// Changes nothing: there is no local history.
        void enable_forced_sync_history() {}
        /// What `set_schema` was given.
        template <typename Schema = schema>
        std::optional<Schema> get_schema() {
            if (!rare_ || !rare_->has_schema)
                return std::nullopt;
            return Schema(rare_->schema);
        }

        /// Stored and never called: the gateway keeps no copy of a client's file to fall out of
        /// step.
        template <typename T>
        void set_client_reset_handler(const client_reset_mode_base<T>& handler) {
            client_reset_mode_ = handler.m_mode;
            own_rare().client_reset_handler = std::make_shared<client_reset_mode_base<T>>(handler);
        }
        /// The mode of `set_client_reset_handler`; `manual` without one.
        enum client_reset_mode get_client_reset_mode() const { return client_reset_mode_; }

    private:
        using bridge_sync_config = struct sync_config;
        friend struct internal::config_access;

        /// What few programs set, and most files that have a configuration need not compile.
        struct rare_settings {
            bool has_schema = false;
            std::vector<object_schema> schema;
            bool has_encryption_key = false;
            std::array<char, 64> encryption_key{};
            std::shared_ptr<const void> should_compact_on_launch;
            std::shared_ptr<const void> client_reset_handler;
            std::shared_ptr<const chosen_options> options;
        };

        /// To be changed: copies of the configuration keep what they have.
        template <typename Use = on_use>
        rare_settings& own_rare() {
            using settings = later<Use, rare_settings>;
            auto own = rare_ ? std::make_shared<settings>(*rare_) : std::make_shared<settings>();
            rare_ = own;
            return *own;
        }
        template <typename, typename Settings>
        void share(const Settings& settings) {
            sync_config_ = settings ? *settings : bridge_sync_config();
        }

        std::string path_;
        std::shared_ptr<struct ::realm::scheduler> scheduler_;
        struct sync_config sync_config_;
        schema_mode schema_mode_ = schema_mode::automatic;
        uint64_t schema_version_ = 0;
        enum client_reset_mode client_reset_mode_ = client_reset_mode::manual;
        std::shared_ptr<const rare_settings> rare_; // null: none is set
    };

    /// For the library.
    explicit realm(instance_handle instance, bool frozen = false)
        : instance_(std::move(instance)), frozen_(frozen) {}

    /// For the library.
    const instance_handle& instance() const noexcept { return instance_; }
    /// Whether it refuses transactions.
    bool is_frozen() const noexcept { return frozen_; }

private:
    instance_handle instance_;
    bool frozen_;
};

} // namespace realm::internal::bridge

namespace realm::internal {

/// A setting as part of a configuration. Kept behind a table of functions, so that only files that
/// choose it compile what it is made of.
struct network_setting {
    virtual ~network_setting() = default;
    virtual void put_into(ffi::RealmConfig& out) const = 0;
};

template <typename>
struct kept_headers final : network_setting {
    explicit kept_headers(const std::map<std::string, std::string>& chosen) : headers(chosen) {}
    void put_into(ffi::RealmConfig& out) const override { set_headers(headers, out.headers); }

    const std::map<std::string, std::string> headers;
};

template <typename Proxy>
struct kept_proxy final : network_setting {
    explicit kept_proxy(const Proxy& chosen) : url(ffi::proxy_url(to_address(chosen))) {}
    void put_into(ffi::RealmConfig& out) const override { out.proxy = url; }

    const rust::String url;
};

/// An application's error handler.
struct session_error_handler {
    virtual ~session_error_handler() = default;
    /// For one session; made with `new`, and the caller's.
    [[nodiscard]] virtual ffi::SessionObserver* make_observer() const = 0;
};

template <typename Error>
struct kept_error_handler final : session_error_handler {
    using handler = std::function<void(const bridge::sync_session&, const Error&)>;

    explicit kept_error_handler(handler&& chosen) : call(std::move(chosen)) {}
    [[nodiscard]] ffi::SessionObserver* make_observer() const override {
        struct observer final : ffi::SessionObserver {
            explicit observer(const handler& chosen) : call(chosen) {}
            void error(const ffi::SyncError& error,
                       rust::Box<ffi::Session> session) const override {
                if (call)
                    call(bridge::sync_session(std::move(session)), Error(error));
            }

            const handler call;
        };
        return new observer(call);
    }

    const handler call;
};

/// Everything about sync that a configuration, its copies and its sync_config handles share.
struct sync_settings {
    std::shared_ptr<user_handle> user;
    bridge::realm::sync_session_stop_policy stop_policy =
        bridge::realm::sync_session_stop_policy::after_changes_uploaded;
    // These are its own; null where nothing was chosen.
    const session_error_handler* error_handler = nullptr; // null prints errors to stderr
    const network_setting* custom_http_headers = nullptr;
    const network_setting* proxy = nullptr;

    sync_settings() = default;
    sync_settings(const sync_settings&) = delete;
    sync_settings& operator=(const sync_settings&) = delete;
    ~sync_settings() {
        delete error_handler;
        delete custom_http_headers;
        delete proxy;
    }
};

} // namespace realm::internal

namespace realm::internal::bridge {

template <typename>
sync_settings& realm::sync_config::existing() const {
    if (!settings_)
        internal::refuse<std::logic_error>("This configuration has no sync settings: make it with "
                                           "user::flexible_sync_configuration().");
    return *settings_;
}

template <typename>
void realm::sync_config::set_stop_policy(sync_session_stop_policy&& policy) {
    existing().stop_policy = policy;
}

template <typename>
void realm::sync_config::set_error_handler(
    std::function<void(const sync_session&, const sync_error&)>&& fn) {
    // First, as it may throw.
    auto& settings = existing();
    delete std::exchange(settings.error_handler, new kept_error_handler<sync_error>(std::move(fn)));
}

template <typename Use>
void realm::config::set_custom_http_headers(const std::map<std::string, std::string>& headers) {
    if (!sync_config_.settings())
        internal::refuse<std::logic_error>(
            "HTTP headers can only be set on a config for a synced Realm.");
    delete std::exchange(sync_config_.settings()->custom_http_headers,
                         new kept_headers<Use>(headers));
}

template <typename Use>
void realm::config::set_proxy_config(const sync_config::proxy_config& proxy) {
    if (!sync_config_.settings())
        internal::refuse<std::logic_error>(
            "Proxy configuration can only be set on a config for a synced Realm.");
    delete std::exchange(sync_config_.settings()->proxy,
                         new kept_proxy<later<Use, sync_config::proxy_config>>(proxy));
}

} // namespace realm::internal::bridge

namespace realm {
/// The sync settings of a configuration.
using sync_config = internal::bridge::realm::sync_config;
/// How a database is opened.
using db_config = internal::bridge::realm::config;
/// An HTTP proxy.
using proxy_config = sync_config::proxy_config;
} // namespace realm
