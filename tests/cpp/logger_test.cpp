// Loggers and levels: which message goes where.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

namespace {

using level = realm::logger::level;

struct list_logger : realm::logger {
    void do_log(level l, const std::string& text) override {
        std::lock_guard lock(mutex);
        messages.emplace_back(l, text);
    }
    std::size_t count() {
        std::lock_guard lock(mutex);
        return messages.size();
    }
    std::mutex mutex;
    std::vector<std::pair<level, std::string>> messages;
};

/// What the library itself would do.
void say(level l, const std::string& text) { realm::internal::log_router::get().log(l, text); }

struct Logger : testing::Test {
    void TearDown() override {
        realm::set_default_logger(nullptr);
        realm::internal::bridge::sync_manager().set_log_level(level::off);
    }
};

TEST_F(Logger, starts_at_info) { EXPECT_EQ(list_logger().get_level_threshold(), level::info); }

TEST_F(Logger, gets_what_its_threshold_lets_through) {
    auto mine = std::make_shared<list_logger>();
    realm::set_default_logger(mine);
    say(level::debug, "quiet");
    say(level::warn, "loud");
    mine->set_level_threshold(level::debug);
    say(level::debug, "now heard");
    ASSERT_EQ(mine->count(), 2u);
    EXPECT_EQ(mine->messages[0], std::make_pair(level::warn, std::string("loud")));
    EXPECT_EQ(mine->messages[1], std::make_pair(level::debug, std::string("now heard")));
}

TEST_F(Logger, hears_of_a_login_though_it_was_installed_first) {
    auto mine = std::make_shared<list_logger>();
    mine->set_level_threshold(level::all);
    realm::set_default_logger(mine);
    test::fake_app fake;
    fake.log_in();
    EXPECT_GT(mine->count(), 0u);
}

TEST_F(Logger, is_replaced_by_the_next_one) {
    auto first = std::make_shared<list_logger>();
    auto second = std::make_shared<list_logger>();
    realm::set_default_logger(first);
    realm::set_default_logger(second);
    say(level::error, "x");
    EXPECT_EQ(first->count(), 0u);
    EXPECT_EQ(second->count(), 1u);
}

TEST_F(Logger, default_threshold_changes_the_logger_in_use) {
    auto mine = std::make_shared<list_logger>();
    realm::set_default_logger(mine);
    realm::set_default_level_threshold(level::trace);
    EXPECT_EQ(mine->get_level_threshold(), level::trace);
}

TEST_F(Logger, sync_manager_prints_to_cout) {
    testing::internal::CaptureStdout();
    test::fake_app fake;
    fake.app.get_sync_manager().set_log_level(level::info);
    say(level::debug, "no");
    say(level::info, "connected");
    say(level::error, "broken");
    auto out = testing::internal::GetCapturedStdout();
    EXPECT_NE(out.find("ADS C++ SDK: info : connected\n"), std::string::npos) << out;
    EXPECT_NE(out.find("ADS C++ SDK: error : broken\n"), std::string::npos) << out;
    EXPECT_EQ(out.find(": no\n"), std::string::npos) << out;
}

TEST_F(Logger, says_nothing_unless_asked) {
    testing::internal::CaptureStdout();
    say(level::fatal, "x");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

} // namespace
