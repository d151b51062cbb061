// The C interface: an application's own HTTP, and the settings of the built-in client.
#include "c_api.hpp"

#include <chrono>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace c_test;

/// A server in the application's own HTTP, which notes what it is asked and says the same to all.
struct own_http {
    struct asked {
        std::string method, url, body, content_type;
    };

    std::mutex mutex;
    std::vector<asked> seen;
    std::promise<void> freed;
    std::uint16_t status = 401;
    std::string body = R"({"error":"not today","error_code":"AuthError"})";
    std::string failure;

    static std::string text(const char* data, std::size_t length) { return {data, length}; }

    static void send(void* userdata, const realm_ingest_http_request* request,
                     realm_ingest_http_answer* answer) {
        auto& self = *static_cast<own_http*>(userdata);
        std::size_t length = 0;
        asked asked;
        auto method = realm_ingest_http_request_method(request, &length);
        asked.method = text(method, length);
        auto url = realm_ingest_http_request_url(request, &length);
        asked.url = text(url, length);
        auto body = realm_ingest_http_request_body(request, &length);
        asked.body = text(body, length);
        EXPECT_GE(realm_ingest_http_request_timeout_ms(request), 60000U);
        auto count = realm_ingest_http_request_header_count(request);
        EXPECT_EQ(realm_ingest_http_request_header_name(request, count, nullptr), nullptr);
        for (std::size_t i = 0; i < count; ++i)
            if (std::string(realm_ingest_http_request_header_name(request, i, nullptr)) ==
                "Content-Type")
                asked.content_type = realm_ingest_http_request_header_value(request, i, nullptr);
        {
            std::lock_guard lock(self.mutex);
            self.seen.push_back(asked);
        }
        // The answer may come later, on another thread.
        std::thread([&self, answer] { self.respond(answer); }).detach();
    }

    void respond(realm_ingest_http_answer* answer) {
        std::lock_guard lock(mutex);
        std::string location = R"({"hostname":"","ws_hostname":""})";
        bool first = seen.size() == 1;
        if (!failure.empty()) {
            realm_ingest_http_answer_set_failure(answer, failure.data(), failure.size(), nullptr);
        } else {
            realm_ingest_http_answer_set_status(answer, first ? 200 : status, nullptr);
            realm_ingest_http_answer_add_header(answer, "Content-Type", 12, "application/json", 16,
                                                nullptr);
            const auto& text = first ? location : body;
            realm_ingest_http_answer_set_body(answer, bytes(text), text.size(), nullptr);
        }
        realm_ingest_http_answer_send(answer);
    }

    static void free(void* userdata) { static_cast<own_http*>(userdata)->freed.set_value(); }
};

struct c_http : testing::Test {
    test::temporary_directory files;
    own_http http;

    app_ptr app() {
        auto config = app_config("http://own.example", files.path, "own-app");
        realm_ingest_app_config_set_caching(config.get(), false, nullptr);
        realm_ingest_app_config_set_http_callback(config.get(), own_http::send, &http,
                                                  own_http::free, nullptr);
        return open_app(config);
    }

    /// The app lets go of its userdata once, when it has ended.
    void TearDown() override {
        EXPECT_EQ(http.freed.get_future().wait_for(std::chrono::seconds(60)),
                  std::future_status::ready);
    }
};

outcome log_in_as_anybody(const app_ptr& app) {
    realm_ingest_user* user = nullptr;
    auto result =
        call([&](auto e) { return realm_ingest_app_login_anonymous(app.get(), e, &user); });
    realm_ingest_user_free(user);
    return result;
}

TEST_F(c_http, everything_goes_through_the_applications_own) {
    auto refused = log_in_as_anybody(app());
    EXPECT_EQ(refused.code, REALM_INGEST_AUTH_ERROR);
    EXPECT_EQ(refused.message(), "not today");
    ASSERT_EQ(http.seen.size(), 2U);
    EXPECT_EQ(http.seen[0].method, "GET");
    EXPECT_EQ(http.seen[0].url, "http://own.example/api/client/v2.0/app/own-app/location");
    EXPECT_EQ(http.seen[1].method, "POST");
    EXPECT_EQ(http.seen[1].content_type, "application/json;charset=utf-8");
    EXPECT_NE(http.seen[1].body.find(R"("provider":"anon-user")"), std::string::npos);
}

