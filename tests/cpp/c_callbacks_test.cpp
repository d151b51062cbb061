// The C interface: what a callback, and the function that frees its userdata, may do; and on which
// threads they run.
#include "c_api.hpp"

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>

namespace {

using namespace c_test;

/// Userdata that runs `act` when it is told and `end` when it is freed, and says when that is.
class watched {
public:
    explicit watched(std::function<void()> act = {}, std::function<void()> end = {})
        : act_(std::move(act)), end_(std::move(end)) {}

    void* userdata() { return this; }
    int freed() const { return freed_; }
    bool is_told() const { return told_; }
    std::thread::id teller() const { return teller_; }
    void wait_until_freed() const {
        while (freed_ == 0)
            std::this_thread::yield();
    }
    void wait_until_told() const {
        while (!told_)
            std::this_thread::yield();
    }

    static void free(void* userdata) {
        auto& self = *static_cast<watched*>(userdata);
        if (self.end_)
            self.end_();
        ++self.freed_;
    }
    static void tell(void* userdata) {
        auto& self = *static_cast<watched*>(userdata);
        if (!self.told_ && self.act_)
            self.act_();
        self.teller_ = std::this_thread::get_id();
        self.told_ = true;
    }
    static void hear_error(void* userdata, const realm_ingest_sync_error*) { tell(userdata); }
    static void hear_end(void* userdata, const realm_ingest_error*) { tell(userdata); }
    static void hear_settled(void* userdata, std::uint64_t, const realm_ingest_outcome*) {
        tell(userdata);
    }
    static void hear_progress(void* userdata, double, std::uint64_t, std::uint64_t) {
        tell(userdata);
    }
    static void hear_connection(void* userdata, std::uint8_t, std::uint8_t) { tell(userdata); }
    static bool may_upload(void* userdata) {
        tell(userdata);
        return true;
    }
    static void hear_log(void* userdata, std::uint8_t, const char*, std::size_t) { tell(userdata); }

private:
    std::function<void()> act_;
    std::function<void()> end_;
    std::atomic<int> freed_{0};
    std::atomic<bool> told_{false};
    std::atomic<std::thread::id> teller_{};
};

/// How a callback of each kind is given to a realm that is open.
using give = std::function<realm_ingest_code(const realm_ptr&, watched&, std::uint64_t*)>;

const std::map<std::string, give>& kinds() {
    static const std::map<std::string, give> all{
        {"upload",
         [](const realm_ptr& realm, watched& data, std::uint64_t* token) {
             return realm_ingest_realm_on_upload(realm.get(), watched::hear_end, data.userdata(),
                                                 watched::free, nullptr, token);
         }},
        {"answer",
         [](const realm_ptr& realm, watched& data, std::uint64_t* token) {
             return realm_ingest_realm_on_answer(realm.get(), watched::hear_end, data.userdata(),
                                                 watched::free, nullptr, token);
         }},
        {"settled",
         [](const realm_ptr& realm, watched& data, std::uint64_t* token) {
             return realm_ingest_realm_on_settled(realm.get(), 1, watched::hear_settled,
                                                  data.userdata(), watched::free, nullptr, token);
         }},
        {"progress",
         [](const realm_ptr& realm, watched& data, std::uint64_t* token) {
             return realm_ingest_realm_on_progress(realm.get(), watched::hear_progress,
                                                   data.userdata(), watched::free, nullptr, token);
         }},
        {"connection",
         [](const realm_ptr& realm, watched& data, std::uint64_t* token) {
             return realm_ingest_realm_on_connection_change(realm.get(), watched::hear_connection,
                                                            data.userdata(), watched::free, nullptr,
                                                            token);
         }},
    };
    return all;
}

struct c_callbacks : with_gateway {
    user_ptr user = log_in(app);
    realm_ptr realm = open_realm(user, make_config());
};
TEST_F(c_callbacks, may_use_what_they_are_about_and_so_may_what_frees_their_userdata) {
    for (auto& [name, give] : kinds()) {
        SCOPED_TRACE(name);
        std::uint64_t token = 0;
        auto act = [&] { use(app, user, realm); };
        watched data(act, act);
        EXPECT_EQ(give(realm, data, &token), REALM_INGEST_OK);
        append(realm, "CLog", log_entry(1));
        if (name == "connection") {
            realm_ingest_realm_pause(realm.get(), nullptr);
            realm_ingest_realm_resume(realm.get(), nullptr);
        }
        data.wait_until_told();
        realm_ingest_realm_close(realm.get(), nullptr);
        data.wait_until_freed();
        EXPECT_EQ(data.freed(), 1);
        realm = open_realm(user, make_config());
    }
}

TEST_F(c_callbacks, may_free_everything_that_they_are_about) {
    for (auto& [name, give] : kinds()) {
        SCOPED_TRACE(name);
        std::uint64_t token = 0;
        std::promise<void> ready;
        watched data([&] {
            ready.get_future().wait();
            realm.reset();
            user.reset();
            app.reset();
        });
        EXPECT_EQ(give(realm, data, &token), REALM_INGEST_OK);
        append(realm, "CLog", log_entry(1));
        if (name == "connection")
            realm_ingest_realm_pause(realm.get(), nullptr);
        ready.set_value();
        data.wait_until_told();
        data.wait_until_freed();
        EXPECT_EQ(data.freed(), 1);
        // The session of the former one may still be at work.
        app = open_app(gateway.url(), files.path / name);
        user = log_in(app);
        realm = open_realm(user, make_config());
    }
}

TEST_F(c_callbacks, are_called_on_no_thread_that_is_in_a_call) {
    std::uint64_t number = 0;
    append(realm, "CLog", log_entry(1), &number);
    EXPECT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    // All of them can be told at once.
    for (auto& [name, give] : kinds()) {
        if (name == "connection")
            continue;
        SCOPED_TRACE(name);
        std::uint64_t token = 0;
        watched data;
        EXPECT_EQ(give(realm, data, &token), REALM_INGEST_OK);
        data.wait_until_told();
        EXPECT_NE(data.teller(), std::this_thread::get_id());
        realm_ingest_realm_close(realm.get(), nullptr);
        data.wait_until_freed();
        realm = open_realm(user, make_config());
    }
}

TEST_F(c_callbacks, are_called_on_no_thread_that_is_in_a_call_also_where_the_session_has_ended) {
    realm_ingest_app_remove_user(app.get(), user.get(), nullptr);
    for (auto& [name, give] : kinds()) {
        SCOPED_TRACE(name);
        std::uint64_t token = 0;
        watched data;
        auto code = give(realm, data, &token);
        if (code == REALM_INGEST_OK && name != "connection" && name != "progress") {
            data.wait_until_told();
            EXPECT_NE(data.teller(), std::this_thread::get_id());
        }
        realm_ingest_realm_close(realm.get(), nullptr);
        data.wait_until_freed();
        EXPECT_EQ(data.freed(), 1);
        realm.reset();
        user = log_in(app);
        realm = open_realm(user, make_config());
        realm_ingest_app_remove_user(app.get(), user.get(), nullptr);
    }
}

TEST_F(c_callbacks, of_a_wait_that_is_given_up_are_not_called_and_keep_nothing) {
    gateway.kill();
    std::uint64_t number = 0;
    append(realm, "CLog", log_entry(1), &number);
    ASSERT_EQ(number, 1U);
    for (auto name : {"upload", "answer", "settled"}) {
        SCOPED_TRACE(name);
        watched given_up;
        watched waiting;
        std::uint64_t token = 0;
        EXPECT_EQ(kinds().at(name)(realm, given_up, &token), REALM_INGEST_OK);
        EXPECT_EQ(kinds().at(name)(realm, waiting, nullptr), REALM_INGEST_OK);
        EXPECT_EQ(realm_ingest_realm_give_up(realm.get(), token, nullptr), REALM_INGEST_OK);
        EXPECT_EQ(given_up.freed(), 1);
        EXPECT_EQ(realm_ingest_realm_give_up(realm.get(), token, nullptr), REALM_INGEST_OK);
        EXPECT_EQ(waiting.freed(), 0);
        // These end all waits.
        realm_ingest_realm_pause(realm.get(), nullptr);
        realm_ingest_realm_close(realm.get(), nullptr);
        waiting.wait_until_freed();
        EXPECT_TRUE(waiting.is_told());
        EXPECT_FALSE(given_up.is_told());
        realm = open_realm(user, make_config());
    }
}

/// Userdata of its own for each callback, which a call that comes too late would find freed.
int* counted() { return new int(0); }
void end_counted(void* userdata) { delete static_cast<int*>(userdata); }
void count_progress(void* userdata, double, std::uint64_t, std::uint64_t) {
    ++*static_cast<int*>(userdata);
}
void count_connection(void* userdata, std::uint8_t, std::uint8_t) {
    ++*static_cast<int*>(userdata);
}
void count_end(void* userdata, const realm_ingest_error*) { ++*static_cast<int*>(userdata); }
void count_log(void* userdata, std::uint8_t, const char*, std::size_t) {
    // Several threads at once.
    __atomic_fetch_add(static_cast<int*>(userdata), 1, __ATOMIC_RELAXED);
}

TEST_F(c_callbacks, find_their_userdata_however_they_are_taken_away_meanwhile) {
    constexpr int rounds = 200;
    std::atomic<bool> stops{false};
    // There is always something to tell.
    std::thread writer([&] {
        for (std::int64_t id = 1; !stops; ++id)
            append(realm, "CLog", log_entry(id));
    });
    std::thread breaker([&] {
        while (!stops) {
            realm_ingest_realm_pause(realm.get(), nullptr);
            realm_ingest_realm_resume(realm.get(), nullptr);
        }
    });
    std::thread logger([&] {
        while (!stops)
            realm_ingest_set_log(0, count_log, counted(), end_counted);
    });
    for (int round = 0; round < rounds; ++round) {
        std::uint64_t token = 0;
        realm_ingest_realm_on_progress(realm.get(), count_progress, counted(), end_counted, nullptr,
                                       &token);
        realm_ingest_realm_remove_progress(realm.get(), token, nullptr);
        realm_ingest_realm_on_connection_change(realm.get(), count_connection, counted(),
                                                end_counted, nullptr, &token);
        realm_ingest_realm_remove_connection_change(realm.get(), token, nullptr);
        realm_ingest_realm_on_upload(realm.get(), count_end, counted(), end_counted, nullptr,
                                     &token);
        realm_ingest_realm_give_up(realm.get(), token, nullptr);
    }
    stops = true;
    writer.join();
    breaker.join();
    logger.join();
    realm_ingest_set_log(8, nullptr, nullptr, nullptr);
}

} // namespace
