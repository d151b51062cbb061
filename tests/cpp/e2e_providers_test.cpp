// Every provider of an app's directory, from C++ and from C, against a real gateway; and what users
// do with several ways of logging in.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "c_api.hpp"
#include "foreign_tokens.hpp"

namespace {

struct Reading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string who;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, who)

using realm::app_error;
namespace ingest = realm::ingest;
using credentials = realm::App::credentials;

const std::string app_id = "providers-app";
const std::string password = "a good password";

std::string source(const std::string& path) {
    return std::string(std::getenv("REALM_INGEST_SOURCE_DIR")) + "/tests/cpp/" + path;
}

void replace(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
}

/// The token and its id in the next mail of a gateway, which is taken away.
std::pair<std::string, std::string> next_mail(const std::filesystem::path& directory) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < until) {
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            if (entry.path().extension() != ".eml")
                continue;
            std::ifstream file(entry.path());
            std::string text{std::istreambuf_iterator<char>(file), {}};
            std::filesystem::remove(entry.path());
            // Long lines are broken by `=`, and `=` itself is written as `=3D`.
            replace(text, "=\r\n", "");
            replace(text, "=3D", ":");
            auto value = [&](const std::string& name) {
                auto begin = text.find(name + ':') + name.size() + 1;
                auto end = begin;
                while (std::isalnum(static_cast<unsigned char>(text[end])))
                    ++end;
                return text.substr(begin, end - begin);
            };
            return {value("token"), value("tokenId")};
        }
        std::this_thread::yield();
    }
    throw std::runtime_error("no mail comes");
}

struct Providers : testing::Test {
    test::temporary_directory mails;
    test::gateway gateway{{"--app", source("providers_app"), "--mail-dir", mails.path.string()}};
    test::temporary_directory files;
    realm::App app = gateway.app(files.path, app_id);

    realm::user log_in(const std::string& email) {
        return app.login(credentials::username_password(email, password)).get();
    }
    realm::user confirmed(const std::string& email) {
        app.register_user(email, password).get();
        auto [token, id] = next_mail(mails.path);
        ingest::confirm_user(app, token, id).get();
        return log_in(email);
    }

    static void write(realm::db& db, const realm::user& user) {
        db.write([&] {
            Reading reading;
            reading.who = user.identifier();
            db.add(reading);
        });
    }
    /// How many documents the gateway has after the user has written one more.
    std::size_t upload(const realm::user& user) {
        auto db = realm::open<Reading>(user.flexible_sync_configuration());
        write(db, user);
        db.get_sync_session()->wait_for_upload_completion().get();
        return gateway.count("Reading");
    }
};

/// One way in, by both doors of the library.
struct way_in {
    std::string provider;
    credentials cpp;
    c_test::credentials_ptr c;
};

std::vector<way_in> ways_in(const std::string& key) {
    auto c = [](auto make, const std::string& text) {
        return c_test::made<c_test::credentials_ptr>(
            [&](auto error, auto out) { return make(text.data(), text.size(), error, out); });
    };
    auto c_anonymous = c_test::made<c_test::credentials_ptr>(
        [](auto error, auto out) { return realm_ingest_credentials_new_anonymous(error, out); });
    auto c_password = c_test::made<c_test::credentials_ptr>([](auto error, auto out) {
        return realm_ingest_credentials_new_password("a@example.com", 13, password.data(),
                                                     password.size(), error, out);
    });
    std::vector<way_in> ways;
    ways.push_back({"anon-user", credentials::anonymous(), std::move(c_anonymous)});
    ways.push_back({"local-userpass", credentials::username_password("a@example.com", password),
                    std::move(c_password)});
    ways.push_back(
        {"api-key", credentials::api_key(key), c(realm_ingest_credentials_new_api_key, key)});
    ways.push_back({"custom-token", credentials::custom(test::custom_token),
                    c(realm_ingest_credentials_new_custom_token, test::custom_token)});
    ways.push_back({"oauth2-google", credentials::google_id_token(test::google_id_token),
                    c(realm_ingest_credentials_new_google_id_token, test::google_id_token)});
    ways.push_back({"oauth2-apple", credentials::apple(test::apple_id_token),
                    c(realm_ingest_credentials_new_apple, test::apple_id_token)});
    ways.push_back({"oauth2-facebook", credentials::facebook(test::facebook_token),
                    c(realm_ingest_credentials_new_facebook, test::facebook_token)});
    return ways;
}

TEST_F(Providers, each_lets_a_user_in_who_uploads_from_cpp_and_from_c) {
    confirmed("a@example.com");
    auto made = gateway.ask({"keys", "create", "station"}).at(0);
    auto at = made.find(R"("text":")") + 8;
    auto key = made.substr(at, made.find('"', at) - at);
    test::temporary_directory c_files;
    auto c_app = c_test::open_app(c_test::app_config(gateway.url(), c_files.path, app_id));
    std::size_t arrived = 0;
    for (const auto& way : ways_in(key)) {
        SCOPED_TRACE(way.provider);
        auto user = app.login(way.cpp).get();
        auto identities = ingest::identities(user);
        ASSERT_EQ(identities.size(), 1u);
        EXPECT_EQ(identities[0].provider_type, way.provider);
        EXPECT_EQ(upload(user), ++arrived);

        auto c_user = c_test::made<c_test::user_ptr>([&](auto error, auto out) {
            return realm_ingest_app_login(c_app.get(), way.c.get(), error, out);
        });
        bool same = realm_ingest_user_id(c_user.get(), nullptr) == user.identifier();
        EXPECT_EQ(same, way.provider != "anon-user") << "each device has its own anonymous user";
    }
}

