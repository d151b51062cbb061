// Every call of realm-cpp's public headers that an application for Data Ingest makes, with the type
// it gives: that this file compiles is the test. What the calls do is tested elsewhere.
#include <cpprealm/analytics.hpp>
#include <cpprealm/schedulers/default_scheduler.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

// Programs call what realm-cpp has deprecated, too.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif

struct Measurement {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::int64_t n = 0;
};
REALM_ASYMMETRIC_SCHEMA(Measurement, _id, n)

namespace signatures {

using namespace realm;
using realm::internal::bridge::compensating_write_error_info;
using date = std::chrono::time_point<std::chrono::system_clock>;
using bytes = std::vector<std::uint8_t>;

template <typename Expected, typename Actual>
void gives(Actual&&) {
    static_assert(std::is_same_v<Expected, std::decay_t<Actual>>);
}

void of_app(App app) {
    gives<std::future<void>>(app.register_user("name", "password"));
    gives<std::future<user>>(app.login(App::credentials::anonymous()));
    app.login(App::credentials(), [](user, std::optional<app_error>) {});
    gives<std::optional<user>>(app.get_current_user());
    gives<std::optional<App>>(app.get_cached_app("id", std::nullopt));
    gives<std::string>(app.get_base_url());
    gives<std::future<void>>(app.update_base_url(""));
    gives<std::string>(app.path_for_realm(sync_config()));
    gives<internal::bridge::sync_manager>(app.get_sync_manager());
    app.get_sync_manager().set_log_level(logger::level::info);
    app.clear_cached_apps();
    const App::configuration all{"id", std::nullopt, std::nullopt, std::nullopt, std::nullopt,
                                 true, std::nullopt, nullptr,      nullptr};
    App other = all;
    other = app;
}

void of_credentials() {
    using credentials = App::credentials;
    gives<credentials>(credentials::api_key("key"));
    gives<credentials>(credentials::facebook("token"));
    gives<credentials>(credentials::apple("token"));
    gives<credentials>(credentials::google_auth_code("code"));
    gives<credentials>(credentials::google_id_token("token"));
    gives<credentials>(credentials::custom("token"));
    gives<credentials>(credentials::username_password("name", "password"));
    gives<credentials>(credentials::function("{}"));
}

void of_user(user user) {
    gives<bool>(user.is_logged_in());
    gives<enum realm::user::state>(user.state());
    gives<std::string>(user.identifier());
    gives<std::string>(user.access_token());
    gives<std::string>(user.refresh_token());
    gives<internal::bridge::sync_manager>(user.sync_manager());
    gives<db_config>(user.flexible_sync_configuration());
    user.log_out([](std::optional<app_error>) {});
    gives<std::future<void>>(user.log_out());
    gives<std::optional<std::string>>(user.custom_data());
    gives<std::optional<bsoncxx::document>>(user.get_custom_data());
    user.call_function("f", "[]", [](std::optional<std::string>, std::optional<app_error>) {});
    gives<std::future<std::optional<std::string>>>(user.call_function("f", "[]"));
    user.call_function("f", std::vector<bsoncxx>{},
                       [](std::optional<bsoncxx>, std::optional<app_error>) {});
    gives<std::future<std::optional<bsoncxx>>>(
        user.call_function("f", {bsoncxx::document({{"name", "john"}})}));
    user.refresh_custom_user_data([](std::optional<app_error>) {});
    gives<std::future<void>>(user.refresh_custom_user_data());
    gives<bool>(user == user);
    gives<bool>(user != std::optional<realm::user>(user));
}

void of_app_error(const app_error& error) {
    gives<std::string_view>(error.message());
    gives<std::string_view>(error.link_to_server_logs());
    gives<bool>(error.is_json_error() || error.is_service_error() || error.is_http_error() ||
                error.is_custom_error() || error.is_client_error());
}

void of_config(db_config config) {
    using mode = db_config::schema_mode;
    for (const auto one :
         {mode::automatic, mode::immutable, mode::read_only, mode::soft_reset_file,
          mode::hard_reset_file, mode::additive_discovered, mode::additive_explicit, mode::manual})
        config.set_schema_mode(one);
    config = db_config("path", config.scheduler());
    config.set_path("path");
    config.set_schema(db::schemas);
    config.set_scheduler(config.scheduler());
    config.set_sync_config(config.sync_config());
    config.set_sync_config(std::nullopt);
    config.set_custom_http_headers({{"name", "value"}});
    config.set_proxy_config({"address", 1, std::make_pair(std::string(), std::string())});
    config.set_schema_version(1);
    config.set_encryption_key(std::array<char, 64>{});
    config.should_compact_on_launch([](std::uint64_t, std::uint64_t) { return true; });
    config.enable_forced_sync_history();
    config.set_client_reset_handler(client_reset::manual());
    gives<std::string>(config.path());
    gives<enum client_reset_mode>(config.get_client_reset_mode());
    static_cast<void>(config.get_schema());
    config.sync_config().set_stop_policy(
        internal::bridge::realm::sync_session_stop_policy::immediately);
    config.sync_config().set_error_handler([](const sync_session&, const sync_error&) {});
    static_cast<void>(sync_config::flx_sync_enabled());
    static_assert(std::is_same_v<proxy_config::port_type, std::uint_fast16_t>);
}

void of_db(db db) {
    db.begin_write();
    db.commit_write();
    gives<int>(db.write([] { return 1; }));
    db.insert(std::vector<Measurement>());
    gives<std::tuple<managed<Measurement>, managed<Measurement>>>(
        db.insert(Measurement(), Measurement()));
    gives<bool>(db.refresh());
    gives<sync_subscription_set>(db.subscriptions());
    gives<std::future<bool>>(db.subscriptions().update([](mutable_sync_subscription_set& set) {
        gives<bool>(set.remove("name"));
        set.clear();
    }));
    gives<std::optional<sync_subscription>>(db.subscriptions().find("name"));
    gives<std::optional<sync_session>>(db.get_sync_session());
    gives<realm::db>(db.freeze());
    gives<realm::db>(db.thaw());
    gives<bool>(db.is_frozen() || db.is_closed() || db == db || db != db);
    db.invalidate();
    db.close();
    static_cast<void>(db.m_realm);
}

void of_managed(managed<Measurement> object, std::ostream& out) {
    gives<Measurement>(object.detach());
    gives<bool>(object.is_invalidated());
    gives<bool>(object.is_frozen());
    gives<managed<Measurement>>(object.freeze());
    gives<managed<Measurement>>(object.thaw());
    gives<db>(object.get_realm());
    object.to_json(out);
    gives<std::int64_t>(object.n.operator std::int64_t());
    gives<object_id>(object._id.operator object_id());
    static_assert(managed<Measurement>::object_type == ObjectType::Asymmetric);
    static_assert(managed<Measurement>::schema.name == "Measurement");
}

void of_session(sync_session session) {
    gives<enum sync_session::state>(session.state());
    gives<enum sync_session::connection_state>(session.connection_state());
    session.wait_for_upload_completion([](networking::status status) {
        gives<bool>(status.is_ok());
        gives<std::string>(status.reason());
        gives<std::string_view>(status.code_string());
    });
    session.wait_for_download_completion([](internal::bridge::status) {});
    gives<std::future<void>>(session.wait_for_upload_completion());
    gives<std::future<void>>(session.wait_for_download_completion());
    session.pause();
    session.resume();
    session.reconnect();
    const auto token = session.observe_connection_change(
        [](enum sync_session::connection_state, enum sync_session::connection_state) {});
    gives<std::uint64_t>(token);
    session.unregister_connection_change_observer(token);
}

void of_sync_error(const sync_error& error) {
    gives<std::unordered_map<std::string, std::string>>(error.user_info());
    gives<std::vector<compensating_write_error_info>>(error.compensating_writes_info());
    gives<networking::status>(error.get_status());
    gives<bool>(error.is_fatal() || error.is_client_reset_requested());
    gives<std::string_view>(error.message());
    for (const compensating_write_error_info& one : error.compensating_writes_info()) {
        const internal::bridge::mixed& key = one.primary_key;
        gives<internal::bridge::data_type>(key.type());
        gives<bool>(key.is_null());
        [[maybe_unused]] const std::string text = key;
        [[maybe_unused]] const std::int64_t number = key;
        [[maybe_unused]] const double real = key;
        [[maybe_unused]] const bool flag = key;
        [[maybe_unused]] const uuid uid = key;
        [[maybe_unused]] const object_id oid = key;
        [[maybe_unused]] const decimal128 decimal = key;
        [[maybe_unused]] const date at = key;
        [[maybe_unused]] const bytes binary = key;
        gives<bool>(key == key || key != key || key < key || key > key || key <= key || key >= key);
        gives<std::string>(one.object_name + one.reason);
    }
}

struct own_logger : logger {
    void do_log(logger::level, const std::string&) override {}
};
struct own_transport : networking::http_transport_client {
    void
    send_request_to_server(const networking::request& request,
                           std::function<void(const networking::response&)>&& completion) override {
        gives<networking::http_method>(request.method);
        gives<std::uint64_t>(request.timeout_ms);
        networking::response response;
        response.http_status_code = 200;
        response.custom_status_code = 0;
        response.headers = request.headers;
        response.body = request.body + request.url;
        response.client_error_code = std::int32_t(1);
        completion(response);
    }
};
struct observed_transport : networking::default_http_transport {
    using default_http_transport::default_http_transport;
    explicit observed_transport(const networking::default_http_transport::configuration& settings,
                                const proxy_config& proxy)
        : default_http_transport(settings) {
        m_configuration.proxy_config = proxy;
    }
    void
    send_request_to_server(const networking::request& request,
                           std::function<void(const networking::response&)>&& completion) override {
        default_http_transport::send_request_to_server(request, std::move(completion));
    }
};
struct own_socket : networking::websocket_interface {
    void async_write_binary(std::string_view, FunctionHandler&&) override {}
};
struct own_observer : networking::websocket_observer {
    void websocket_connected_handler(const std::string&) override {}
    void websocket_error_handler() override {}
    bool websocket_binary_message_received(std::string_view) override { return true; }
    bool websocket_closed_handler(bool, networking::websocket_err_codes,
                                  std::string_view) override {
        return true;
    }
};
struct own_timer : networking::sync_socket_provider::timer {
    void cancel() override {}
};

void of_logging_and_networking() {
    auto mine = std::make_shared<own_logger>();
    mine->set_level_threshold(logger::level::all);
    gives<logger::level>(mine->get_level_threshold());
    set_default_logger(mine);
    networking::set_http_client_factory([] { return std::make_shared<own_transport>(); });
    gives<std::shared_ptr<networking::http_transport_client>>(networking::make_http_client());
    networking::default_http_transport::configuration http;
    http.custom_http_headers = std::map<std::string, std::string>();
    http.proxy_config = proxy_config();
    http.client_validate_ssl = true;
    http.ssl_trust_certificate_path = "path";
    http.ssl_verify_callback = [](const std::string&, proxy_config::port_type, const char*,
                                  std::size_t, int, int) { return true; };
    networking::default_http_transport with(http);
    networking::default_http_transport without;
    observed_transport inherits(http);
    observed_transport adds(http, {"proxy.example", 3128, std::make_pair("user", "password")});
    networking::default_socket_provider::configuration sockets;
    sockets.client_validate_ssl = false;
    networking::default_socket_provider provider(sockets);
    gives<std::unique_ptr<networking::websocket_interface>>(
        provider.connect(std::make_unique<own_observer>(), {{"protocol"}, "url"}));
    gives<networking::sync_socket_provider::sync_timer>(
        provider.create_timer(std::chrono::milliseconds(1), [](networking::status) {}));
    static_assert(!std::is_abstract_v<own_socket> && !std::is_abstract_v<own_timer>);
    default_scheduler::set_default_factory([] { return default_scheduler::make_default(); });
    gives<std::shared_ptr<scheduler>>(default_scheduler::make_platform_default());
    realm_analytics::send();
}

void of_notifications(notification_token token, const object_change<managed<Measurement>>& change) {
    token.unregister();
    gives<bool>(collection_change().empty() || change.is_deleted);
}

TEST(signatures, are_those_that_programs_call) { SUCCEED(); }

} // namespace signatures
