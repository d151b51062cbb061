// The C interface: its conventions, which every call keeps, and the path from documents to the
// gateway.
#include <realm_ingest.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "gateway_fixture.hpp"

namespace {

/// Ends what the library gave.
template <auto Free>
struct freed {
    template <typename T>
    void operator()(T* pointer) const {
        Free(pointer);
    }
};
template <typename T, auto Free>
using owned = std::unique_ptr<T, freed<Free>>;
using error_ptr = owned<realm_ingest_error, realm_ingest_error_free>;
using app_ptr = owned<realm_ingest_app, realm_ingest_app_free>;
using user_ptr = owned<realm_ingest_user, realm_ingest_user_free>;
using realm_ptr = owned<realm_ingest_realm, realm_ingest_realm_free>;
using transaction_ptr = owned<realm_ingest_transaction, realm_ingest_transaction_free>;
using app_config_ptr = owned<realm_ingest_app_config, realm_ingest_app_config_free>;
using stranded_ptr = owned<realm_ingest_stranded, realm_ingest_stranded_free>;
using realm_config_ptr = owned<realm_ingest_realm_config, realm_ingest_realm_config_free>;

/// Calls with the place for an error last of `arguments`, and the output, if any, behind it.
struct outcome {
    realm_ingest_code code;
    error_ptr error;

