// The C interface: the path from documents to the gateway.
#include "c_api.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace c_test;

using c_api = with_gateway;

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

} // namespace
