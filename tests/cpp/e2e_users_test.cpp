// Logging in and out against a real gateway, and whose data is whose.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

namespace {

struct Reading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string who;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, who)

using realm::app_error;
using credentials = realm::App::credentials;

struct Users : testing::Test {
    test::with_gateway with;

    static void upload(const realm::db& db) {
        db.get_sync_session()->wait_for_upload_completion().get();
    }
    static void write(realm::db& db, const std::string& who, int count) {
        for (int i = 0; i < count; ++i)
            db.write([&] {
                Reading reading;
                reading.who = who;
                db.add(reading);
            });
    }
};

TEST_F(Users, wrong_passwords_and_taken_names_are_refused) {
    with.app.register_user("a@example.com", "secret one").get();
    try {
        with.app.register_user("a@example.com", "secret two").get();
        FAIL() << "one name was registered twice";
    } catch (const app_error& error) {
        EXPECT_EQ(error.message(), "name already in use");
        EXPECT_TRUE(error.is_service_error());
    }
    try {
        with.app.login(credentials::username_password("a@example.com", "secret two")).get();
        FAIL() << "logged in with a wrong password";
    } catch (const app_error& error) {
        EXPECT_EQ(error.message(), "unauthorized");
        EXPECT_TRUE(error.is_service_error());
    }
    auto user = with.app.login(credentials::username_password("a@example.com", "secret one")).get();
    EXPECT_TRUE(user.is_logged_in());
    EXPECT_EQ(with.app.get_current_user(), user);
}

TEST_F(Users, pending_data_waits_for_the_same_user) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    upload(db);
    user.log_out().get();
    EXPECT_FALSE(with.app.get_current_user());
    write(db, "a", 5);
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 5u);
    EXPECT_EQ(with.gateway.count("Reading"), 0u);

    auto again = with.log_in("a@example.com");
    EXPECT_EQ(again, user);
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), 5u);
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 0u);
}

TEST_F(Users, two_users_have_two_outboxes_and_both_upload) {
    auto a = with.log_in("a@example.com");
    auto b = with.log_in("b@example.com");
    auto config_a = with.config(a);
    auto config_b = with.config(b);
    EXPECT_NE(config_a.path(), config_b.path());
    auto db_a = realm::open<Reading>(config_a);
    auto db_b = realm::open<Reading>(config_b);
    write(db_a, "a", 3);
    write(db_b, "b", 4);
    upload(db_a);
    upload(db_b);
    EXPECT_EQ(with.gateway.count("Reading"), 7u);
}

TEST_F(Users, anonymous_logout_loses_what_is_pending) {
    auto user = with.log_in();
    auto db = realm::open<Reading>(with.config(user));
    db.get_sync_session()->pause();
    write(db, "nobody", 2);
    db.close();
    user.log_out().get();
    EXPECT_EQ(user.state(), realm::user::state::removed);
    auto next = with.log_in();
    EXPECT_NE(next, user);
    auto again = realm::open<Reading>(with.config(next));
    upload(again);
    EXPECT_EQ(with.gateway.count("Reading"), 0u);
}

TEST_F(Users, custom_data_and_functions_answer_in_their_own_way) {
    auto user = with.log_in("a@example.com");
    EXPECT_FALSE(user.access_token().empty());
    user.refresh_custom_user_data().get();
    EXPECT_FALSE(user.get_custom_data());
    EXPECT_THROW(user.call_function("there_is_none", {realm::bsoncxx(true)}).get(), app_error);
}

TEST_F(Users, own_transport_carries_everything) {
    auto transport = std::make_shared<test::counting_transport>();
    realm::App::configuration config;
    config.app_id = "test-app";
    config.base_url = with.gateway.url();
    config.path = (with.files.path / "own").string();
    std::filesystem::create_directories(*config.path);
    config.enable_caching = false;
    config.http_transport_client = transport;
    auto app = realm::App(config);
    auto user = app.login(credentials::anonymous()).get();
    auto db = realm::open<Reading>(with.config(user));
    write(db, "own", 3);
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), 3u);
    EXPECT_GE(transport->sent, 4); // location, login, profile, ingest
}

TEST_F(Users, settings_of_the_built_in_transport_are_used) {
    realm::networking::default_http_transport::configuration settings;
    settings.custom_http_headers = std::map<std::string, std::string>{{"X-Device", "42"}};
    realm::App::configuration config;
    config.app_id = "test-app";
    config.base_url = with.gateway.url();
    config.path = with.files.path.string();
    config.enable_caching = false;
    config.http_transport_client =
        std::make_shared<realm::networking::default_http_transport>(settings);
    EXPECT_TRUE(realm::App(config).login(credentials::anonymous()).get().is_logged_in());

    // A proxy where nobody listens shows that it is asked.
    settings.proxy_config = realm::proxy_config{"127.0.0.1", 1, {}};
    config.http_transport_client =
        std::make_shared<realm::networking::default_http_transport>(settings);
    EXPECT_THROW(
        realm::App(config).login(credentials::username_password("a@example.com", "secret")).get(),
        app_error);

    settings = {};
    settings.ssl_trust_certificate_path = (with.files.path / "missing.pem").string();
    config.http_transport_client =
        std::make_shared<realm::networking::default_http_transport>(settings);
    EXPECT_THROW(realm::App app(config), std::exception);
}

} // namespace