    std::string message() const { return realm_ingest_error_message(error.get(), nullptr); }
};

template <typename Fn>
outcome call(Fn&& fn) {
    realm_ingest_error* error = nullptr;
    auto code = fn(&error);
    EXPECT_EQ(code, realm_ingest_error_code(error));
    return {code, error_ptr(error)};
}

/// The output of a call that must succeed.
template <typename Owned, typename Fn>
Owned made(Fn&& fn) {
    typename Owned::pointer output = nullptr;
    auto result = call([&](auto error) { return fn(error, &output); });
    if (result.code != REALM_INGEST_OK)
        throw std::runtime_error(result.message());
    return Owned(output);
}

const std::string schema = R"({"classes":[
    {"name":"CReading","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"int"},{"name":"value","type":"double"}]},
    {"name":"CLog","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"int"}]}]})";

std::string number(std::int64_t value) { return {reinterpret_cast<char*>(&value), sizeof value}; }
std::string number(double value) { return {reinterpret_cast<char*>(&value), sizeof value}; }

std::string document(const std::string& fields) {
    auto length = static_cast<std::int32_t>(fields.size() + 5);
    return std::string(reinterpret_cast<char*>(&length), 4) + fields + '\0';
}
std::string log_entry(std::int64_t id) {
    return document(std::string("\x12_id\0", 5) + number(id));
}
std::string reading(std::int64_t id, double value) {
    return document(std::string("\x12_id\0", 5) + number(id) + std::string("\x01value\0", 7) +
                    number(value));
}

const std::uint8_t* bytes(const std::string& text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

app_ptr open_app(const std::string& url, const std::filesystem::path& files,
                 const std::string& id = "c-app") {
    auto config = made<app_config_ptr>([&](auto error, auto config) {
        return realm_ingest_app_config_new(id.data(), id.size(), error, config);
    });
    auto path = files.string();
    realm_ingest_app_config_set_base_url(config.get(), url.data(), url.size(), nullptr);
    realm_ingest_app_config_set_path(config.get(), path.data(), path.size(), nullptr);
    return made<app_ptr>(
        [&](auto error, auto app) { return realm_ingest_app_new(config.get(), error, app); });
}

user_ptr log_in(const app_ptr& app) {
    return made<user_ptr>([&](auto error, auto user) {
        return realm_ingest_app_login_anonymous(app.get(), error, user);
    });
}

realm_config_ptr make_config(const std::string& classes = schema) {
    return made<realm_config_ptr>([&](auto error, auto config) {
        return realm_ingest_realm_config_new(classes.data(), classes.size(), error, config);
    });
}

realm_ptr open_realm(const user_ptr& user, const realm_config_ptr& config) {
    return made<realm_ptr>([&](auto error, auto realm) {
        return realm_ingest_realm_new(user.get(), config.get(), error, realm);
    });
}

outcome append(const realm_ptr& realm, const std::string& name, const std::string& documents) {
    return call([&](auto error) {
        return realm_ingest_realm_append(realm.get(), name.data(), name.size(), bytes(documents),
                                         documents.size(), error);
    });
}

outcome append(const transaction_ptr& transaction, const std::string& name,
               const std::string& documents) {
    return call([&](auto error) {
        return realm_ingest_transaction_append(transaction.get(), name.data(), name.size(),
                                               bytes(documents), documents.size(), error);
    });
}

transaction_ptr begin(const realm_ptr& realm) {
    return made<transaction_ptr>([&](auto error, auto transaction) {
        return realm_ingest_transaction_new(realm.get(), error, transaction);
    });
}

outcome commit(const transaction_ptr& transaction) {
    return call(
        [&](auto error) { return realm_ingest_transaction_commit(transaction.get(), error); });
}

std::uint64_t pending(const realm_ptr& realm) {
    std::uint64_t documents = 0;
    EXPECT_EQ(realm_ingest_realm_pending(realm.get(), nullptr, &documents), 0U);
    return documents;
}

outcome wait(const realm_ptr& realm, std::int64_t timeout_ms) {
    return call([&](auto error) {
        return realm_ingest_realm_wait_for_upload(realm.get(), timeout_ms, error);
    });
}

struct c_api : testing::Test {
    test::gateway gateway;
    test::temporary_directory files;
    app_ptr app = open_app(gateway.url(), files.path);
};

} // namespace

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
    expect("realm",
           [&](auto e) { return realm_ingest_realm_append(nullptr, "a", 1, nullptr, 0, e); });
    realm_ingest_transaction* transaction = nullptr;
    expect("realm", [&](auto e) { return realm_ingest_transaction_new(nullptr, e, &transaction); });
    expect("transaction",
           [&](auto e) { return realm_ingest_transaction_append(nullptr, "a", 1, nullptr, 0, e); });
    expect("transaction", [&](auto e) { return realm_ingest_transaction_commit(nullptr, e); });
    // Nobody has to ask for the reason.
    EXPECT_EQ(realm_ingest_transaction_commit(nullptr, nullptr), REALM_INGEST_INVALID_ARGUMENT);
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

TEST_F(c_api, documents_of_a_transaction_arrive) {
    auto user = log_in(app);
    auto realm = open_realm(user, make_config());
    auto transaction = begin(realm);
    EXPECT_EQ(append(transaction, "CReading", reading(1, 1.5) + reading(2, 2.5)).code,
              REALM_INGEST_OK);
    EXPECT_EQ(append(transaction, "CLog", log_entry(1)).code, REALM_INGEST_OK);
    EXPECT_EQ(append(transaction, "CReading", reading(3, 3.5)).code, REALM_INGEST_OK);
    EXPECT_EQ(pending(realm), 0U) << "before the commit";
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_OK);
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_OK) << "it is empty now";
    EXPECT_EQ(append(realm, "CLog", log_entry(2)).code, REALM_INGEST_OK);
    auto waited = wait(realm, 60000);
    ASSERT_EQ(waited.code, REALM_INGEST_OK) << waited.message();
    EXPECT_EQ(pending(realm), 0U);
    EXPECT_EQ(gateway.count("CReading"), 3U);
    EXPECT_EQ(gateway.count("CLog"), 2U);
}

TEST_F(c_api, classes_that_alternate_arrive_however_often_they_do) {
    auto realm = open_realm(log_in(app), make_config());
    auto transaction = begin(realm);
    for (std::int64_t id = 0; id < 15000; ++id) {
        append(transaction, "CReading", reading(id, 0.5));
        append(transaction, "CLog", log_entry(id));
    }
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_OK);
    auto waited = wait(realm, 60000);
    ASSERT_EQ(waited.code, REALM_INGEST_OK) << waited.message();
    EXPECT_EQ(gateway.count("CReading"), 15000U);
    EXPECT_EQ(gateway.count("CLog"), 15000U);
}

