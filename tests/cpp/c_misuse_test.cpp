// The C interface: calls that a program should not make end in an error, or do nothing.
#include "c_api.hpp"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace c_test;

/// What the library logs while this lives.
class logged {
public:
    logged() { realm_ingest_set_log(6, hear, this, nullptr); }
    ~logged() { realm_ingest_set_log(8, nullptr, nullptr, nullptr); }
    std::size_t lines() {
        std::lock_guard lock(mutex_);
        return lines_.size();
    }
    std::string last() {
        std::lock_guard lock(mutex_);
        return lines_.empty() ? "" : lines_.back();
    }

private:
    static void hear(void* userdata, std::uint8_t, const char* message, std::size_t length) {
        auto& self = *static_cast<logged*>(userdata);
        std::lock_guard lock(self.mutex_);
        self.lines_.emplace_back(message, length);
    }
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// A call with the handle is refused by its name.
template <typename Fn>
void expect_dead(const std::string& name, const std::string& type, Fn&& fn) {
    auto result = call(fn);
    EXPECT_EQ(result.code, REALM_INGEST_INVALID_ARGUMENT) << name;
    EXPECT_EQ(result.message(),
              name + " is not a live " + type + ": it was freed before, or never was one");
}

/// Frees twice: the second time is told in the log and does nothing.
template <typename T>
T* freed_twice(T* handle, void (*free)(T*), const std::string& type) {
    logged log;
    free(handle);
    EXPECT_EQ(log.lines(), 0U) << log.last();
    free(handle);
    EXPECT_EQ(log.lines(), 1U) << type;
    EXPECT_NE(log.last().find("what is freed is not a live " + type), std::string::npos)
        << log.last();
    return handle;
}

app_config_ptr config_of_an_app() {
    return made<app_config_ptr>(
        [](auto e, auto out) { return realm_ingest_app_config_new("a", 1, e, out); });
}

struct c_misuse : with_gateway {
    user_ptr user = log_in(app);
    realm_ptr realm = open_realm(user, make_config());
};

TEST(c_misuse_of_handles, a_configuration_that_was_freed_is_refused) {
    auto* config = freed_twice(config_of_an_app().release(), realm_ingest_app_config_free,
                               "realm_ingest_app_config");
    realm_ingest_app* app = nullptr;
    expect_dead("config", "realm_ingest_app_config",
                [&](auto e) { return realm_ingest_app_new(config, e, &app); });
    expect_dead("config", "realm_ingest_app_config",
                [&](auto e) { return realm_ingest_app_config_set_path(config, "/", 1, e); });
    auto* other = freed_twice(make_config().release(), realm_ingest_realm_config_free,
                              "realm_ingest_realm_config");
    expect_dead("config", "realm_ingest_realm_config",
                [&](auto e) { return realm_ingest_realm_config_set_stop_policy(other, 0, e); });
}

TEST(c_misuse_of_handles, credentials_errors_and_bytes_are_freed_once) {
    auto credentials = made<credentials_ptr>(
        [](auto e, auto out) { return realm_ingest_credentials_new_anonymous(e, out); });
    freed_twice(credentials.release(), realm_ingest_credentials_free, "realm_ingest_credentials");

    realm_ingest_error* error = nullptr;
    realm_ingest_app_new(nullptr, &error, nullptr);
    freed_twice(error, realm_ingest_error_free, "realm_ingest_error");
    EXPECT_EQ(realm_ingest_error_code(error), REALM_INGEST_OK) << "as of NULL";
    EXPECT_EQ(realm_ingest_error_message(error, nullptr), nullptr);

    realm_ingest_bytes* bytes = nullptr;
    ASSERT_EQ(realm_ingest_bson_from_json("{}", 2, nullptr, &bytes), REALM_INGEST_OK);
    freed_twice(bytes, realm_ingest_bytes_free, "realm_ingest_bytes");
    EXPECT_EQ(realm_ingest_bytes_data(bytes, nullptr), nullptr);
}

TEST_F(c_misuse, an_app_and_a_user_that_were_freed_are_refused) {
    auto* gone = freed_twice(app.release(), realm_ingest_app_free, "realm_ingest_app");
    realm_ingest_user* nobody = nullptr;
    expect_dead("app", "realm_ingest_app",
                [&](auto e) { return realm_ingest_app_login_anonymous(gone, e, &nobody); });
    realm_ingest_users* users = nullptr;
    expect_dead("app", "realm_ingest_app",
                [&](auto e) { return realm_ingest_app_users(gone, e, &users); });

    auto* left = freed_twice(user.release(), realm_ingest_user_free, "realm_ingest_user");
    expect_dead("user", "realm_ingest_user",
                [&](auto e) { return realm_ingest_user_log_out(left, e); });
    EXPECT_EQ(realm_ingest_user_id(left, nullptr), nullptr);
    EXPECT_EQ(realm_ingest_user_state(left), REALM_INGEST_USER_REMOVED);
    EXPECT_EQ(append(realm, "CLog", log_entry(1)).code, REALM_INGEST_OK) << "the realm works on";
}

TEST_F(c_misuse, a_realm_and_a_transaction_that_were_freed_are_refused) {
    auto transaction = begin(realm);
    auto* ended = freed_twice(begin(realm).release(), realm_ingest_transaction_free,
                              "realm_ingest_transaction");
    expect_dead("transaction", "realm_ingest_transaction",
                [&](auto e) { return realm_ingest_transaction_commit(ended, e, nullptr); });

    append(transaction, "CLog", log_entry(1));
    auto* closed = freed_twice(realm.release(), realm_ingest_realm_free, "realm_ingest_realm");
    std::uint64_t documents = 0;
    expect_dead("realm", "realm_ingest_realm",
                [&](auto e) { return realm_ingest_realm_pending(closed, e, &documents); });
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_CLOSED_REALM) << "its realm is gone";
}

