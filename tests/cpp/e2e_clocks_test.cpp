// Clocks that are wrong, or set while a program streams: the device's and the gateway's.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"
#include "moved_clock.hpp"

namespace {

struct Reading {
    realm::primary_key<std::int64_t> _id = 0;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)

constexpr std::int64_t hour = 3600;
constexpr std::int64_t year = 365 * 24 * hour;

/// By so many seconds a clock is moved.
struct Clocks : testing::TestWithParam<std::int64_t> {
    test::with_clock clock;
    test::with_gateway with;
    std::int64_t written = 0;

    void stream(realm::db& db) {
        for (int i = 0; i < 3; ++i, ++written)
            db.write([&] { db.add(Reading{written, 0.5}); });
        db.get_sync_session()->reconnect();
        db.get_sync_session()->wait_for_upload_completion().get();
    }
    void move_the_gateways_clock(std::int64_t seconds) {
        with.gateway.kill();
        with.gateway.set_environment(test::with_clock_ahead(seconds));
        with.gateway.start();
    }
    void expect_all_from(const realm::user& user) {
        EXPECT_TRUE(user.is_logged_in());
        EXPECT_EQ(with.gateway.count("Reading"), static_cast<std::size_t>(written));
        EXPECT_TRUE(with.gateway.dead_letters().empty());
        for (const auto& error : with.errors())
            EXPECT_FALSE(error.is_fatal()) << error.message();
    }
};

struct GatewaysClock : Clocks {};

TEST_P(GatewaysClock, may_be_set_while_a_program_streams) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    stream(db);
    move_the_gateways_clock(GetParam());
    stream(db);
    move_the_gateways_clock(0);
    stream(db);
    expect_all_from(user);
}

// An access token lasts for half an hour, a session for sixty days.
INSTANTIATE_TEST_SUITE_P(moved, GatewaysClock, testing::Values(-10 * year, -hour, hour, 24 * hour));

struct DevicesClock : Clocks {};

TEST_P(DevicesClock, may_be_wrong_from_the_log_in_on) {
    test::move_clock(GetParam());
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    stream(db);
    expect_all_from(user);
}

TEST_P(DevicesClock, may_be_set_while_a_program_streams) {
    auto user = with.log_in("a@example.com");
    auto db = realm::open<Reading>(with.config(user));
    stream(db);
    test::move_clock(GetParam());
    stream(db);
    test::move_clock(0);
    stream(db);
    expect_all_from(user);
}

TEST_P(DevicesClock, may_be_wrong_when_the_program_starts_again) {
    {
        auto db = realm::open<Reading>(with.config(with.log_in("a@example.com")));
        stream(db);
    }
    test::move_clock(GetParam());
    auto app = with.gateway.app(with.files.path);
    auto user = app.get_current_user();
    ASSERT_TRUE(user);
    auto db = realm::open<Reading>(with.config(*user));
    stream(db);
    expect_all_from(*user);
}

// Small devices begin in 1970 where nothing tells them the time.
INSTANTIATE_TEST_SUITE_P(moved, DevicesClock, testing::Values(-56 * year, -hour, hour, 30 * year));

} // namespace
