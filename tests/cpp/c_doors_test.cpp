// The C interface: what the C++ headers offer beyond the path of the data, so does C.
#include "c_api.hpp"

#include <future>
#include <mutex>
#include <optional>
#include <vector>

namespace {

using namespace c_test;

using bytes_ptr = owned<realm_ingest_bytes, realm_ingest_bytes_free>;

/// The end of a wait: nothing, or the code.
class end_of_wait {
public:
    static void hear(void* userdata, const realm_ingest_error* error) {
        static_cast<end_of_wait*>(userdata)->code_.set_value(realm_ingest_error_code(error));
    }
    realm_ingest_code get() { return code_.get_future().get(); }

private:
    std::promise<realm_ingest_code> code_;
};

struct c_doors : with_gateway {
    user_ptr user = log_in(app);
};

TEST(c_abi, a_program_of_this_header_fits_and_one_of_a_newer_does_not) {
    EXPECT_EQ(realm_ingest_abi_version(), static_cast<unsigned>(REALM_INGEST_ABI_VERSION));
    EXPECT_EQ(realm_ingest_check_abi(REALM_INGEST_ABI_VERSION, nullptr), REALM_INGEST_OK);
    for (std::uint32_t other : {REALM_INGEST_ABI_VERSION + 1U, 0xffff0001U}) {
        auto refused = call([&](auto e) { return realm_ingest_check_abi(other, e); });
        EXPECT_EQ(refused.code, REALM_INGEST_NOT_SUPPORTED);
        EXPECT_NE(refused.message().find("ABI version"), std::string::npos) << refused.message();
    }
}

TEST(c_bson, documents_come_from_json_and_go_back) {
    const std::string json =
        R"({"_id":{"$oid":"5f0000000000000000000001"},"price":{"$numberDecimal":"1.10"},"count":{"$numberLong":"3"}})";
    auto document = made<bytes_ptr>([&](auto e, auto out) {
        return realm_ingest_bson_from_json(json.data(), json.size(), e, out);
    });
    std::size_t length = 0;
    auto* data = realm_ingest_bytes_data(document.get(), &length);
    auto back = made<text_ptr>(
        [&](auto e, auto out) { return realm_ingest_bson_to_json(data, length, e, out); });
    EXPECT_EQ(string(back), json);
    realm_ingest_bytes* none = nullptr;
    for (std::string bad : {"[1]", "{\"a\":", "{\"a\":{\"$oid\":\"5\"}}"}) {
        auto refused = call(
            [&](auto e) { return realm_ingest_bson_from_json(bad.data(), bad.size(), e, &none); });
        EXPECT_EQ(refused.code, REALM_INGEST_MALFORMED_JSON) << bad;
    }
    realm_ingest_text* text = nullptr;
    EXPECT_EQ(realm_ingest_bson_to_json(data, length - 1, nullptr, &text),
              REALM_INGEST_BAD_BSON_PARSE);
}

TEST_F(c_doors, handles_of_one_user_are_the_same) {
    auto again = log_in(app);
    EXPECT_TRUE(realm_ingest_user_is_same(user.get(), again.get()));
    auto other = log_in(app, "other@example.com", "correct horse");
    EXPECT_FALSE(realm_ingest_user_is_same(user.get(), other.get()));
    EXPECT_FALSE(realm_ingest_user_is_same(user.get(), nullptr));
}

TEST_F(c_doors, a_user_knows_its_file) {
    auto path = string(made<text_ptr>(
        [&](auto e, auto out) { return realm_ingest_user_realm_path(user.get(), e, out); }));
    EXPECT_FALSE(std::filesystem::exists(path));
    auto realm = open_realm(user, make_config());
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(c_doors, the_end_of_an_upload_is_told) {
    auto realm = open_realm(user, make_config());
    append(realm, "CLog", log_entry(1));
    end_of_wait uploaded;
    end_of_wait answered;
    EXPECT_EQ(realm_ingest_realm_on_upload(realm.get(), end_of_wait::hear, &uploaded, nullptr,
                                           nullptr, nullptr),
              REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_on_answer(realm.get(), end_of_wait::hear, &answered, nullptr,
                                           nullptr, nullptr),
              REALM_INGEST_OK);
    EXPECT_EQ(uploaded.get(), REALM_INGEST_OK);
    EXPECT_EQ(answered.get(), REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_doors, so_is_that_it_will_not_come) {
    gateway.kill();
    auto realm = open_realm(user, make_config());
    append(realm, "CLog", log_entry(1));
    end_of_wait end;
    realm_ingest_realm_on_upload(realm.get(), end_of_wait::hear, &end, nullptr, nullptr, nullptr);
    realm_ingest_realm_pause(realm.get(), nullptr);
    EXPECT_EQ(end.get(), static_cast<unsigned>(REALM_INGEST_OPERATION_ABORTED));
}

TEST_F(c_doors, the_size_of_what_is_stranded_is_known) {
    gateway.kill();
    auto named = open_realm(user, make_config());
    append(named, "CLog", log_entry(1));
    named.reset();
    gateway.start();
    auto registered = log_in(app, "s@example.com", "correct horse");
    gateway.kill();
    auto realm = open_realm(registered, make_config());
    append(realm, "CLog", log_entry(1) + log_entry(2));
    realm.reset();
    realm_ingest_user_log_out(registered.get(), nullptr);
    auto stranded = made<stranded_ptr>(
        [&](auto e, auto out) { return realm_ingest_app_stranded(app.get(), e, out); });
    ASSERT_EQ(realm_ingest_stranded_count(stranded.get()), 1U);
    EXPECT_EQ(realm_ingest_stranded_bytes(stranded.get(), 0), 2 * log_entry(1).size());
    EXPECT_EQ(realm_ingest_stranded_bytes(stranded.get(), 1), 0U);
}

TEST(c_log, its_level_changes_alone) {
    int lines = 0;
    realm_ingest_set_log(
        8,
        [](void* userdata, std::uint8_t, const char*, std::size_t) {
            ++*static_cast<int*>(userdata);
        },
        &lines, nullptr);
    // Which is told at once, on this thread.
    auto free_what_is_none = [] {
        realm_ingest_text_free(reinterpret_cast<realm_ingest_text*>(1));
    };
    free_what_is_none();
    EXPECT_EQ(lines, 0);
    realm_ingest_set_log_level(6);
    free_what_is_none();
    EXPECT_EQ(lines, 1);
    realm_ingest_set_log(8, nullptr, nullptr, nullptr);
}

/// HTTP of the application that only looks at what the built-in client sends.
struct onlooker {
    app_config_ptr settings;
    std::atomic<int> requests{0};

    static void send(void* userdata, const realm_ingest_http_request* request,
                     realm_ingest_http_answer* answer) {
        auto& self = *static_cast<onlooker*>(userdata);
        ++self.requests;
        auto result = call(
            [&](auto e) { return realm_ingest_http_request_forward(request, nullptr, answer, e); });
        EXPECT_EQ(result.code, REALM_INGEST_OK) << result.message();
        realm_ingest_http_answer_send(answer);
    }
};

TEST_F(c_doors, requests_may_go_on_by_the_built_in_client) {
    onlooker http;
    test::temporary_directory others;
    auto config = app_config(gateway.url(), others.path, "onlooker-app");
    realm_ingest_app_config_set_http_callback(config.get(), onlooker::send, &http, nullptr,
                                              nullptr);
    auto own = open_app(config);
    auto realm = open_realm(log_in(own), make_config());
    append(realm, "CLog", log_entry(1));
    EXPECT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_GE(http.requests, 3) << "location, log-in, documents";
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST(c_http_numbers, an_application_may_have_numbers_of_its_own) {
    auto refusal = [](realm_ingest_http_callback send) {
        test::temporary_directory files;
        auto config = app_config("http://own.example", files.path, "numbers-app");
        realm_ingest_app_config_set_caching(config.get(), false, nullptr);
        realm_ingest_app_config_set_http_callback(config.get(), send, nullptr, nullptr, nullptr);
        auto app = open_app(config);
        realm_ingest_user* user = nullptr;
        return call([&](auto e) { return realm_ingest_app_login_anonymous(app.get(), e, &user); });
    };
    auto custom = refusal([](void*, const realm_ingest_http_request*, auto* answer) {
        realm_ingest_http_answer_set_custom_status(answer, 1234, nullptr);
        realm_ingest_http_answer_send(answer);
    });
    EXPECT_EQ(custom.code, REALM_INGEST_CUSTOM_ERROR);
    EXPECT_NE(custom.message().find("1234"), std::string::npos) << custom.message();
    auto client = refusal([](void*, const realm_ingest_http_request*, auto* answer) {
        realm_ingest_http_answer_set_client_error(answer, 7, nullptr);
        realm_ingest_http_answer_send(answer);
    });
    EXPECT_EQ(client.code, REALM_INGEST_CLIENT_TRANSPORT_FAILED) << client.message();
}

TEST_F(c_doors, a_realm_may_have_headers_and_a_proxy_of_its_own) {
    auto config = make_config();
    realm_ingest_realm_config_add_header(config.get(), "X-Station", 9, "7", 1, nullptr);
    const std::string nobody = "http://127.0.0.1:1";
    realm_ingest_realm_config_set_proxy(config.get(), nobody.data(), nobody.size(), nullptr);
    auto realm = open_realm(user, config);
    append(realm, "CLog", log_entry(1));
    EXPECT_EQ(wait(realm, 300).code, REALM_INGEST_WAIT_TIMED_OUT) << "the proxy is not there";
    realm.reset();
    EXPECT_EQ(gateway.count("CLog"), 0U);
}

std::string file(const std::string& name) {
    return std::string(std::getenv("REALM_INGEST_SOURCE_DIR")) + "/gateway/tests/data/tls/" + name;
}

/// The application's word on certificates.
struct judge {
    bool accepts = true;
    std::mutex mutex;
    std::string server, pem;
    std::uint16_t port = 0;
    std::size_t depth = 99;
    bool trusted = true;

    static bool hear(void* userdata, const realm_ingest_certificate* certificate) {
        auto& self = *static_cast<judge*>(userdata);
        std::lock_guard lock(self.mutex);
        self.server = realm_ingest_certificate_server(certificate, nullptr);
        self.pem = realm_ingest_certificate_pem(certificate, nullptr);
        self.port = realm_ingest_certificate_port(certificate);
        self.depth = realm_ingest_certificate_depth(certificate);
        self.trusted = realm_ingest_certificate_is_trusted(certificate);
        return self.accepts;
    }
};

TEST(c_tls, the_callback_has_the_last_word_on_a_server) {
    test::gateway gateway{
        {"--dev", "--tls-cert", file("server.pem"), "--tls-key", file("server.key")}};
    judge judge;
    for (bool accepts : {true, false}) {
        judge.accepts = accepts;
        test::temporary_directory files;
        auto config = app_config(gateway.url(), files.path);
        realm_ingest_app_config_set_caching(config.get(), false, nullptr);
        realm_ingest_app_config_set_certificate_callback(config.get(), judge::hear, &judge, nullptr,
                                                         nullptr);
        auto app = open_app(config);
        realm_ingest_user* user = nullptr;
        auto result =
            call([&](auto e) { return realm_ingest_app_login_anonymous(app.get(), e, &user); });
        EXPECT_EQ(result.code == REALM_INGEST_OK, accepts);
        realm_ingest_user_free(user);
    }
    EXPECT_EQ(judge.depth, 0U);
    EXPECT_FALSE(judge.trusted) << "nobody said so";
    EXPECT_EQ(judge.pem.rfind("-----BEGIN CERTIFICATE-----\n", 0), 0U);
    EXPECT_EQ(gateway.url().substr(gateway.url().rfind('/') + 1),
              judge.server + ":" + std::to_string(judge.port));
}

} // namespace