TEST_F(c_api, every_call_in_a_forked_child_says_so_at_once) {
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

TEST_F(c_api, a_transaction_that_is_freed_or_refused_leaves_nothing) {
    auto realm = open_realm(log_in(app), make_config());
    {
        auto transaction = begin(realm);
        append(transaction, "CLog", log_entry(1));
    }
    auto transaction = begin(realm);
    append(transaction, "CLog", log_entry(2));
    append(transaction, "NoSuchClass", log_entry(3));
    auto refused = commit(transaction);
    EXPECT_EQ(refused.code, REALM_INGEST_INVALID_ARGUMENT);
    EXPECT_NE(refused.message().find("NoSuchClass"), std::string::npos) << refused.message();
    EXPECT_EQ(pending(realm), 0U);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 0U);
}

TEST_F(c_api, documents_that_are_not_well_formed_are_refused_at_once) {
    auto realm = open_realm(log_in(app), make_config());
    auto transaction = begin(realm);
    auto good = log_entry(1);
    for (const auto& bad : {good.substr(0, 10), std::string(5, '\0'), good + "x",
                            document(std::string("\x77_id\0", 5) + number(std::int64_t(1)))}) {
        auto refused = append(transaction, "CLog", bad);
        EXPECT_EQ(refused.code, REALM_INGEST_INVALID_ARGUMENT);
        EXPECT_NE(refused.message().find("is not valid BSON"), std::string::npos)
            << refused.message();
    }
    auto text = document(std::string("\x02note\0\x03\0\0\0M\xfc\0", 13));
    EXPECT_EQ(append(transaction, "CLog", text).message(),
              "document 0 is not valid BSON: property 'CLog.note' is not valid UTF-8");
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_OK);
    EXPECT_EQ(pending(realm), 0U);
}

TEST_F(c_api, a_refusal_reaches_the_error_callback) {
    struct heard {
        std::mutex mutex;
        std::condition_variable changed;
        realm_ingest_code code = 0;
        std::string name, class_name, key, reason;
        bool fatal = true;
        bool freed = false;
    } heard;
    auto config = make_config();
    realm_ingest_realm_config_set_error_callback(
        config.get(),
        [](void* userdata, const realm_ingest_sync_error* error) {
            auto& heard = *static_cast<struct heard*>(userdata);
            std::lock_guard lock(heard.mutex);
            heard.code = realm_ingest_sync_error_code(error);
            heard.name = realm_ingest_sync_error_name(error, nullptr);
            heard.fatal = realm_ingest_sync_error_is_fatal(error);
            EXPECT_EQ(realm_ingest_sync_error_refusal_count(error), 1U);
            EXPECT_EQ(realm_ingest_sync_error_refusal_class(error, 1, nullptr), nullptr);
            heard.class_name = realm_ingest_sync_error_refusal_class(error, 0, nullptr);
            heard.key = realm_ingest_sync_error_refusal_primary_key(error, 0, nullptr);
            std::size_t length = 0;
            auto reason = realm_ingest_sync_error_refusal_reason(error, 0, &length);
            heard.reason.assign(reason, length);
            heard.changed.notify_all();
        },
        &heard, nullptr, nullptr);
    auto realm = open_realm(log_in(app), config);
    // A class that is known, with a field that is not.
    append(realm, "CLog", reading(4, 1.5));
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    std::unique_lock lock(heard.mutex);
    ASSERT_TRUE(
        heard.changed.wait_for(lock, std::chrono::seconds(60), [&] { return heard.code != 0; }));
    EXPECT_EQ(heard.code, static_cast<unsigned>(REALM_INGEST_SYNC_WRITE_NOT_ALLOWED));
    EXPECT_EQ(heard.name, "SyncWriteNotAllowed");
    EXPECT_FALSE(heard.fatal);
    EXPECT_EQ(heard.class_name, "CLog");
    EXPECT_EQ(heard.key, R"({"$numberLong":"4"})");
    EXPECT_NE(heard.reason.find("value"), std::string::npos) << heard.reason;
    lock.unlock();
    realm.reset();
}

