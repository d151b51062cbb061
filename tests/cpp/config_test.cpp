// db_config and sync_config: defaults, and what is shared between them.
#include <cpprealm/schedulers/default_scheduler.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

#include <thread>

namespace {

using realm::db_config;
using stop_policy = realm::internal::bridge::realm::sync_session_stop_policy;

TEST(Config, has_the_defaults_of_realm_cpp) {
    db_config config;
    EXPECT_EQ(config.path(), (std::filesystem::current_path() / "default.realm").string());
    EXPECT_TRUE(config.scheduler()->is_on_thread());
    EXPECT_EQ(config.get_client_reset_mode(), realm::client_reset_mode::manual);
    EXPECT_FALSE(config.get_schema());
}

TEST(Config, takes_a_filesystem_path) {
    db_config config;
    config.set_path(std::filesystem::path("/tmp") / "a.realm");
    EXPECT_EQ(config.path(), "/tmp/a.realm");
}

TEST(Config, of_a_user_names_the_users_file) {
    test::fake_app fake;
    auto user = fake.log_in();
    auto config = user.flexible_sync_configuration();
    auto expected = fake.directory.path / "mongodb-realm" / "fake-app" / user.identifier() /
                    "flx_sync_default.realm";
    EXPECT_EQ(config.path(), expected.string());
    EXPECT_EQ(fake.app.path_for_realm(config.sync_config()), expected.string());
}

TEST(Config, shares_its_sync_settings_with_handles_and_copies) {
    test::fake_app fake;
    auto config = fake.log_in().flexible_sync_configuration();
    auto copy = config;
    auto settings = config.sync_config().settings();
    EXPECT_EQ(settings->stop_policy, stop_policy::after_changes_uploaded);

    config.sync_config().set_stop_policy(stop_policy::immediately);
    EXPECT_EQ(settings->stop_policy, stop_policy::immediately);
    EXPECT_EQ(copy.sync_config().settings(), settings);

    copy.set_path("/elsewhere");
    EXPECT_NE(config.path(), copy.path());
}

TEST(Config, is_made_anew_by_each_call) {
    test::fake_app fake;
    auto user = fake.log_in();
    EXPECT_NE(user.flexible_sync_configuration().sync_config().settings(),
              user.flexible_sync_configuration().sync_config().settings());
}

TEST(Config, takes_error_handlers_of_every_shape) {
    test::fake_app fake;
    auto sync = fake.log_in().flexible_sync_configuration().sync_config();
    sync.set_error_handler([](const realm::sync_session&, const realm::sync_error&) {});
    sync.set_error_handler([](realm::sync_session, realm::sync_error) {});
    sync.set_error_handler([](const realm::sync_session&, std::optional<realm::sync_error>) {});
    sync.set_error_handler([](const realm::internal::bridge::sync_session&,
                              const realm::internal::bridge::sync_error&) {});
}

TEST(Config, without_sync_refuses_sync_settings) {
    db_config config;
    EXPECT_EQ(test::message_of([&] {
                  config.set_custom_http_headers({{"a", "b"}});
              }),
              "HTTP headers can only be set on a config for a synced Realm.");
    EXPECT_EQ(test::message_of([&] {
                  config.set_proxy_config({"proxy", 8080, {}});
              }),
              "Proxy configuration can only be set on a config for a synced Realm.");
    EXPECT_THROW(config.sync_config().set_stop_policy(stop_policy::immediately), std::logic_error);
    EXPECT_THROW(config.sync_config().set_error_handler({}), std::logic_error);
}

TEST(Config, keeps_the_client_reset_mode) {
    test::fake_app fake;
    auto config = fake.log_in().flexible_sync_configuration();
    auto before = [](realm::db) {};
    auto after = [](realm::db, realm::db) {};
    config.set_client_reset_handler(realm::client_reset::discard_unsynced_changes(before, after));
    EXPECT_EQ(config.get_client_reset_mode(), realm::client_reset_mode::discard_unsynced);
    config.set_client_reset_handler(realm::client_reset::recover_unsynced_changes(before, after));
    EXPECT_EQ(config.get_client_reset_mode(), realm::client_reset_mode::recover);
    config.set_client_reset_handler(
        realm::client_reset::recover_or_discard_unsynced_changes(before, after));
    EXPECT_EQ(config.get_client_reset_mode(), realm::client_reset_mode::recover_or_discard);
    config.set_client_reset_handler(realm::client_reset::manual());
    EXPECT_EQ(config.get_client_reset_mode(), realm::client_reset_mode::manual);
}

TEST(Config, accepts_a_proxy_and_headers_of_a_user) {
    test::fake_app fake;
    auto config = fake.log_in().flexible_sync_configuration();
    realm::proxy_config proxy;
    proxy.port = 8080;
    proxy.address = "127.0.0.1";
    proxy.username_password = {"user", "pass word"};
    config.set_proxy_config(proxy);
    config.set_custom_http_headers({{"X-Custom", "yes"}});
}

TEST(Scheduler, belongs_to_its_thread) {
    auto here = realm::default_scheduler::make_default();
    auto again = realm::default_scheduler::make_platform_default();
    EXPECT_TRUE(here->is_on_thread());
    EXPECT_TRUE(here->is_same_as(again.get()));
    std::thread([&] {
        EXPECT_FALSE(here->is_on_thread());
        EXPECT_FALSE(here->is_same_as(realm::default_scheduler::make_default().get()));
    }).join();
    EXPECT_FALSE(here->is_same_as(nullptr));
}

TEST(Scheduler, comes_from_the_applications_factory) {
    struct anywhere final : realm::scheduler {
        void invoke(std::function<void()>&& fn) override { fn(); }
        bool is_on_thread() const noexcept override { return true; }
        bool is_same_as(const scheduler* other) const noexcept override { return other == this; }
        bool can_invoke() const noexcept override { return true; }
    };
    auto mine = std::make_shared<anywhere>();
    realm::default_scheduler::set_default_factory([mine] { return mine; });
    EXPECT_EQ(db_config().scheduler(), mine);
    realm::default_scheduler::set_default_factory({});
    EXPECT_NE(db_config().scheduler(), mine);
}

} // namespace