TEST_F(c_http, a_failure_is_told_in_its_own_words) {
    http.failure = "the modem is off";
    auto refused = log_in_as_anybody(app());
    EXPECT_EQ(refused.code, REALM_INGEST_CUSTOM_ERROR);
    EXPECT_NE(refused.message().find("the modem is off"), std::string::npos) << refused.message();
}

TEST(c_http_answers, an_answer_without_a_status_and_one_that_is_freed_fail_their_request) {
    test::temporary_directory files;
    auto with = [&](auto send) {
        auto config = app_config("http://own.example", files.path, "own-app");
        realm_ingest_app_config_set_caching(config.get(), false, nullptr);
        realm_ingest_app_config_set_http_callback(config.get(), send, nullptr, nullptr, nullptr);
        return log_in_as_anybody(open_app(config));
    };
    auto unsaid =
        with([](void*, const realm_ingest_http_request*, realm_ingest_http_answer* answer) {
            realm_ingest_http_answer_send(answer);
        });
    EXPECT_EQ(unsaid.code, REALM_INGEST_CUSTOM_ERROR);
    EXPECT_NE(unsaid.message().find("gave no status"), std::string::npos) << unsaid.message();
    auto freed =
        with([](void*, const realm_ingest_http_request*, realm_ingest_http_answer* answer) {
            realm_ingest_http_answer_free(answer);
        });
    EXPECT_EQ(freed.code, REALM_INGEST_CUSTOM_ERROR);
    EXPECT_NE(freed.message().find("gave no answer"), std::string::npos) << freed.message();
}

TEST(c_options, the_built_in_client_has_settings_that_are_checked_when_the_app_is_opened) {
    test::gateway gateway;
    test::temporary_directory files;
    auto open_with = [&](auto set) {
        auto config = app_config(gateway.url(), files.path);
        realm_ingest_app_config_set_caching(config.get(), false, nullptr);
        EXPECT_EQ(set(config.get()), REALM_INGEST_OK);
        realm_ingest_app* app = nullptr;
        auto result = call([&](auto e) { return realm_ingest_app_new(config.get(), e, &app); });
        app_ptr owner(app);
        if (result.code != REALM_INGEST_OK)
            return result;
        realm_ingest_user* nobody = nullptr;
        return call([&](auto e) {
            return realm_ingest_app_login_password(app, "a@b.c", 5, "password", 8, e, &nobody);
        });
    };
    // As the gateway says to somebody whom it does not know.
    auto arrived = REALM_INGEST_INVALID_PASSWORD;
    auto headers = open_with([](auto config) {
        return realm_ingest_app_config_add_header(config, "X-Device", 8, "42", 2, nullptr);
    });
    EXPECT_EQ(headers.code, arrived);
    auto two_lines = open_with([](auto config) {
        return realm_ingest_app_config_add_header(config, "X-Device", 8, "42\r\nX: y", 8, nullptr);
    });
    EXPECT_EQ(two_lines.code, REALM_INGEST_INVALID_ARGUMENT);
    EXPECT_EQ(two_lines.message(),
              "the header \"X-Device\" cannot be sent: failed to parse header value");
    std::string proxy = "http://user:p%40ss@127.0.0.1:1";
    auto proxied = open_with([&](auto config) {
        return realm_ingest_app_config_set_proxy(config, proxy.data(), proxy.size(), nullptr);
    });
    EXPECT_EQ(proxied.code, REALM_INGEST_CUSTOM_ERROR) << "there nobody listens";
    std::string missing = (files.path / "missing.pem").string();
    auto trusting = open_with([&](auto config) {
        return realm_ingest_app_config_set_trusted_certificates(config, missing.data(),
                                                                missing.size(), nullptr);
    });
    EXPECT_EQ(trusting.code, REALM_INGEST_INVALID_ARGUMENT);
    EXPECT_NE(trusting.message().find("missing.pem"), std::string::npos) << trusting.message();
    auto showing = open_with([&](auto config) {
        return realm_ingest_app_config_set_client_certificate(
            config, missing.data(), missing.size(), missing.data(), missing.size(), nullptr);
    });
    EXPECT_EQ(showing.code, REALM_INGEST_INVALID_ARGUMENT);
    auto accepting = open_with([](auto config) {
        return realm_ingest_app_config_set_accept_any_certificate(config, true, nullptr);
    });
    EXPECT_EQ(accepting.code, arrived);
}

} // namespace
