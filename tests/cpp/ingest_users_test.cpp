// Several users of one App, and e-mail addresses: what <cpprealm/ingest.hpp> offers for them.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

namespace {

using realm::app_error;
using test::fake_server;
namespace ingest = realm::ingest;
using credentials = realm::App::credentials;

/// The requests whose URL ends so.
std::size_t count(const test::fake_app& fake, const std::string& end) {
    std::size_t found = 0;
    for (const auto& request : fake.server->requests())
        found += fake_server::ends_with(request.url, end);
    return found;
}

TEST(IngestUsers, are_listed_and_switched_to) {
    test::fake_app fake;
    auto a = fake.log_in("a");
    auto b = fake.log_in("b");
    EXPECT_EQ(ingest::all_users(fake.app), (std::vector<realm::user>{a, b}));
    EXPECT_EQ(fake.app.get_current_user(), b);
    ingest::switch_user(fake.app, a);
    EXPECT_EQ(fake.app.get_current_user(), a);
    auto again = fake.make();
    EXPECT_EQ(again.get_current_user()->identifier(), a.identifier());
    EXPECT_EQ(test::message_of([&] { ingest::switch_user(again, a); }),
              "app_error: User does not exist");
    a.log_out().get();
    EXPECT_EQ(fake.app.get_current_user(), b);
    EXPECT_EQ(test::message_of([&] { ingest::switch_user(fake.app, a); }),
              "app_error: User is no longer valid or is logged out");
    EXPECT_THROW(ingest::switch_user(fake.app, realm::user()), std::logic_error);
}

TEST(IngestUsers, are_removed_for_good) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    ingest::remove_user(fake.app, user).get();
    EXPECT_EQ(user.state(), realm::user::state::removed);
    EXPECT_EQ(count(fake, "/auth/session"), 1u);
    EXPECT_TRUE(ingest::all_users(fake.app).empty());
    EXPECT_EQ(test::message_of([&] { ingest::remove_user(fake.app, user).get(); }),
              "app_error: User has already been removed");
    EXPECT_THROW(static_cast<void>(realm::open<>(user.flexible_sync_configuration())),
                 std::exception);
    EXPECT_NE(fake.log_in("a"), user);
}

TEST(IngestUsers, are_deleted_once_the_server_has) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    EXPECT_THROW(ingest::delete_user(fake.app, user).get(), app_error) << "it cannot be reached";
    EXPECT_TRUE(user.is_logged_in());
    fake.server->instead = [](const auto& request) {
        return fake_server::ends_with(request.url, "/auth/delete")
                   ? std::optional(fake_server::json(204, ""))
                   : std::nullopt;
    };
    ingest::delete_user(fake.app, user).get();
    EXPECT_EQ(user.state(), realm::user::state::removed);
    auto request = fake.server->last("/auth/delete");
    EXPECT_EQ(request->method, realm::networking::http_method::del);
    EXPECT_EQ(test::message_of([&] { ingest::delete_user(fake.app, user).get(); }),
              "app_error: User must be logged in to be deleted.");
}

TEST(IngestUsers, are_linked_to_another_identity) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    ASSERT_EQ(ingest::identities(user).size(), 1u);
    EXPECT_EQ(ingest::identities(user)[0].provider_type, "local-userpass");
    EXPECT_EQ(test::message_of([&] { ingest::link_user(user, credentials::anonymous()).get(); }),
              "app_error: Cannot add anonymous credentials to an existing user.");
    auto token = user.access_token();
    fake.server->instead = [&](const auto& request) -> std::optional<fake_server::response> {
        if (!fake_server::ends_with(request.url, "/api-key/login?link=true"))
            return std::nullopt;
        return fake_server::json(200, R"({"access_token":")" +
                                          test::make_token(R"({"exp":4102444800,"iat":2})") +
                                          "\"}");
    };
    ingest::link_user(user, credentials::api_key("k")).get();
    auto request = fake.server->last("?link=true");
    EXPECT_EQ(request->headers.at("Authorization"), "Bearer " + token);
    EXPECT_NE(request->body.find(R"("key":"k")"), std::string::npos);
    EXPECT_NE(user.access_token(), token);
}

TEST(IngestUsers, confirm_addresses_and_reset_passwords) {
    test::fake_app fake;
    fake.server->instead = [](const auto& request) {
        return request.url.find("/auth/providers/local-userpass/") == std::string::npos
                   ? std::nullopt
                   : std::optional(fake_server::json(200, "{}"));
    };
    auto body = [&](std::future<void> done, const std::string& path) {
        done.get();
        auto request = fake.server->last("/auth/providers/local-userpass/" + path);
        return request ? request->body : "(not sent)";
    };
    const auto& app = fake.app;
    EXPECT_EQ(body(ingest::confirm_user(app, "t", "i"), "confirm"),
              R"({"token":"t","tokenId":"i"})");
    EXPECT_EQ(body(ingest::resend_confirmation_email(app, "a@b.c"), "confirm/send"),
              R"({"email":"a@b.c"})");
    EXPECT_EQ(body(ingest::retry_custom_confirmation(app, "a@b.c"), "confirm/call"),
              R"({"email":"a@b.c"})");
    EXPECT_EQ(body(ingest::send_reset_password_email(app, "a@b.c"), "reset/send"),
              R"({"email":"a@b.c"})");
    EXPECT_EQ(body(ingest::reset_password(app, "p", "t", "i"), "reset"),
              R"({"password":"p","token":"t","tokenId":"i"})");
    EXPECT_EQ(
        body(ingest::call_reset_password_function(app, "a@b.c", "p", {int64_t(1)}), "reset/call"),
        R"({"arguments":[{"$numberLong":"1"}],"email":"a@b.c","password":"p"})");
}

} // namespace
