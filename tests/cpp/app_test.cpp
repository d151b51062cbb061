// App, credentials, users and app_error, against a server in the test's own process.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

#include <thread>

namespace {

using realm::App;
using realm::app_error;
using test::fake_server;

/// The app_error that a login meets when the server answers so.
app_error login_error(const fake_server::response& answer) {
    test::fake_app fake;
    fake.server->instead = [&](const fake_server::request& request) {
        return fake_server::ends_with(request.url, "/login") ? std::optional(answer) : std::nullopt;
    };
    try {
        fake.log_in();
    } catch (const app_error& error) {
        return error;
    }
    throw std::logic_error("the login did not fail");
}

fake_server::response plain(int status, const std::string& body) {
    fake_server::response answer;
    answer.http_status_code = status;
    answer.headers["Content-Type"] = "text/plain";
    answer.body = body;
    return answer;
}

TEST(AppError, is_no_std_exception) {
    static_assert(!std::is_base_of_v<std::exception, app_error>);
    static_assert(!std::is_default_constructible_v<app_error>);
    static_assert(std::is_copy_constructible_v<app_error> && std::is_copy_assignable_v<app_error>);
}

TEST(AppError, of_a_transport_without_an_answer_is_custom) {
    auto error = login_error(fake_server::unreachable());
    EXPECT_EQ(error.message().substr(0, 44), "non-zero custom status code considered fatal");
    EXPECT_TRUE(error.is_custom_error());
    EXPECT_FALSE(error.is_http_error() || error.is_service_error() || error.is_json_error());
}

TEST(AppError, of_a_client_error_code_says_so) {
    fake_server::response answer;
    answer.client_error_code = 7;
    EXPECT_EQ(login_error(answer).message(), "client error code value considered fatal");
}

TEST(AppError, of_a_plain_answer_is_http) {
    auto error = login_error(plain(500, "oh no"));
    EXPECT_EQ(error.message(), "http error code considered fatal: oh no. Server Error: 500");
    EXPECT_TRUE(error.is_http_error());
    EXPECT_FALSE(error.is_service_error());
    EXPECT_EQ(login_error(plain(404, "")).message(),
              "http error code considered fatal. Client Error: 404");
}

TEST(AppError, of_a_json_answer_is_the_services_own) {
    auto error = login_error(fake_server::json(
        401,
        R"({"error":"invalid username/password","error_code":"InvalidPassword","link":"http://log"})"));
    EXPECT_EQ(error.message(), "invalid username/password");
    EXPECT_EQ(error.link_to_server_logs(), "http://log");
    EXPECT_TRUE(error.is_service_error());
    EXPECT_FALSE(error.is_http_error());

    EXPECT_EQ(login_error(fake_server::json(400, R"({"error_code":"Odd"})")).message(),
              "no error message");
    EXPECT_TRUE(login_error(fake_server::json(400, R"({"error":"x","error_code":"Odd"})"))
                    .is_service_error());
}

TEST(AppError, of_an_unreadable_answer_is_json) {
    EXPECT_TRUE(login_error(fake_server::json(200, "{")).is_json_error());
    auto missing = login_error(fake_server::json(200, R"({"user_id":"1"})"));
    EXPECT_TRUE(missing.is_json_error());
    auto token = login_error(fake_server::json(
        200, R"({"access_token":"a","refresh_token":"b","user_id":"1","device_id":"0"})"));
    EXPECT_TRUE(token.is_json_error());
    EXPECT_EQ(token.message(), "Could not log in user: received malformed JWT");
}

TEST(AppError, of_a_redirect_without_location_is_the_clients) {
    auto error = login_error(plain(301, ""));
    EXPECT_EQ(error.message(), "Redirect response missing location header");
    EXPECT_TRUE(error.is_client_error());
}

TEST(AppError, of_credentials_that_are_not_utf8_comes_with_the_future) {
    using credentials = App::credentials;
    test::fake_app fake;
    for (const auto& bad : {credentials::username_password("M\xfcller", "secret"),
                            credentials::username_password("a@b.c", "secret\xff"),
                            credentials::api_key("\xff"), credentials::custom("\xff")}) {
        SCOPED_TRACE(bad.provider());
        auto user = fake.app.login(bad);
        try {
            static_cast<void>(user.get());
            ADD_FAILURE() << "somebody is logged in";
        } catch (const app_error& error) {
            EXPECT_EQ(error.message(), "the credentials are not valid UTF-8");
        }
    }
    EXPECT_THROW(credentials::function("{\"name\":\"M\xfcller\"}"), std::invalid_argument);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST(AppConfiguration, keeps_the_order_of_its_fields) {
    realm::App::configuration config;
    auto& [id, url, path, headers, key, caching, proxy, http, socket] = config;
    static_assert(std::is_same_v<decltype(id), std::string>);
    static_assert(std::is_same_v<decltype(url), std::optional<std::string>>);
    static_assert(std::is_same_v<decltype(key), std::optional<std::array<char, 64>>>);
    static_assert(
        std::is_same_v<decltype(socket), std::shared_ptr<realm::networking::sync_socket_provider>>);
    EXPECT_TRUE(caching);
    EXPECT_FALSE(path || headers || proxy || http);
}
#pragma GCC diagnostic pop

TEST(App, trims_its_url_and_refuses_none) {
    test::temporary_directory directory;
    realm::App::configuration config;
    config.app_id = "an-app";
    config.path = directory.path.string();
    config.base_url = "http://localhost:1234/";
    EXPECT_EQ(App(config).get_base_url(), "http://localhost:1234");
    config.base_url = "asdf";
    EXPECT_EQ(test::message_of([&] { App app(config); }), "URL missing scheme: asdf");
    config.base_url = "http://localhost:1234/";
    config.app_id = "..";
    EXPECT_EQ(test::message_of([&] { App app(config); }),
              "A path can't have an identifier reserved by the filesystem: '..'");
}

TEST(App, is_cached_by_id_and_url) {
    test::temporary_directory directory;
    auto server = std::make_shared<fake_server>();
    realm::App::configuration config;
    config.app_id = "cached-app";
    config.base_url = "http://fake";
    config.path = directory.path.string();
    config.http_transport_client = server;
    App app(config);
    auto user = app.login(App::credentials::anonymous()).get();

    config.http_transport_client = nullptr;
    App same(config);
    EXPECT_EQ(same.get_current_user(), user);
    auto cached = app.get_cached_app("cached-app", "http://fake");
    ASSERT_TRUE(cached);
    EXPECT_EQ(cached->get_current_user(), user);
    EXPECT_TRUE(app.get_cached_app("cached-app", std::nullopt));
    EXPECT_FALSE(app.get_cached_app("cached-app", "http://other"));
    EXPECT_FALSE(app.get_cached_app("other-app", std::nullopt));

    app.clear_cached_apps();
    EXPECT_FALSE(app.get_cached_app("cached-app", std::nullopt));
}

TEST(App, sends_each_providers_own_login) {
    test::fake_app fake;
    auto sent = [&](const App::credentials& credentials, const std::string& provider) {
        static_cast<void>(fake.app.login(credentials).get());
        auto request = fake.server->last("/auth/providers/" + provider + "/login");
        return request ? request->body : "(not sent)";
    };
    auto has = [](const std::string& body, const std::string& part) {
        return body.find(part) != std::string::npos ? "" : body;
    };
    using c = App::credentials;
    EXPECT_EQ(has(sent(c::anonymous(), "anon-user"), R"("provider":"anon-user")"), "");
    EXPECT_EQ(has(sent(c::api_key("k"), "api-key"), R"("key":"k")"), "");
    EXPECT_EQ(has(sent(c::facebook("f"), "oauth2-facebook"), R"("accessToken":"f")"), "");
    EXPECT_EQ(has(sent(c::apple("a"), "oauth2-apple"), R"("id_token":"a")"), "");
    EXPECT_EQ(has(sent(c::google_auth_code("g"), "oauth2-google"), R"("authCode":"g")"), "");
    EXPECT_EQ(has(sent(c::google_id_token("h"), "oauth2-google"), R"("id_token":"h")"), "");
    EXPECT_EQ(has(sent(c::custom("t"), "custom-token"), R"("token":"t")"), "");
    auto password = sent(c::username_password("a\"b", "p\\w"), "local-userpass");
    EXPECT_EQ(has(password, R"("username":"a\"b")"), "");
    EXPECT_EQ(has(password, R"("password":"p\\w")"), "");
    EXPECT_EQ(has(password, R"("options")"), "");
    EXPECT_EQ(has(password, R"("sdkVersion")"), "");
    auto function = sent(c::function(R"({"username":"bob"})"), "custom-function");
    EXPECT_EQ(has(function, R"("username":"bob")"), "");
    EXPECT_EQ(function.find(R"("provider")"), std::string::npos);
}

TEST(App, refuses_function_payloads_that_are_no_object) {
    EXPECT_THROW(App::credentials::function("{"), std::exception);
    EXPECT_THROW(App::credentials::function("[1]"), std::exception);
    EXPECT_THROW(App::credentials::function(""), std::exception);
}

TEST(App, asks_for_the_location_once_and_for_the_profile_each_time) {
    test::fake_app fake;
    fake.log_in("a");
    fake.log_in("b");
    auto count = [&](const std::string& end) {
        int found = 0;
        for (const auto& request : fake.server->requests())
            found += fake_server::ends_with(request.url, end);
        return found;
    };
    EXPECT_EQ(count("/api/client/v2.0/app/fake-app/location"), 1);
    EXPECT_EQ(count("/api/client/v2.0/auth/profile"), 2);
    auto profile = fake.server->last("/auth/profile");
    EXPECT_EQ(profile->method, realm::networking::http_method::get);
    EXPECT_EQ(profile->timeout_ms, 60000u);
    auto login = fake.server->last("/login");
    EXPECT_EQ(login->method, realm::networking::http_method::post);
    EXPECT_EQ(login->headers.at("Content-Type"), "application/json;charset=utf-8");
    EXPECT_EQ(login->headers.at("Accept"), "application/json");
}

TEST(App, logs_in_by_callback) {
    test::fake_app fake;
    std::promise<std::pair<realm::user, std::optional<app_error>>> promise;
    fake.app.login(App::credentials::anonymous(),
                   [&](realm::user user, std::optional<app_error> error) {
                       promise.set_value({std::move(user), std::move(error)});
                   });
    auto [user, error] = promise.get_future().get();
    EXPECT_FALSE(error);
    EXPECT_TRUE(user.is_logged_in());

    fake.server->instead = [](const auto&) { return fake_server::unreachable(); };
    std::promise<std::pair<realm::user, std::optional<app_error>>> failing;
    fake.app.login(App::credentials::username_password("a", "b"),
                   [&](realm::user user, std::optional<app_error> error) {
                       failing.set_value({std::move(user), std::move(error)});
                   });
    auto [nobody, why] = failing.get_future().get();
    EXPECT_FALSE(nobody.m_user);
    ASSERT_TRUE(why);
    EXPECT_TRUE(why->is_custom_error());
}

TEST(App, takes_answers_from_any_thread_at_any_time) {
    // Answers come from another thread, and only once the caller has `login` behind it.
    struct late_server : fake_server {
        void send_request_to_server(const request& request,
                                    std::function<void(const response&)>&& completion) override {
            std::thread([this, request, completion = std::move(completion)]() mutable {
                gate.wait();
                fake_server::send_request_to_server(request, std::move(completion));
            }).detach();
        }
        std::promise<void> open;
        std::shared_future<void> gate{open.get_future()};
    };
    auto server = std::make_shared<late_server>();
    test::temporary_directory directory;
    auto config = test::configuration(directory, "late-app", "http://fake");
    config.http_transport_client = server;
    App app(config);

    auto login = app.login(App::credentials::anonymous());
    server->open.set_value();
    EXPECT_TRUE(login.get().is_logged_in());
}

TEST(App, fails_a_call_whose_transport_forgets_it) {
    struct forgetful : realm::networking::http_transport_client {
        void
        send_request_to_server(const realm::networking::request&,
                               std::function<void(const realm::networking::response&)>&&) override {
        }
    };
    test::temporary_directory directory;
    auto config = test::configuration(directory, "forgetful-app", "http://fake");
    config.http_transport_client = std::make_shared<forgetful>();
    EXPECT_THROW(App(config).login(App::credentials::anonymous()).get(), app_error);
}

TEST(App, with_the_built_in_transport_is_done_when_a_call_returns) {
    test::temporary_directory directory;
    auto config = test::configuration(directory, "nobody-there", "http://127.0.0.1:1");
    App app(config);
    auto login = app.login(App::credentials::anonymous());
    ASSERT_EQ(login.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    try {
        login.get();
        FAIL() << "logged in at a port where nobody listens";
    } catch (const app_error& error) {
        EXPECT_TRUE(error.is_custom_error()) << error.message();
    }
    bool called = false;
    app.login(App::credentials::anonymous(),
              [&](realm::user, std::optional<app_error> error) { called = error.has_value(); });
    EXPECT_TRUE(called);
}

TEST(App, factory_of_http_clients_serves_apps_that_name_none) {
    auto server = std::make_shared<fake_server>();
    realm::networking::set_http_client_factory([server] { return server; });
    test::temporary_directory directory;
    auto config = test::configuration(directory, "factory-app", "http://fake");
    App app(config);
    realm::networking::set_http_client_factory({});
    EXPECT_TRUE(app.login(App::credentials::anonymous()).get().is_logged_in());
    EXPECT_FALSE(server->requests().empty());
}

TEST(App, passes_requests_of_a_derived_transport_on) {
    auto transport = std::make_shared<test::counting_transport>();
    test::temporary_directory directory;
    auto config = test::configuration(directory, "derived-app", "http://127.0.0.1:1");
    config.http_transport_client = transport;
    try {
        App(config).login(App::credentials::anonymous()).get();
        FAIL() << "logged in at a port where nobody listens";
    } catch (const app_error& error) {
        EXPECT_TRUE(error.is_custom_error()) << error.message();
    }
    EXPECT_EQ(transport->sent, 1);
}

TEST(App, takes_new_urls_only_where_a_server_answers) {
    test::fake_app fake;
    fake.app.update_base_url("http://other").get();
    EXPECT_EQ(fake.app.get_base_url(), "http://other");
    fake.server->instead = [](const auto&) { return fake_server::unreachable(); };
    EXPECT_THROW(fake.app.update_base_url("http://third").get(), app_error);
    EXPECT_EQ(fake.app.get_base_url(), "http://other");
}

TEST(User, is_known_after_a_restart) {
    test::fake_app fake;
    auto id = fake.log_in("a").identifier();
    auto again = fake.make();
    auto current = again.get_current_user();
    ASSERT_TRUE(current);
    EXPECT_EQ(current->identifier(), id);
    EXPECT_TRUE(current->is_logged_in());
}

TEST(User, anonymous_is_the_same_without_asking_again) {
    test::fake_app fake;
    auto first = fake.log_in();
    auto requests = fake.server->requests().size();
    EXPECT_EQ(fake.log_in(), first);
    EXPECT_EQ(fake.server->requests().size(), requests);
}

TEST(User, logs_out_and_is_revived_by_the_next_login) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    EXPECT_EQ(user.state(), realm::user::state::logged_in);
    EXPECT_FALSE(user.access_token().empty());
    user.log_out().get();
    EXPECT_EQ(user.state(), realm::user::state::logged_out);
    EXPECT_TRUE(user.access_token().empty());
    EXPECT_TRUE(user.refresh_token().empty());
    EXPECT_FALSE(fake.app.get_current_user());
    EXPECT_EQ(fake.server->last("/auth/session")->method, realm::networking::http_method::del);

    auto again = fake.log_in("a");
    EXPECT_EQ(again, user);
    EXPECT_TRUE(user.is_logged_in());
}

TEST(User, anonymous_is_removed_by_logging_out) {
    test::fake_app fake;
    auto user = fake.log_in();
    std::promise<std::optional<app_error>> done;
    user.log_out([&](std::optional<app_error> error) { done.set_value(std::move(error)); });
    EXPECT_FALSE(done.get_future().get());
    enum realm::user::state state = user.state();
    EXPECT_EQ(state, realm::user::state::removed);
    EXPECT_THROW(static_cast<void>(realm::open<>(user.flexible_sync_configuration())),
                 std::exception);
}

TEST(User, is_logged_out_here_though_the_server_cannot_be_told) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    fake.server->instead = [](const auto&) { return fake_server::unreachable(); };
    EXPECT_THROW(user.log_out().get(), app_error);
    EXPECT_FALSE(user.is_logged_in());
}

TEST(User, compares_with_optional_users) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    std::optional<realm::user> current = fake.app.get_current_user();
    EXPECT_TRUE(user == current);
    EXPECT_TRUE(*current == user);
    EXPECT_TRUE(fake.log_in("b") != user);
    EXPECT_TRUE(realm::user() == realm::user());
    EXPECT_FALSE(user == realm::user());
}

TEST(User, of_nobody_says_so) {
    realm::user nobody;
    EXPECT_THROW(nobody.identifier(), std::logic_error);
    EXPECT_THROW(nobody.is_logged_in(), std::logic_error);
    EXPECT_THROW(nobody.flexible_sync_configuration(), std::logic_error);
    EXPECT_THROW(nobody.log_out().get(), std::logic_error);
}

TEST(User, reads_custom_data_of_the_token) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    auto data = user.get_custom_data();
    ASSERT_TRUE(data);
    EXPECT_TRUE((*data)["favourite"] == "blue");
    fake.server->user_data = R"({"favourite":"green"})";
    user.refresh_custom_user_data().get();
    data = user.get_custom_data();
    ASSERT_TRUE(data);
    EXPECT_TRUE((*data)["favourite"] == "green");

    user.log_out().get();
    try {
        user.refresh_custom_user_data().get();
        FAIL() << "refreshed without a login";
    } catch (const app_error& error) {
        EXPECT_EQ(error.message(), "The user is not logged in");
        EXPECT_TRUE(error.is_client_error());
    }
}

TEST(User, calls_functions) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    auto result =
        user.call_function("f", {realm::bsoncxx::document({{"name", "john"}}), int64_t(5)}).get();
    ASSERT_TRUE(result);
    realm::bsoncxx::document document = *result;
    EXPECT_TRUE(document["called"] == int32_t(1));
    auto body = fake.server->last("/functions/call")->body;
    EXPECT_NE(body.find(R"([{"name":"john"},{"$numberLong":"5"}])"), std::string::npos) << body;
    EXPECT_NE(body.find(R"("name":"f")"), std::string::npos) << body;
    EXPECT_EQ(fake.server->last("/functions/call")->headers.at("Authorization"),
              "Bearer " + user.access_token());

    std::promise<std::optional<realm::bsoncxx>> called;
    user.call_function("f", {realm::bsoncxx(1.5)},
                       [&](std::optional<realm::bsoncxx> r, std::optional<app_error>) {
                           called.set_value(std::move(r));
                       });
    EXPECT_TRUE(called.get_future().get());

    fake.server->instead = [](const auto&) { return fake_server::json(200, ""); };
    EXPECT_EQ(test::message_of([&] { user.call_function("f", {realm::bsoncxx(1.5)}).get(); }),
              "app_error: Empty response from server");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST(User, calls_functions_with_text) {
    test::fake_app fake;
    auto user = fake.log_in("a");
    auto result = user.call_function("f", R"([ "as it is" ])").get();
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, R"({"called":{"$numberInt":"1"}})");
    auto body = fake.server->last("/functions/call")->body;
    EXPECT_NE(body.find(R"([ "as it is" ])"), std::string::npos) << body;
    EXPECT_TRUE(user.custom_data());
}
#pragma GCC diagnostic pop

} // namespace