TEST_F(c_misuse, lists_and_snapshots_that_were_freed_are_empty) {
    auto users = made<users_ptr>(
        [&](auto e, auto out) { return realm_ingest_app_users(app.get(), e, out); });
    auto* list = freed_twice(users.release(), realm_ingest_users_free, "realm_ingest_users");
    EXPECT_EQ(realm_ingest_users_count(list), 0U);
    auto status = made<status_ptr>(
        [&](auto e, auto out) { return realm_ingest_realm_status(realm.get(), e, out); });
    auto* then = freed_twice(status.release(), realm_ingest_status_free, "realm_ingest_status");
    EXPECT_EQ(realm_ingest_status_oldest_age_ms(then), -1);
    auto stranded = made<stranded_ptr>(
        [&](auto e, auto out) { return realm_ingest_app_stranded(app.get(), e, out); });
    auto* found =
        freed_twice(stranded.release(), realm_ingest_stranded_free, "realm_ingest_stranded");
    EXPECT_EQ(realm_ingest_stranded_path(found, 0, nullptr), nullptr);
    auto text = made<text_ptr>(
        [&](auto e, auto out) { return realm_ingest_app_base_url(app.get(), e, out); });
    auto* url = freed_twice(text.release(), realm_ingest_text_free, "realm_ingest_text");
    EXPECT_EQ(realm_ingest_text_data(url, nullptr), nullptr);
}

TEST_F(c_misuse, an_object_of_another_type_and_what_is_none_are_refused) {
    auto expect = [&](const realm_ingest_realm* realm) {
        std::uint64_t documents = 0;
        expect_dead("realm", "realm_ingest_realm",
                    [&](auto e) { return realm_ingest_realm_pending(realm, e, &documents); });
    };
    char memory[64] = {};
    expect(reinterpret_cast<realm_ingest_realm*>(app.get()));
    expect(reinterpret_cast<realm_ingest_realm*>(memory));
    expect(reinterpret_cast<realm_ingest_realm*>(1));
    expect(reinterpret_cast<realm_ingest_realm*>(~std::uintptr_t(0)));
    realm_ingest_app_free(reinterpret_cast<realm_ingest_app*>(user.get()));
    EXPECT_TRUE(realm_ingest_user_id(user.get(), nullptr) != nullptr) << "it is still there";
}