TEST_F(Providers, what_lets_nobody_in_is_refused_in_the_gateways_words) {
    auto refusal = [&](const credentials& with) {
        try {
            app.login(with).get();
        } catch (const app_error& error) {
            EXPECT_TRUE(error.is_service_error()) << error.message();
            return std::string(error.message());
        }
        return std::string("(logged in)");
    };
    for (const auto& wrong : {credentials::api_key("no such key"), credentials::custom("a.b.c"),
                              credentials::google_id_token(test::custom_token),
                              credentials::username_password("nobody@example.com", password)})
        EXPECT_EQ(refusal(wrong).substr(0, 12), "unauthorized");
    EXPECT_NE(refusal(credentials::function(R"({"name":"bob"})")), "(logged in)");
    EXPECT_NE(refusal(credentials::google_auth_code("code")), "(logged in)");
}

TEST_F(Providers, an_address_is_confirmed_and_a_password_set_anew_by_mail) {
    auto log_in_with = [&](const std::string& text) {
        return app.login(credentials::username_password("a@example.com", text)).get();
    };
    app.register_user("a@example.com", "the first one").get();
    EXPECT_THROW(log_in_with("the first one"), app_error) << "before the confirmation";
    next_mail(mails.path);
    ingest::resend_confirmation_email(app, "a@example.com").get();
    auto [token, id] = next_mail(mails.path);
    EXPECT_EQ(test::message_of([&, id = id] { ingest::confirm_user(app, "nonsense", id).get(); }),
              "app_error: invalid token data");
    ingest::confirm_user(app, token, id).get();
    auto user = log_in_with("the first one");

    ingest::send_reset_password_email(app, "a@example.com").get();
    auto [reset, reset_id] = next_mail(mails.path);
    ingest::reset_password(app, "the second one", reset, reset_id).get();
    EXPECT_THROW(log_in_with("the first one"), app_error);
    EXPECT_EQ(log_in_with("the second one"), user);
}

TEST_F(Providers, an_anonymous_user_who_is_linked_is_known_by_the_other_identity) {
    auto user = app.login(credentials::anonymous()).get();
    EXPECT_EQ(upload(user), 1u);
    ingest::link_user(user, credentials::custom(test::custom_token)).get();
    ASSERT_EQ(ingest::identities(user).size(), 2u);
    EXPECT_EQ(ingest::identities(user)[1].provider_type, "custom-token");
    user.log_out().get();
    EXPECT_EQ(user.state(), realm::user::state::logged_out);
    EXPECT_EQ(app.login(credentials::custom(test::custom_token)).get(), user);
    EXPECT_EQ(upload(user), 2u);
    // Somebody else cannot have it too.
    auto other = confirmed("b@example.com");
    EXPECT_THROW(ingest::link_user(other, credentials::custom(test::custom_token)).get(),
                 app_error);
    EXPECT_EQ(ingest::identities(other).size(), 1u);
}

TEST_F(Providers, who_is_deleted_is_gone_at_the_gateway_and_what_arrived_stays) {
    auto user = confirmed("a@example.com");
    EXPECT_EQ(upload(user), 1u);
    ingest::delete_user(app, user).get();
    EXPECT_EQ(user.state(), realm::user::state::removed);
    EXPECT_THROW(log_in("a@example.com"), app_error);
    EXPECT_EQ(gateway.count("Reading"), 1u);
    for (const auto& line : gateway.ask({"users", "list"}))
        EXPECT_EQ(line.find("a@example.com"), std::string::npos) << line;
}

TEST_F(Providers, custom_data_arrives_with_the_next_token) {
    auto user = confirmed("a@example.com");
    EXPECT_FALSE(user.get_custom_data());
    gateway.ask({"users", "set-custom-data", user.identifier(), R"({"town":"Ulm"})"});
    user.refresh_custom_user_data().get();
    auto data = user.get_custom_data();
    ASSERT_TRUE(data);
    EXPECT_TRUE((*data)["town"] == "Ulm");
}

TEST_F(Providers, who_is_disabled_while_writing_keeps_what_waits_and_sends_it_once_enabled) {
    auto user = confirmed("a@example.com");
    auto config = user.flexible_sync_configuration();
    std::promise<bool> rejected;
    config.sync_config().set_error_handler(
        [&, told = false](const realm::sync_session&, const realm::sync_error& error) mutable {
            if (!std::exchange(told, true))
                rejected.set_value(error.is_fatal());
        });
    auto db = realm::open<Reading>(config);
    std::size_t written = 0;
    auto write_one = [&] {
        write(db, user);
        ++written;
    };
    write_one();
    db.get_sync_session()->wait_for_upload_completion().get();

    // A gateway that runs knows within a second.
    gateway.ask({"users", "disable", user.identifier()});
    auto fatal = rejected.get_future();
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    do {
        write_one();
    } while (fatal.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready &&
             std::chrono::steady_clock::now() < until);
    ASSERT_EQ(fatal.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_TRUE(fatal.get());
    EXPECT_FALSE(user.is_logged_in());
    write_one();
    EXPECT_LT(gateway.count("Reading"), written);

    gateway.ask({"users", "enable", user.identifier()});
    while (test::message_of([&] { log_in("a@example.com"); }) != "(nothing was thrown)" &&
           std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    db.get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(gateway.count("Reading"), written);
}

} // namespace
