// The conventions of the C interface, which every call keeps.
#include "c_api.hpp"

#include <atomic>
#include <mutex>

namespace {

using namespace c_test;

using c_process = with_gateway;

TEST(c_conventions, the_version_is_that_of_the_headers) {
    EXPECT_STREQ(realm_ingest_version(), REALM_INGEST_VERSION_STRING);
}

TEST(c_conventions, paths_need_not_be_utf8) {
    test::gateway gateway;
    test::temporary_directory files;
    auto directory = files.path / "caf\xe9";
    auto app = open_app(gateway.url(), directory);
    auto user = log_in(app);
    auto config = make_config();
    auto path = (directory / "\xff.realm").string();
    EXPECT_EQ(realm_ingest_realm_config_set_path(config.get(), path.data(), path.size(), nullptr),
              REALM_INGEST_OK);
    auto realm = open_realm(user, config);
    EXPECT_EQ(append(realm, "CLog", log_entry(1)).code, REALM_INGEST_OK);
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(c_conventions, freeing_nothing_does_nothing) {
    realm_ingest_error_free(nullptr);
    realm_ingest_app_config_free(nullptr);
    realm_ingest_credentials_free(nullptr);
    realm_ingest_http_answer_free(nullptr);
    realm_ingest_http_answer_send(nullptr);
    realm_ingest_text_free(nullptr);
    realm_ingest_users_free(nullptr);
    realm_ingest_app_free(nullptr);
    realm_ingest_user_free(nullptr);
    realm_ingest_realm_config_free(nullptr);
    realm_ingest_realm_free(nullptr);
    realm_ingest_transaction_free(nullptr);
}

TEST(c_conventions, questions_about_nothing_have_an_answer) {
    std::size_t length = 7;
    EXPECT_EQ(realm_ingest_error_code(nullptr), REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_error_message(nullptr, &length), nullptr);
    EXPECT_EQ(realm_ingest_user_id(nullptr, nullptr), nullptr);
    EXPECT_EQ(realm_ingest_sync_error_refusal_count(nullptr), 0U);
    EXPECT_EQ(realm_ingest_sync_error_refusal_reason(nullptr, 0, nullptr), nullptr);
}

TEST(c_conventions, an_argument_that_is_null_is_named) {
    auto expect = [](const char* name, auto&& fn) {
        auto result = call(fn);
        EXPECT_EQ(result.code, REALM_INGEST_INVALID_ARGUMENT) << name;
        EXPECT_EQ(result.message(), std::string(name) + " is NULL");
        EXPECT_STREQ(realm_ingest_error_name(result.error.get(), nullptr), "InvalidArgument");
    };
    realm_ingest_app_config* app_config = nullptr;
    expect("app_id",
           [&](auto e) { return realm_ingest_app_config_new(nullptr, 3, e, &app_config); });
    expect("config", [&](auto e) { return realm_ingest_app_config_new("a", 1, e, nullptr); });
    EXPECT_EQ(app_config, nullptr);
    expect("config", [&](auto e) { return realm_ingest_app_config_set_path(nullptr, "a", 1, e); });
    expect("config",
           [&](auto e) { return realm_ingest_app_config_set_base_url(nullptr, "a", 1, e); });
    expect("config", [&](auto e) {
        return realm_ingest_app_config_set_metadata_encryption_key(nullptr, nullptr, 0, e);
    });
    realm_ingest_app* app = nullptr;
    expect("config", [&](auto e) { return realm_ingest_app_new(nullptr, e, &app); });
    expect("app", [&](auto e) { return realm_ingest_app_new(nullptr, e, nullptr); });
    expect("app", [&](auto e) { return realm_ingest_app_register(nullptr, "a", 1, "b", 1, e); });
    realm_ingest_user* user = nullptr;
    expect("app", [&](auto e) { return realm_ingest_app_login_anonymous(nullptr, e, &user); });
    expect("app", [&](auto e) {
        return realm_ingest_app_login_password(nullptr, "a", 1, "b", 1, e, &user);
    });
    expect("user", [&](auto e) { return realm_ingest_user_log_out(nullptr, e); });
    realm_ingest_realm_config* config = nullptr;
    expect("schema_json",
           [&](auto e) { return realm_ingest_realm_config_new(nullptr, 0, e, &config); });
    expect("config",
           [&](auto e) { return realm_ingest_realm_config_set_path(nullptr, "a", 1, e); });
    expect("config",
           [&](auto e) { return realm_ingest_realm_config_set_stop_policy(nullptr, 0, e); });
    realm_ingest_realm* realm = nullptr;
    expect("user", [&](auto e) { return realm_ingest_realm_new(nullptr, nullptr, e, &realm); });
    expect("realm", [&](auto e) { return realm_ingest_realm_wait_for_upload(nullptr, 0, e); });
    expect("realm", [&](auto e) { return realm_ingest_realm_close(nullptr, e); });
    std::uint64_t documents = 7;
    expect("realm", [&](auto e) { return realm_ingest_realm_pending(nullptr, e, &documents); });
    EXPECT_EQ(documents, 7U) << "an output is written on success alone";
    expect("realm", [&](auto e) {
        return realm_ingest_realm_append(nullptr, "a", 1, nullptr, 0, e, nullptr);
    });
    realm_ingest_transaction* transaction = nullptr;
    expect("realm", [&](auto e) { return realm_ingest_transaction_new(nullptr, e, &transaction); });
    expect("transaction",
           [&](auto e) { return realm_ingest_transaction_append(nullptr, "a", 1, nullptr, 0, e); });
    expect("transaction",
           [&](auto e) { return realm_ingest_transaction_commit(nullptr, e, nullptr); });
    // Nobody has to ask for the reason.
    EXPECT_EQ(realm_ingest_transaction_commit(nullptr, nullptr, nullptr),
              REALM_INGEST_INVALID_ARGUMENT);
}

TEST(c_conventions, an_argument_that_is_null_is_named_also_by_calls_about_users_and_http) {
    auto expect = [](const char* name, auto&& fn) {
        auto result = call(fn);
        EXPECT_EQ(result.code, REALM_INGEST_INVALID_ARGUMENT) << name;
        EXPECT_EQ(result.message(), std::string(name) + " is NULL");
    };
    realm_ingest_credentials* credentials = nullptr;
    expect("provider", [&](auto e) {
        return realm_ingest_credentials_new(nullptr, 0, "{}", 2, e, &credentials);
    });
    expect("key", [&](auto e) {
        return realm_ingest_credentials_new_api_key(nullptr, 0, e, &credentials);
    });
    expect("credentials",
           [&](auto e) { return realm_ingest_credentials_new_anonymous(e, nullptr); });
    realm_ingest_user* user = nullptr;
    expect("app", [&](auto e) { return realm_ingest_app_login(nullptr, nullptr, e, &user); });
    expect("app", [&](auto e) { return realm_ingest_app_current_user(nullptr, e, &user); });
    expect("app", [&](auto e) { return realm_ingest_app_switch_user(nullptr, nullptr, e); });
    expect("app", [&](auto e) { return realm_ingest_app_remove_user(nullptr, nullptr, e); });
    expect("app", [&](auto e) { return realm_ingest_app_delete_user(nullptr, nullptr, e); });
    expect("users", [&](auto e) { return realm_ingest_users_get(nullptr, 0, e, &user); });
    expect("app", [&](auto e) { return realm_ingest_app_confirm_user(nullptr, "", 0, "", 0, e); });
    realm_ingest_text* text = nullptr;
    expect("user", [&](auto e) { return realm_ingest_user_access_token(nullptr, e, &text); });
    expect("user", [&](auto e) { return realm_ingest_user_custom_data(nullptr, e, &text); });
    expect("user", [&](auto e) { return realm_ingest_user_link(nullptr, nullptr, e); });
    expect("user", [&](auto e) {
        return realm_ingest_user_call_function(nullptr, "f", 1, "[]", 2, e, &text);
    });
    expect("config", [&](auto e) { return realm_ingest_app_config_set_proxy(nullptr, "", 0, e); });
    expect("config", [&](auto e) {
        return realm_ingest_app_config_set_http_callback(nullptr, nullptr, nullptr, nullptr, e);
    });
    expect("answer", [&](auto e) { return realm_ingest_http_answer_set_status(nullptr, 200, e); });
    EXPECT_EQ(realm_ingest_user_state(nullptr), REALM_INGEST_USER_REMOVED);
    EXPECT_EQ(realm_ingest_users_count(nullptr), 0U);
    EXPECT_EQ(realm_ingest_text_data(nullptr, nullptr), nullptr);
    EXPECT_EQ(realm_ingest_http_request_url(nullptr, nullptr), nullptr);
}

TEST(c_conventions, text_that_is_not_utf8_and_a_short_key_are_refused) {
    realm_ingest_app_config* output = nullptr;
    auto bad_text =
        call([&](auto e) { return realm_ingest_app_config_new("\xff\xfe", 2, e, &output); });
    EXPECT_EQ(bad_text.message(), "app_id is not valid UTF-8");
    auto config = made<app_config_ptr>(
        [](auto e, auto out) { return realm_ingest_app_config_new("a", 1, e, out); });
    auto bad_key = call([&](auto e) {
        return realm_ingest_app_config_set_metadata_encryption_key(config.get(), bytes("short"), 5,
                                                                   e);
    });
    EXPECT_EQ(bad_key.message(), "an encryption key has 64 bytes, and this one has 5");
}

TEST(c_conventions, userdata_is_freed_once_whatever_becomes_of_the_callback) {
    auto count = [](void* userdata) { ++*static_cast<int*>(userdata); };
    auto ignore = [](void*, const realm_ingest_sync_error*) {};
    int freed = 0;
    realm_ingest_realm_config_set_error_callback(nullptr, ignore, &freed, count, nullptr);
    EXPECT_EQ(freed, 1) << "where the call fails";
    {
        auto config = make_config();
        realm_ingest_realm_config_set_error_callback(config.get(), ignore, &freed, count, nullptr);
        EXPECT_EQ(freed, 1);
        realm_ingest_realm_config_set_error_callback(config.get(), ignore, &freed, count, nullptr);
        EXPECT_EQ(freed, 2) << "where another takes its place";
    }
    EXPECT_EQ(freed, 3) << "where its owner ends";
    realm_ingest_set_log(
        0, [](void*, std::uint8_t, const char*, std::size_t) {}, &freed, count);
    realm_ingest_set_log(8, nullptr, nullptr, nullptr);
    EXPECT_EQ(freed, 4) << "where the log goes elsewhere";
}

TEST_F(c_process, every_call_in_a_forked_child_says_so_at_once) {
    auto user = log_in(app);
    auto realm = open_realm(user, make_config());
    auto transaction = begin(realm);
    append(transaction, "CLog", log_entry(1));
    auto settings = make_config();
    auto pid = fork();
    if (pid == 0) {
        alarm(60);
        auto refused = [](const outcome& result) {
            return result.code == REALM_INGEST_LOGIC_ERROR &&
                   result.message().find("this process was forked from process ") == 0;
        };
        realm_ingest_user* another = nullptr;
        realm_ingest_transaction* begun = nullptr;
        realm_ingest_realm_config* made = nullptr;
        std::uint64_t documents = 0;
        int freed = 0;
        auto count = [](void* userdata) { ++*static_cast<int*>(userdata); };
        auto ignore = [](void*, const realm_ingest_sync_error*) {};
        bool all =
            refused(append(realm, "CLog", log_entry(2))) && refused(commit(transaction)) &&
            refused(wait(realm, -1)) && refused(call([&](auto error) {
                return realm_ingest_app_login_anonymous(app.get(), error, &another);
            })) &&
            refused(call([&](auto error) {
                return realm_ingest_realm_pending(realm.get(), error, &documents);
            })) &&
            refused(call([&](auto error) {
                return realm_ingest_transaction_new(realm.get(), error, &begun);
            })) &&
            refused(append(transaction, "CLog", log_entry(2))) && refused(call([&](auto error) {
                return realm_ingest_realm_config_new(schema.data(), schema.size(), error, &made);
            })) &&
            refused(call([&](auto error) {
                return realm_ingest_realm_config_set_stop_policy(settings.get(),
                                                                 REALM_INGEST_STOP_NEVER, error);
            })) &&
            refused(call([&](auto error) {
                return realm_ingest_realm_config_set_error_callback(settings.get(), ignore, &freed,
                                                                    count, error);
            })) &&
            freed == 1;
        realm_ingest_set_log(
            0, [](void*, std::uint8_t, const char*, std::size_t) {}, &freed, count);
        all = all && freed == 2;
        transaction.reset();
        realm.reset();
        user.reset();
        app.reset();
        _exit(all ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_OK);
    EXPECT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_process, the_log_reaches_its_callback) {
    struct heard {
        std::mutex mutex;
        std::string text;
    } heard;
    realm_ingest_set_log(
        0,
        [](void* userdata, std::uint8_t level, const char* message, std::size_t length) {
            auto& heard = *static_cast<struct heard*>(userdata);
            std::lock_guard lock(heard.mutex);
            EXPECT_LT(level, 8);
            heard.text.append(message, length);
        },
        &heard, nullptr);
    log_in(app);
    realm_ingest_set_log(8, nullptr, nullptr, nullptr);
    std::lock_guard lock(heard.mutex);
    EXPECT_NE(heard.text.find("logged in"), std::string::npos) << heard.text;
}

} // namespace