TEST_F(c_misuse, a_realm_that_was_closed_takes_nothing) {
    auto transaction = begin(realm);
    append(transaction, "CLog", log_entry(1));
    EXPECT_EQ(realm_ingest_realm_close(realm.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_realm_close(realm.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(append(realm, "CLog", log_entry(2)).code, REALM_INGEST_CLOSED_REALM);
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_CLOSED_REALM);
    std::uint64_t documents = 0;
    EXPECT_EQ(realm_ingest_realm_pending(realm.get(), nullptr, &documents),
              REALM_INGEST_CLOSED_REALM);
    EXPECT_EQ(realm_ingest_realm_wait_for_upload(realm.get(), -1, nullptr),
              REALM_INGEST_CLOSED_REALM);
}

TEST_F(c_misuse, text_that_is_none_is_refused) {
    auto refused = append(realm, "CL\xffog", log_entry(1));
    EXPECT_EQ(refused.message(), "class_name is not valid UTF-8");
    auto negative = call([&](auto e) {
        return realm_ingest_app_register(app.get(), "a", static_cast<std::size_t>(-1), "b", 1, e);
    });
    EXPECT_EQ(negative.code, REALM_INGEST_INVALID_ARGUMENT);
    EXPECT_EQ(negative.message().rfind("email cannot have 18446744073709551615 bytes", 0), 0U)
        << negative.message();
}

TEST(c_misuse_of_handles, a_call_within_a_call_with_the_same_configuration_is_refused) {
    struct again {
        realm_ingest_realm_config* config;
        outcome inner{0, nullptr};
    };
    auto config = make_config();
    again again{config.get()};
    auto ignore = [](void*, const realm_ingest_sync_error*) {};
    auto use = [](void* userdata) {
        auto& self = *static_cast<struct again*>(userdata);
        self.inner = call(
            [&](auto e) { return realm_ingest_realm_config_set_path(self.config, "/", 1, e); });
    };
    realm_ingest_realm_config_set_error_callback(config.get(), ignore, &again, use, nullptr);
    realm_ingest_realm_config_set_error_callback(config.get(), ignore, nullptr, nullptr, nullptr);
    EXPECT_EQ(again.inner.code, REALM_INGEST_LOGIC_ERROR);
    EXPECT_EQ(again.inner.message(), "config is in use by another call: a "
                                     "realm_ingest_realm_config is for one thread at a time");
}

TEST_F(c_misuse, a_transaction_that_two_threads_use_is_whole) {
    auto transaction = begin(realm);
    std::atomic<std::int64_t> taken{0};
    auto work = [&](std::int64_t from) {
        for (std::int64_t id = from; id < from + 2000; ++id) {
            auto result = append(transaction, "CLog", log_entry(id));
            if (result.code == REALM_INGEST_OK)
                ++taken;
            else
                EXPECT_EQ(result.code, REALM_INGEST_LOGIC_ERROR) << result.message();
        }
    };
    std::thread other(work, 10000);
    work(20000);
    other.join();
    EXPECT_EQ(commit(transaction).code, REALM_INGEST_OK);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), static_cast<std::size_t>(taken));
}

TEST_F(c_misuse, a_realm_may_be_freed_while_other_threads_write) {
    std::atomic<int> writing{0};
    auto* shared = realm.get();
    auto write = [&] {
        for (std::int64_t id = 0;; ++id) {
            auto entry = log_entry(id);
            auto code = realm_ingest_realm_append(shared, "CLog", 4, bytes(entry), entry.size(),
                                                  nullptr, nullptr);
            ++writing;
            if (code == REALM_INGEST_OK)
                continue;
            EXPECT_TRUE(code == REALM_INGEST_CLOSED_REALM || code == REALM_INGEST_INVALID_ARGUMENT)
                << code;
            return;
        }
    };
    std::thread one(write);
    std::thread two(write);
    while (writing < 20)
        std::this_thread::yield();
    realm.reset();
    one.join();
    two.join();
}

TEST_F(c_misuse, what_a_callback_was_shown_is_gone_afterwards) {
    struct shown {
        const realm_ingest_outcome* outcome = nullptr;
        std::promise<void> ended;
    } shown;
    std::uint64_t number = 0;
    append(realm, "CLog", log_entry(1), &number);
    realm_ingest_realm_on_settled(
        realm.get(), number,
        [](void* userdata, std::uint64_t, const realm_ingest_outcome* outcome) {
            EXPECT_EQ(realm_ingest_outcome_state(outcome), REALM_INGEST_STATE_PERSISTED);
            static_cast<struct shown*>(userdata)->outcome = outcome;
        },
        &shown, [](void* userdata) { static_cast<struct shown*>(userdata)->ended.set_value(); },
        nullptr, nullptr);
    shown.ended.get_future().get();
    ASSERT_NE(shown.outcome, nullptr);
    EXPECT_EQ(realm_ingest_outcome_state(shown.outcome), REALM_INGEST_STATE_UNKNOWN);
}

TEST_F(c_misuse, a_wait_in_a_callback_is_refused) {
    struct heard {
        const realm_ingest_realm* realm;
        std::promise<outcome> result;
    } heard{realm.get(), {}};
    realm_ingest_realm_on_upload(
        realm.get(),
        [](void* userdata, const realm_ingest_error*) {
            auto& self = *static_cast<struct heard*>(userdata);
            self.result.set_value(call(
                [&](auto e) { return realm_ingest_realm_wait_for_upload(self.realm, -1, e); }));
        },
        &heard, nullptr, nullptr, nullptr);
    auto result = heard.result.get_future().get();
    EXPECT_EQ(result.code, REALM_INGEST_LOGIC_ERROR);
    EXPECT_NE(result.message().find("in a callback"), std::string::npos) << result.message();
}

TEST_F(c_misuse, whoever_frees_everything_holds_nothing) {
    realm.reset();
    user.reset();
    app.reset();
    EXPECT_EQ(realm_ingest_live_objects(), 0U);
}

} // namespace
