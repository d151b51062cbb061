// sync_session without a server: states, waits that end, observers.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

#include <thread>

namespace {

struct Note {
    realm::primary_key<realm::uuid> _id;
    std::string text;
};
REALM_ASYMMETRIC_SCHEMA(Note, _id, text)

using state = enum realm::sync_session::state;
using connection_state = enum realm::sync_session::connection_state;
using stop_policy = realm::internal::bridge::realm::sync_session_stop_policy;
using test::message_of;

constexpr auto destroyed = "Realm: Error accessing sync_session which has been destroyed.";
constexpr auto inactive = "Sync session became inactive";

struct Session : testing::Test {
    test::fake_app fake;
    realm::user user = fake.log_in("somebody");
    realm::db_config config = test::fake_app::quiet(user);

    /// Waits for a condition that another thread brings about.
    template <typename Condition>
    static bool reached(Condition condition) {
        for (int i = 0; i < 3000 && !condition(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return condition();
    }
};

TEST_F(Session, is_active_when_new) {
    auto db = realm::open<Note>(config);
    auto session = db.get_sync_session();
    ASSERT_TRUE(session);
    EXPECT_EQ(session->state(), state::active);
    EXPECT_NE(session->connection_state(), connection_state::connected);
    enum realm::sync_session::connection_state spelled = session->connection_state();
    static_cast<void>(spelled);
}

TEST_F(Session, pauses_and_resumes) {
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    session.pause();
    session.pause();
    EXPECT_EQ(session.state(), state::paused);
    db.write([&] { db.add(Note{}); });
    session.reconnect();
    EXPECT_EQ(session.state(), state::paused);
    session.resume();
    session.resume();
    EXPECT_EQ(session.state(), state::active);
}

TEST_F(Session, wait_from_before_a_pause_fails) {
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    db.write([&] { db.add(Note{}); });
    auto wait = session.wait_for_upload_completion();
    session.pause();
    try {
        wait.get();
        FAIL() << "uploaded without a server";
    } catch (const realm::status_error& error) {
        EXPECT_STREQ(error.what(), inactive);
        EXPECT_EQ(error.code_string(), "OperationAborted");
        EXPECT_EQ(error.get_status().reason(), inactive);
    }
}

TEST_F(Session, wait_from_during_a_pause_stays) {
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    session.pause();
    db.write([&] { db.add(Note{}); });
    auto wait = session.wait_for_upload_completion();
    session.resume();
    EXPECT_EQ(wait.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
    session.pause();
    EXPECT_EQ(message_of([&] { wait.get(); }), inactive);
}

TEST_F(Session, logging_out_ends_waits_and_the_session) {
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    db.write([&] { db.add(Note{}); });
    std::promise<realm::networking::status> waited;
    session.wait_for_upload_completion(
        [&](realm::internal::bridge::status status) { waited.set_value(status); });
    user.log_out().get();
    auto status = waited.get_future().get();
    EXPECT_EQ(status.code_string(), "OperationAborted");
    EXPECT_EQ(status.reason(), inactive);
    EXPECT_TRUE(reached([&] { return session.state() == state::inactive; }));
    EXPECT_EQ(message_of([&] { session.wait_for_upload_completion().get(); }), inactive);
}

TEST_F(Session, immediate_stop_ends_it_with_the_last_db) {
    config.sync_config().set_stop_policy(stop_policy::immediately);
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    db.write([&] { db.add(Note{}); });
    auto wait = session.wait_for_upload_completion();
    db.close();
    EXPECT_EQ(message_of([&] { wait.get(); }), inactive);
    ASSERT_TRUE(reached([&] { return message_of([&] { session.state(); }) == destroyed; }));
    EXPECT_EQ(message_of([&] { session.connection_state(); }), destroyed);
    EXPECT_EQ(message_of([&] { session.pause(); }), destroyed);
    EXPECT_EQ(message_of([&] { session.resume(); }), destroyed);
    EXPECT_EQ(message_of([&] { session.reconnect(); }), destroyed);
    EXPECT_EQ(message_of([&] { session.wait_for_upload_completion([](auto) {}); }), destroyed);
    EXPECT_EQ(message_of([&] { session.observe_connection_change([](auto, auto) {}); }), destroyed);
    EXPECT_EQ(message_of([&] { session.unregister_connection_change_observer(0); }), destroyed);
    auto future = session.wait_for_download_completion();
    EXPECT_EQ(message_of([&] { future.get(); }), destroyed);
}

TEST_F(Session, dies_slowly_while_something_is_pending) {
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    db.write([&] { db.add(Note{}); });
    db.close();
    EXPECT_EQ(session.state(), state::dying);
    auto again = realm::open<Note>(config);
    EXPECT_EQ(again.get_sync_session()->state(), state::active);
    again.get_sync_session()->pause();
}

TEST_F(Session, last_handle_closes) {
    config.sync_config().set_stop_policy(stop_policy::immediately);
    std::optional<realm::sync_session> session;
    {
        auto db = realm::open<Note>(config);
        auto copy = db;
        session = db.get_sync_session();
        EXPECT_EQ(session->state(), state::active);
    }
    EXPECT_TRUE(reached([&] { return message_of([&] { session->state(); }) == destroyed; }));
}

TEST_F(Session, observers_hear_of_every_change) {
    auto db = realm::open<Note>(config);
    auto session = *db.get_sync_session();
    std::mutex mutex;
    std::vector<std::pair<connection_state, connection_state>> changes;
    auto first =
        session.observe_connection_change([&](enum realm::sync_session::connection_state before,
                                              enum realm::sync_session::connection_state after) {
            std::lock_guard lock(mutex);
            changes.emplace_back(before, after);
        });
    auto second = session.observe_connection_change([](auto, auto) {});
    EXPECT_EQ(first, 0u);
    EXPECT_EQ(second, 1u);
    EXPECT_TRUE(reached([&] {
        session.reconnect();
        std::lock_guard lock(mutex);
        return !changes.empty();
    }));
    session.unregister_connection_change_observer(first);
    session.unregister_connection_change_observer(second);
    session.unregister_connection_change_observer(77);
    std::lock_guard lock(mutex);
    for (auto [before, after] : changes)
        EXPECT_NE(before, after);
}

TEST_F(Session, tells_the_error_handler_of_each_failed_attempt) {
    std::promise<std::string> heard;
    std::atomic<int> calls{0};
    auto config = user.flexible_sync_configuration();
    config.sync_config().set_error_handler([&](const realm::sync_session& session,
                                               const realm::sync_error& error) {
        if (calls++ == 0) {
            session.state();
            heard.set_value(std::string(error.get_status().code_string()) +
                            (error.is_fatal() ? " fatal: " : ": ") + std::string(error.message()));
        }
    });
    auto db = realm::open<Note>(config);
    auto text = heard.get_future().get();
    EXPECT_EQ(text.substr(0, 43), "SyncConnectFailed: Failed to connect to syn") << text;
    db.get_sync_session()->pause();
}

TEST_F(Session, keeps_the_handler_of_the_first_open) {
    std::atomic<int> second_heard{0};
    std::promise<void> first_heard;
    std::atomic<bool> first{false};
    auto mine = user.flexible_sync_configuration();
    mine.sync_config().set_error_handler([&](auto&&...) {
        if (!first.exchange(true))
            first_heard.set_value();
    });
    auto db = realm::open<Note>(mine);
    std::thread([&] {
        auto theirs = user.flexible_sync_configuration();
        theirs.sync_config().set_error_handler([&](auto&&...) { ++second_heard; });
        auto other = realm::open<Note>(theirs);
        first_heard.get_future().wait();
        other.get_sync_session()->pause();
    }).join();
    EXPECT_EQ(second_heard, 0);
}

TEST_F(Session, errors_without_a_handler_go_to_stderr) {
    std::string printed;
    testing::internal::CaptureStderr();
    auto db = realm::open<Note>(user.flexible_sync_configuration());
    EXPECT_TRUE(reached([&] {
        db.get_sync_session()->reconnect();
        printed += testing::internal::GetCapturedStderr();
        testing::internal::CaptureStderr();
        return printed.find('\n') != std::string::npos;
    }));
    db.get_sync_session()->pause();
    printed += testing::internal::GetCapturedStderr();
    EXPECT_EQ(printed.rfind("ADS C++ SDK: Sync Error: Failed to connect to sync", 0), 0U)
        << printed;
}

} // namespace
