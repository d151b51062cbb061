// The names and types that programs written for realm-cpp spell out: that this file compiles is
// most of the test. Statements follow the examples of realm-cpp's documentation.
#include <cpprealm/analytics.hpp>
#include <cpprealm/schedulers/default_scheduler.hpp>
#include <cpprealm/sdk.hpp>
#include <cpprealm/util/config.h>

#include <gtest/gtest.h>

#include "fake_server.hpp"

namespace realm {
struct Car {
    primary_key<object_id> _id{object_id::generate()};
    std::string make;
};
REALM_ASYMMETRIC_SCHEMA(Car, _id, make);
} // namespace realm

namespace {

template <typename A, typename B>
constexpr bool same = std::is_same_v<A, B>;

static_assert(same<realm::db_config, realm::internal::bridge::realm::config>);
static_assert(same<realm::sync_config, realm::internal::bridge::realm::sync_config>);
static_assert(same<realm::sync_session, realm::internal::bridge::sync_session>);
static_assert(same<realm::sync_error, realm::internal::bridge::sync_error>);
static_assert(same<realm::proxy_config, realm::sync_config::proxy_config>);
static_assert(same<realm::networking::status, realm::internal::bridge::status>);
static_assert(sizeof(realm::internal::bridge::sync_manager) > 0);
static_assert(sizeof(realm::internal::bridge::compensating_write_error_info) > 0);
static_assert(sizeof(realm::internal::bridge::mixed) > 0);

using stop_policy = realm::internal::bridge::realm::sync_session_stop_policy;
static_assert(static_cast<int>(stop_policy::immediately) == 0);
static_assert(static_cast<int>(stop_policy::live_indefinitely) == 1);
static_assert(static_cast<int>(stop_policy::after_changes_uploaded) == 2);
static_assert(static_cast<int>(realm::sync_session::state::active) == 0);
static_assert(static_cast<int>(realm::sync_session::state::paused) == 4);
static_assert(static_cast<int>(realm::sync_session::connection_state::connected) == 2);
static_assert(static_cast<int>(realm::user::state::removed) == 2);
static_assert(static_cast<int>(realm::client_reset_mode::recover_or_discard) == 3);
static_assert(static_cast<int>(realm::logger::level::off) == 8);
static_assert(static_cast<int>(realm::networking::websocket_err_codes::fatal_error) == 4405);
static_assert(static_cast<int>(realm::networking::http_method::del) == 4);
static_assert(static_cast<int>(realm::internal::bridge::data_type::UUID) == 17);
static_assert(REALMCXX_VERSION_MAJOR == 2 && REALMCXX_VERSION_MINOR == 2);
#ifndef REALM_ENABLE_EXPERIMENTAL
#error "App::update_base_url is announced by REALM_ENABLE_EXPERIMENTAL"
#endif

static_assert(!std::is_default_constructible_v<realm::App>);
static_assert(std::is_convertible_v<realm::App::configuration, realm::App>);
static_assert(!std::is_default_constructible_v<realm::db>);
static_assert(!std::is_default_constructible_v<realm::sync_error>);
static_assert(std::is_copy_constructible_v<realm::db> && std::is_move_assignable_v<realm::db>);
static_assert(std::is_default_constructible_v<realm::user>);
static_assert(std::is_base_of_v<std::exception, realm::status_error>);
static_assert(!std::is_copy_constructible_v<realm::notification_token>);
static_assert(std::is_aggregate_v<realm::Car>);

// As in the documentation: names of enums that functions hide.
void on_change(enum realm::sync_session::connection_state,
               enum realm::sync_session::connection_state) {}

struct own_provider : realm::networking::sync_socket_provider {
    std::unique_ptr<realm::networking::websocket_interface>
    connect(std::unique_ptr<realm::networking::websocket_observer>,
            realm::networking::websocket_endpoint&&) override {
        return nullptr;
    }
    void post(FunctionHandler&& handler) override { handler(realm::networking::status::ok()); }
    sync_timer create_timer(std::chrono::milliseconds, FunctionHandler&&) override {
        return nullptr;
    }
};

TEST(Api, socket_providers_are_accepted) {
    test::temporary_directory directory;
    auto config = realm::App::configuration();
    config.app_id = "an-app";
    config.base_url = "http://localhost:1";
    config.path = directory.path.string();
    config.sync_socket_provider = std::make_shared<own_provider>();
    auto app = realm::App(config);

    realm::networking::default_socket_provider::configuration settings;
    settings.custom_http_headers = std::map<std::string, std::string>{{"a", "b"}};
    realm::networking::default_socket_provider provider(settings);
    // All that realm-cpp's has, by position.
    const realm::networking::default_http_transport::configuration http{
        std::nullopt, std::nullopt, true, std::nullopt, nullptr};
    EXPECT_FALSE(http.client_certificate.has_value());
    EXPECT_THROW(provider.post([](realm::networking::status) {}), std::logic_error);
}

TEST(Api, sessions_as_the_documentation_uses_them) {
    test::fake_app fake;
    auto user = fake.app.login(realm::App::credentials::anonymous()).get();
    auto dbConfig = test::fake_app::quiet(user);
    dbConfig.sync_config().set_stop_policy(
        realm::internal::bridge::realm::sync_session_stop_policy::immediately);
    auto syncRealm = realm::open<realm::Car>(dbConfig);

    auto syncSession = syncRealm.get_sync_session();
    enum realm::internal::bridge::sync_session::state state = syncSession->state();
    EXPECT_EQ(state, realm::internal::bridge::sync_session::state::active);
    syncSession->pause();
    EXPECT_EQ(syncSession->state(), realm::sync_session::state::paused);
    syncSession->resume();
    syncSession->reconnect();
    auto connectionState = syncSession->connection_state();
    EXPECT_NE(connectionState, realm::sync_session::connection_state::connected);
    auto token = syncSession->observe_connection_change(
        [&](enum realm::sync_session::connection_state oldState,
            enum realm::sync_session::connection_state newState) {
            EXPECT_NE(oldState, newState);
        });
    syncSession->unregister_connection_change_observer(token);
    token = syncSession->observe_connection_change(on_change);
    syncSession->unregister_connection_change_observer(token);

    auto logLevel = realm::logger::level::off;
    fake.app.get_sync_manager().set_log_level(logLevel);
    user.sync_manager().set_log_level(logLevel);
    realm::set_default_level_threshold(logLevel);
    realm::realm_analytics::send();

    auto car = realm::Car();
    car.make = "x";
    syncRealm.write([&] {
        realm::managed<realm::Car> added = syncRealm.add(std::move(car));
        std::tuple<realm::managed<realm::Car>, realm::managed<realm::Car>> two =
            syncRealm.insert(realm::Car(), realm::Car());
        static_cast<void>(two);
    });
    syncRealm.close();
}

TEST(Api, metadata_key_is_taken) {
    test::temporary_directory directory;
    auto server = std::make_shared<test::fake_server>();
    auto config = realm::App::configuration();
    config.app_id = "an-app";
    config.base_url = "http://fake";
    config.path = directory.path.string();
    config.enable_caching = false;
    config.http_transport_client = server;
    std::array<char, 64> key{7};
    config.metadata_encryption_key = key;
    auto id = realm::App(config).login(realm::App::credentials::anonymous()).get().identifier();
    EXPECT_EQ(realm::App(config).get_current_user()->identifier(), id);
    config.metadata_encryption_key = std::nullopt;
    EXPECT_FALSE(realm::App(config).get_current_user());
}

} // namespace
