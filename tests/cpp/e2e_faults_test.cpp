// Outages on both sides: what write() returned for arrives exactly once all the same.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

#include <thread>

namespace {

struct Reading {
    realm::primary_key<int64_t> _id = 0;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)

using stop_policy = realm::internal::bridge::realm::sync_session_stop_policy;

struct Faults : testing::Test {
    test::with_gateway with;

    static void upload(const realm::db& db) {
        db.get_sync_session()->reconnect();
        db.get_sync_session()->wait_for_upload_completion().get();
    }
    static void write(const realm::db& db, int64_t from, int64_t to) {
        auto handle = db;
        for (int64_t i = from; i < to; ++i)
            handle.write([&] { handle.add(Reading{i, 0.5}); });
    }
    /// A session that is gone has nothing left to do.
    static void wait_until_destroyed(const realm::sync_session& session) {
        try {
            for (int i = 0; i < 6000; ++i) {
                static_cast<void>(session.state());
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            }
        } catch (const std::runtime_error&) {
            return;
        }
        FAIL() << "the session lives on";
    }
};

TEST_F(Faults, offline_writes_arrive_later) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    upload(db);
    with.gateway.kill();
    write(db, 0, 10);
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 10u);
    auto wait = db.get_sync_session()->wait_for_upload_completion();
    with.gateway.start();
    db.get_sync_session()->reconnect();
    wait.get();
    EXPECT_EQ(with.gateway.count("Reading"), 10u);
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 0u);
    for (const auto& error : with.errors())
        EXPECT_FALSE(error.is_fatal()) << error.message();
}

TEST_F(Faults, gateway_killed_again_and_again_under_load) {
    auto user = with.log_in();
    constexpr int64_t count = 400;
    std::thread writer([&] {
        auto db = realm::open<Reading>(with.config(user));
        write(db, 0, count);
    });
    auto db = realm::open<Reading>(with.config(user));
    for (int round = 0; round < 4; ++round) {
        with.gateway.kill();
        with.gateway.start();
        db.get_sync_session()->reconnect();
    }
    writer.join();
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), static_cast<std::size_t>(count));
    EXPECT_TRUE(with.gateway.dead_letters().empty());
}

TEST_F(Faults, paused_sessions_keep_what_is_written) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    upload(db);
    auto session = *db.get_sync_session();
    session.pause();
    write(db, 0, 5);
    EXPECT_EQ(with.gateway.count("Reading"), 0u);
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 5u);
    auto wait = session.wait_for_upload_completion();
    session.resume();
    wait.get();
    EXPECT_EQ(with.gateway.count("Reading"), 5u);
}

TEST_F(Faults, closing_goes_on_uploading_by_default) {
    auto user = with.log_in();
    auto db = realm::open<Reading>(with.config(user));
    auto session = *db.get_sync_session();
    session.pause();
    write(db, 0, 50);
    session.resume();
    db.close();
    wait_until_destroyed(session);
    EXPECT_EQ(with.gateway.count("Reading"), 50u);
}

TEST_F(Faults, immediate_stop_keeps_the_rest_for_the_next_open) {
    auto user = with.log_in();
    auto config = with.config(user);
    config.sync_config().set_stop_policy(stop_policy::immediately);
    auto db = realm::open<Reading>(config);
    auto session = *db.get_sync_session();
    session.pause();
    write(db, 0, 20);
    db.close();
    wait_until_destroyed(session);
    EXPECT_EQ(with.gateway.count("Reading"), 0u);

    auto again = realm::open<Reading>(with.config(user));
    EXPECT_EQ(again.m_realm.instance()->pending_objects(), 20u);
    upload(again);
    EXPECT_EQ(with.gateway.count("Reading"), 20u);
}

TEST_F(Faults, another_process_life_uploads_what_is_left) {
    with.gateway.kill();
    with.gateway.start();
    std::string path;
    {
        auto config = with.config(with.log_in());
        config.sync_config().set_stop_policy(stop_policy::immediately);
        auto db = realm::open<Reading>(config);
        auto session = *db.get_sync_session();
        session.pause();
        write(db, 0, 10);
        path = config.path();
    }
    // A new App over the same files is what a restart looks like from here.
    auto app = with.gateway.app(with.files.path);
    auto user = app.get_current_user();
    ASSERT_TRUE(user);
    auto config = with.config(*user);
    EXPECT_EQ(config.path(), path);
    auto db = realm::open<Reading>(config);
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), 10u);
}

TEST_F(Faults, a_wrong_address_is_told_and_waits_do_not_hang_on_close) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    upload(db);
    with.gateway.kill();
    write(db, 0, 1);
    auto wait = db.get_sync_session()->wait_for_upload_completion();
    db.get_sync_session()->pause();
    EXPECT_THROW(wait.get(), realm::status_error);
}

} // namespace