TEST_F(c_api, a_wait_ends_at_its_limit_and_the_upload_goes_on) {
    auto user = log_in(app);
    gateway.kill();
    auto realm = open_realm(user, make_config());
    append(realm, "CLog", log_entry(1));
    EXPECT_EQ(wait(realm, 50).code, REALM_INGEST_WAIT_TIMED_OUT);
    EXPECT_EQ(pending(realm), 1U);
    gateway.start();
    EXPECT_EQ(wait(realm, -1).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_api, users_register_and_log_in_with_a_password) {
    std::string email = "c@example.com", password = "correct horse";
    auto enter = [&](const std::string& with, realm_ingest_user** user) {
        return call([&](auto e) {
            return realm_ingest_app_login_password(app.get(), email.data(), email.size(),
                                                   with.data(), with.size(), e, user);
        });
    };
    realm_ingest_user* user = nullptr;
    EXPECT_EQ(enter(password, &user).code, REALM_INGEST_INVALID_PASSWORD);
    EXPECT_EQ(user, nullptr);
    auto add = [&] {
        return call([&](auto e) {
            return realm_ingest_app_register(app.get(), email.data(), email.size(), password.data(),
                                             password.size(), e);
        });
    };
    EXPECT_EQ(add().code, REALM_INGEST_OK);
    EXPECT_EQ(add().code, REALM_INGEST_ACCOUNT_NAME_IN_USE);
    ASSERT_EQ(enter(password, &user).code, REALM_INGEST_OK);
    user_ptr owner(user);
    std::size_t length = 0;
    auto id = realm_ingest_user_id(user, &length);
    EXPECT_EQ(std::strlen(id), length);
    EXPECT_EQ(length, 24U);
    EXPECT_EQ(realm_ingest_user_log_out(user, nullptr), REALM_INGEST_OK);
}

TEST_F(c_api, a_schema_that_is_not_valid_says_why_at_open) {
    auto user = log_in(app);
    for (const auto& [classes, words] :
         {std::pair{"{", "EOF"},
          std::pair{R"({"classes":[{"name":"X","kind":"asymmetric","primary_key":"_id",)"
                    R"("properties":[{"name":"_id","type":"nonsense"}]}]})",
                    "nonsense"}}) {
        auto config = make_config(classes);
        realm_ingest_realm* realm = nullptr;
        auto refused = call(
            [&](auto e) { return realm_ingest_realm_new(user.get(), config.get(), e, &realm); });
        EXPECT_EQ(refused.code, REALM_INGEST_INVALID_SCHEMA);
        EXPECT_NE(refused.message().find(words), std::string::npos) << refused.message();
        EXPECT_EQ(realm, nullptr);
    }
}

TEST_F(c_api, a_realm_outlives_its_app_and_user_and_ends_its_transactions) {
    auto user = log_in(app);
    auto realm = open_realm(user, make_config());
    user.reset();
    app.reset();
    auto transaction = begin(realm);
    append(transaction, "CLog", log_entry(1));
    EXPECT_EQ(append(realm, "CLog", log_entry(2)).code, REALM_INGEST_OK);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_close(realm.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_close(realm.get(), nullptr), REALM_INGEST_OK) << "twice is fine";
    EXPECT_EQ(append(realm, "CLog", log_entry(3)).code, REALM_INGEST_CLOSED_REALM);
    realm.reset();
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_CLOSED_REALM);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_api, several_threads_write_one_realm) {
    auto realm = open_realm(log_in(app), make_config());
    std::vector<std::thread> threads;
    for (std::int64_t thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            for (std::int64_t i = 0; i < 25; ++i)
                EXPECT_EQ(append(realm, "CLog", log_entry(thread * 100 + i)).code, REALM_INGEST_OK);
        });
    for (auto& thread : threads)
        thread.join();
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 100U);
}

