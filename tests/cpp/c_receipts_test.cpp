// The C interface: receipts, status and progress, through a gateway.
#include "c_api.hpp"

#include <condition_variable>
#include <future>
#include <mutex>

namespace {

using namespace c_test;

using c_receipts = with_gateway;

constexpr std::int64_t limit_ms = 60000;

std::uint8_t state_of(const realm_ptr& realm, std::uint64_t number) {
    std::uint8_t state = 99;
    EXPECT_EQ(realm_ingest_realm_state_of(realm.get(), number, nullptr, &state), REALM_INGEST_OK);
    return state;
}

std::uint8_t wait_for(const realm_ptr& realm, std::uint64_t number,
                      std::int64_t timeout_ms = limit_ms) {
    std::uint8_t state = 99;
    auto result = call([&](auto error) {
        return realm_ingest_realm_wait_for(realm.get(), number, timeout_ms, error, &state);
    });
    EXPECT_EQ(result.code, REALM_INGEST_OK) << result.message();
    return state;
}

/// Two documents, of which the second has an `_id` that another one has.
std::uint64_t append_refused(const realm_ptr& realm) {
    std::uint64_t number = 0;
    append(realm, "CReading", reading(7, 1), &number);
    EXPECT_EQ(wait_for(realm, number), REALM_INGEST_STATE_PERSISTED);
    append(realm, "CReading", reading(8, 1) + reading(7, 2), &number);
    return number;
}

TEST_F(c_receipts, a_transaction_is_persisted_in_the_end) {
    auto realm = open_realm(log_in(app), make_config());
    auto transaction = begin(realm);
    std::uint64_t number = 7;
    ASSERT_EQ(commit(transaction, &number).code, REALM_INGEST_OK);
    EXPECT_EQ(number, 0U) << "it has no documents";
    EXPECT_EQ(state_of(realm, number), REALM_INGEST_STATE_UNKNOWN);
    append(transaction, "CLog", log_entry(1));
    ASSERT_EQ(commit(transaction, &number).code, REALM_INGEST_OK);
    EXPECT_NE(number, 0U);
    EXPECT_EQ(wait_for(realm, number), REALM_INGEST_STATE_PERSISTED);
    EXPECT_EQ(state_of(realm, number), REALM_INGEST_STATE_PERSISTED);
    EXPECT_EQ(state_of(realm, number + 1), REALM_INGEST_STATE_UNKNOWN);
    EXPECT_EQ(gateway.count("CLog"), 1U);
}

TEST_F(c_receipts, a_refused_document_is_named_also_after_a_restart) {
    auto user = log_in(app);
    auto config = make_config();
    auto realm = open_realm(user, config);
    auto number = append_refused(realm);
    ASSERT_EQ(wait_for(realm, number), REALM_INGEST_STATE_REFUSED);
    realm.reset();
    realm = open_realm(user, config);
    auto outcome = made<outcome_ptr>([&](auto error, auto outcome) {
        return realm_ingest_realm_outcome_of(realm.get(), number, error, outcome);
    });
    EXPECT_EQ(realm_ingest_outcome_state(outcome.get()), REALM_INGEST_STATE_REFUSED);
    EXPECT_TRUE(realm_ingest_outcome_is_complete(outcome.get()));
    ASSERT_EQ(realm_ingest_outcome_refusal_count(outcome.get()), 1U);
    EXPECT_EQ(realm_ingest_outcome_refusal_index(outcome.get(), 0), 1U);
    EXPECT_STREQ(realm_ingest_outcome_refusal_class(outcome.get(), 0, nullptr), "CReading");
    EXPECT_STREQ(realm_ingest_outcome_refusal_primary_key(outcome.get(), 0, nullptr),
                 R"({"$numberLong":"7"})");
    std::size_t length = 0;
    auto reason = realm_ingest_outcome_refusal_reason(outcome.get(), 0, &length);
    EXPECT_EQ(std::string(reason), std::string(reason, length));
    EXPECT_GT(length, 0U);
    EXPECT_EQ(realm_ingest_outcome_refusal_class(outcome.get(), 1, nullptr), nullptr);
}

TEST_F(c_receipts, a_callback_is_called_once_and_its_data_freed) {
    struct heard {
        std::promise<std::pair<std::uint64_t, std::uint8_t>> told;
        std::promise<void> freed;
        realm_ingest_realm* realm = nullptr;
        realm_ingest_code wait_in_callback = 0;
    } heard;
    auto realm = open_realm(log_in(app), make_config());
    heard.realm = realm.get();
    std::uint64_t number = 0;
    append(realm, "CLog", log_entry(1), &number);
    auto code = realm_ingest_realm_on_settled(
        realm.get(), number,
        [](void* userdata, std::uint64_t number, const realm_ingest_outcome* outcome) {
            auto& heard = *static_cast<struct heard*>(userdata);
            std::uint8_t state = 0;
            heard.wait_in_callback =
                realm_ingest_realm_wait_for(heard.realm, number, 0, nullptr, &state);
            heard.told.set_value({number, realm_ingest_outcome_state(outcome)});
        },
        &heard, [](void* userdata) { static_cast<struct heard*>(userdata)->freed.set_value(); },
        nullptr, nullptr);
    ASSERT_EQ(code, REALM_INGEST_OK);
    auto [told, state] = heard.told.get_future().get();
    EXPECT_EQ(told, number);
    EXPECT_EQ(state, REALM_INGEST_STATE_PERSISTED);
    heard.freed.get_future().get();
    EXPECT_EQ(heard.wait_in_callback, REALM_INGEST_LOGIC_ERROR);
}

TEST_F(c_receipts, the_status_has_what_waits_and_what_was_sent) {
    auto realm = open_realm(log_in(app), make_config());
    auto number = append_refused(realm);
    wait_for(realm, number);
    ASSERT_EQ(wait(realm, limit_ms).code, REALM_INGEST_OK);
    auto status = made<status_ptr>([&](auto error, auto status) {
        return realm_ingest_realm_status(realm.get(), error, status);
    });
    EXPECT_EQ(realm_ingest_status_waiting_transactions(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_waiting_documents(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_waiting_bytes(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_oldest_age_ms(status.get()), -1);
    EXPECT_GT(realm_ingest_status_last_acknowledged_ms(status.get()), 0);
    EXPECT_EQ(realm_ingest_status_sent_documents(status.get()), 3U);
    EXPECT_EQ(realm_ingest_status_refused_documents(status.get()), 1U);
    EXPECT_EQ(realm_ingest_status_dropped_transactions(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_dropped_documents(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_dropped_bytes(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_damaged_transactions(status.get()), 0U);
    EXPECT_GT(realm_ingest_status_sent_bytes(status.get()), 0U);
    EXPECT_EQ(realm_ingest_status_error_code(status.get()),
              static_cast<unsigned>(REALM_INGEST_SYNC_WRITE_NOT_ALLOWED));
    EXPECT_STREQ(realm_ingest_status_error_name(status.get(), nullptr), "SyncWriteNotAllowed");
    EXPECT_NE(realm_ingest_status_error_message(status.get(), nullptr), nullptr);
    EXPECT_GT(realm_ingest_status_error_at_ms(status.get()), 0);
    EXPECT_FALSE(realm_ingest_status_error_is_current(status.get()));
}

TEST_F(c_receipts, progress_is_told_until_it_is_removed) {
    struct heard {
        std::mutex mutex;
        std::condition_variable changed;
        double fraction = -1;
        std::uint64_t uploaded = 0;
        std::promise<void> freed;
    } heard;
    auto realm = open_realm(log_in(app), make_config());
    std::uint64_t token = 0;
    auto code = realm_ingest_realm_on_progress(
        realm.get(),
        [](void* userdata, double fraction, std::uint64_t uploaded, std::uint64_t) {
            auto& heard = *static_cast<struct heard*>(userdata);
            std::lock_guard lock(heard.mutex);
            heard.fraction = fraction;
            heard.uploaded = uploaded;
            heard.changed.notify_all();
        },
        &heard, [](void* userdata) { static_cast<struct heard*>(userdata)->freed.set_value(); },
        nullptr, &token);
    ASSERT_EQ(code, REALM_INGEST_OK);
    append(realm, "CLog", log_entry(1) + log_entry(2));
    {
        std::unique_lock lock(heard.mutex);
        EXPECT_TRUE(heard.changed.wait_for(lock, std::chrono::milliseconds(limit_ms), [&] {
            return heard.fraction == 1 && heard.uploaded == 2;
        }));
    }
    EXPECT_EQ(realm_ingest_realm_remove_progress(realm.get(), token, nullptr), REALM_INGEST_OK);
    heard.freed.get_future().get();
    EXPECT_EQ(realm_ingest_realm_remove_progress(realm.get(), token, nullptr), REALM_INGEST_OK);
}

TEST(c_receipts_of_nothing, what_is_null_is_named_or_says_nothing) {
    auto expect = [](const char* name, auto&& fn) {
        auto result = call(fn);
        EXPECT_EQ(result.code, REALM_INGEST_INVALID_ARGUMENT) << name;
        EXPECT_EQ(result.message(), std::string(name) + " is NULL");
    };
    std::uint8_t state = 99;
    std::uint64_t token = 0;
    expect("realm", [&](auto e) { return realm_ingest_realm_state_of(nullptr, 1, e, &state); });
    expect("state", [&](auto e) { return realm_ingest_realm_state_of(nullptr, 1, e, nullptr); });
    expect("realm", [&](auto e) { return realm_ingest_realm_wait_for(nullptr, 1, 0, e, &state); });
    expect("outcome",
           [&](auto e) { return realm_ingest_realm_outcome_of(nullptr, 1, e, nullptr); });
    expect("callback", [&](auto e) {
        return realm_ingest_realm_on_settled(nullptr, 1, nullptr, nullptr, nullptr, e, nullptr);
    });
    expect("callback", [&](auto e) {
        return realm_ingest_realm_on_progress(nullptr, nullptr, nullptr, nullptr, e, &token);
    });
    expect("realm", [&](auto e) { return realm_ingest_realm_remove_progress(nullptr, 1, e); });
    expect("status", [&](auto e) { return realm_ingest_realm_status(nullptr, e, nullptr); });
    EXPECT_EQ(state, 99);
    EXPECT_EQ(realm_ingest_outcome_state(nullptr), REALM_INGEST_STATE_UNKNOWN);
    EXPECT_FALSE(realm_ingest_outcome_is_complete(nullptr));
    EXPECT_EQ(realm_ingest_outcome_refusal_count(nullptr), 0U);
    EXPECT_EQ(realm_ingest_outcome_refusal_reason(nullptr, 0, nullptr), nullptr);
    EXPECT_EQ(realm_ingest_status_oldest_age_ms(nullptr), -1);
    EXPECT_EQ(realm_ingest_status_error_code(nullptr), REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_status_error_name(nullptr, nullptr), nullptr);
    realm_ingest_outcome_free(nullptr);
    realm_ingest_status_free(nullptr);
}

} // namespace