TEST_F(c_api, what_nobody_sends_is_listed_exported_re_homed_and_discarded) {
    auto list = [&] {
        return made<stranded_ptr>(
            [&](auto e, auto list) { return realm_ingest_app_stranded(app.get(), e, list); });
    };
    auto log_in_as = [&](std::string email, const std::string& password = "a good password") {
        realm_ingest_app_register(app.get(), email.data(), email.size(), password.data(),
                                  password.size(), nullptr);
        return made<user_ptr>([&](auto e, auto user) {
            return realm_ingest_app_login_password(app.get(), email.data(), email.size(),
                                                   password.data(), password.size(), e, user);
        });
    };
    auto leave = [&](const std::string& email) {
        auto user = log_in_as(email);
        gateway.kill();
        auto realm = open_realm(user, make_config());
        append(realm, "CLog", log_entry(1));
        append(realm, "CLog", log_entry(2));
        realm_ingest_user_log_out(user.get(), nullptr);
        realm.reset();
        gateway.start();
        auto found = list();
        EXPECT_EQ(realm_ingest_stranded_count(found.get()), 1U);
        std::string path = realm_ingest_stranded_path(found.get(), 0, nullptr);
        std::size_t length = 0;
        realm_ingest_stranded_user_id(found.get(), 0, &length);
        EXPECT_EQ(length, 24U);
        std::string principal = realm_ingest_stranded_principal(found.get(), 0, nullptr);
        EXPECT_EQ(principal.rfind("local-userpass:", 0), 0U) << principal;
        EXPECT_EQ(realm_ingest_stranded_transactions(found.get(), 0), 2U);
        EXPECT_EQ(realm_ingest_stranded_documents(found.get(), 0), 2U);
        EXPECT_EQ(realm_ingest_stranded_path(found.get(), 1, nullptr), nullptr);
        return path;
    };
    EXPECT_EQ(realm_ingest_stranded_count(list().get()), 0U);
    auto path = leave("one@example.com");
    auto exported = (files.path / "export.json").string();
    std::uint64_t documents = 0;
    auto write_out = [&] {
        return call([&](auto e) {
            return realm_ingest_app_export(app.get(), path.data(), path.size(), exported.data(),
                                           exported.size(), e, &documents);
        });
    };
    EXPECT_EQ(write_out().code, REALM_INGEST_OK);
    EXPECT_EQ(documents, 2U);
    EXPECT_EQ(write_out().code, REALM_INGEST_INVALID_ARGUMENT) << "the file is there already";
    auto other = log_in_as("two@example.com");
    auto moved = call([&](auto e) {
        return realm_ingest_app_rehome(app.get(), path.data(), path.size(), other.get(), e);
    });
    EXPECT_EQ(moved.code, REALM_INGEST_OK);
    auto config = make_config();
    realm_ingest_realm_config_set_path(config.get(), path.data(), path.size(), nullptr);
    auto realm = open_realm(other, config);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 2U);
    realm.reset();

    path = leave("three@example.com");
    auto discard = [&] {
        return call([&](auto e) {
            return realm_ingest_app_discard(app.get(), path.data(), path.size(), e, &documents);
        });
    };
    documents = 0;
    EXPECT_EQ(discard().code, REALM_INGEST_OK);
    EXPECT_EQ(documents, 2U);
    EXPECT_NE(discard().code, REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_stranded_count(list().get()), 0U);
}

TEST_F(c_api, the_log_reaches_its_callback) {
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
