// What an application chooses when it opens: <cpprealm/ingest.hpp>, through a gateway.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

#include "gateway_fixture.hpp"

namespace {

namespace ingest = realm::ingest;

struct OReading {
    realm::primary_key<std::int64_t> _id;
    std::string note;
};
REALM_ASYMMETRIC_SCHEMA(OReading, _id, note)

struct OAlarm {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(OAlarm, _id)

OReading reading(std::int64_t id) {
    OReading object;
    object._id = id;
    object.note = "reading";
    return object;
}

void add(realm::db& db, std::int64_t id) {
    db.write([&] { db.add(reading(id)); });
}

struct Options : testing::Test, test::with_gateway {};

TEST_F(Options, a_write_beyond_the_cap_throws_and_what_is_stored_arrives) {
    auto config = this->config(log_in());
    ingest::options chosen;
    chosen.durability = ingest::durability::relaxed;
    chosen.cap.max_objects = 2;
    chosen.cap.max_bytes = 10'000'000;
    chosen.cap.max_age = std::chrono::hours(24);
    ingest::set_options(config, chosen);
    auto db = realm::open<OReading>(config);
    db.get_sync_session()->pause();
    add(db, 1);
    add(db, 2);
    EXPECT_THROW(add(db, 3), std::exception);
    db.get_sync_session()->resume();
    db.get_sync_session()->wait_for_upload_completion().get();
    add(db, 4);
    db.get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(gateway.count("OReading"), 3u);
}

TEST_F(Options, what_the_cap_drops_is_told_to_the_error_handler) {
    auto config = this->config(log_in());
    ingest::options chosen;
    chosen.cap.max_objects = 1;
    chosen.cap.policy = ingest::cap_policy::drop_newest;
    ingest::set_options(config, chosen);
    auto db = realm::open<OReading>(config);
    db.get_sync_session()->pause();
    add(db, 1);
    add(db, 2);
    EXPECT_NE(first_error().message().find("1 objects were dropped"), std::string::npos);
}

TEST_F(Options, urgent_classes_overtake_the_others_from_a_file_of_their_own) {
    auto config = this->config(log_in());
    ingest::options chosen;
    chosen.urgent = {"OAlarm"};
    ingest::set_options(config, chosen);
    auto db = realm::open<OReading, OAlarm>(config);
    auto alarm = [](std::int64_t id) {
        OAlarm object;
        object._id = id;
        return object;
    };
    auto session = *db.get_sync_session();
    session.pause();
    add(db, 1);
    db.write([&] { db.add(alarm(1)); });
    EXPECT_THROW(db.write([&] {
        db.add(reading(2));
        db.add(alarm(2));
    }),
                 std::exception);
    auto path = std::filesystem::path(config.path());
    EXPECT_TRUE(std::filesystem::exists(path.replace_extension("urgent.realm")));
    EXPECT_EQ(session.state(), realm::sync_session::state::paused);
    session.resume();
    session.wait_for_upload_completion().get();
    EXPECT_EQ(session.connection_state(), realm::sync_session::connection_state::connected);
    EXPECT_EQ(gateway.count("OReading"), 1u);
    EXPECT_EQ(gateway.count("OAlarm"), 1u);
}

TEST_F(Options, nothing_is_sent_while_the_application_says_no) {
    auto config = this->config(log_in());
    std::atomic<bool> is_free{false};
    std::promise<void> asked;
    std::once_flag once;
    ingest::options chosen;
    chosen.upload.batch_delay = std::chrono::milliseconds(1);
    chosen.upload.bytes_per_second = 1'000'000;
    chosen.upload.windows = {{0, 1440}};
    chosen.upload.ask_again = std::chrono::hours(1);
    chosen.upload.may_upload = [&] {
        std::call_once(once, [&] { asked.set_value(); });
        if (!is_free)
            throw std::runtime_error("nobody knows, which is a no");
        return true;
    };
    ingest::set_options(config, chosen);
    auto db = realm::open<OReading>(config);
    auto session = *db.get_sync_session();
    add(db, 1);
    asked.get_future().get();
    EXPECT_EQ(session.connection_state(), realm::sync_session::connection_state::disconnected);
    auto uploaded = session.wait_for_upload_completion();
    EXPECT_EQ(gateway.count("OReading"), 0u);
    is_free = true;
    session.reconnect();
    uploaded.get();
    EXPECT_EQ(gateway.count("OReading"), 1u);
    db.close();
}

TEST_F(Options, a_policy_that_makes_no_sense_is_refused) {
    auto config = this->config(log_in());
    ingest::options chosen;
    chosen.upload.windows = {{1440, 10}};
    ingest::set_options(config, chosen);
    EXPECT_THROW(realm::open<OReading>(config), std::exception);
    chosen.upload.windows.clear();
    chosen.upload.batch_delay = std::chrono::milliseconds(-1);
    ingest::set_options(config, chosen);
    EXPECT_THROW(realm::open<OReading>(config), std::invalid_argument);
}

TEST_F(Options, another_address_stands_in_for_one_that_cannot_be_reached) {
    realm::App::configuration config;
    config.app_id = "test-app";
    // Nobody listens there.
    config.base_url = "http://127.0.0.1:1";
    config.path = files.path.string();
    config.enable_caching = false;
    ingest::set_fallback_urls(config, {"http://127.0.0.1:2", gateway.url()});
    realm::App app(config);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto db = realm::open<OReading>(this->config(user));
    add(db, 1);
    db.get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(gateway.count("OReading"), 1u);
    EXPECT_EQ(app.get_base_url(), "http://127.0.0.1:1");
    ingest::set_fallback_urls(config, {"no address"});
    EXPECT_THROW(realm::App{config}, std::exception);
    ingest::set_fallback_urls(config, {});
    EXPECT_EQ(config.base_url, "http://127.0.0.1:1");
    config.base_url.reset();
    EXPECT_THROW(ingest::set_fallback_urls(config, {gateway.url()}), std::invalid_argument);
}

TEST_F(Options, the_time_of_the_server_is_known_once_it_has_answered) {
    EXPECT_FALSE(ingest::server_time(app));
    auto before = std::chrono::system_clock::now();
    log_in();
    auto time = ingest::server_time(app);
    ASSERT_TRUE(time);
    // The gateway's clock is this device's.
    EXPECT_GE(time->now + time->uncertainty, before);
    EXPECT_LE(time->now - time->uncertainty, std::chrono::system_clock::now());
    EXPECT_GT(time->uncertainty.count(), 0);
}

TEST_F(Options, a_path_that_is_open_is_not_opened_with_others) {
    auto config = this->config(log_in());
    auto db = realm::open<OReading>(config);
    auto other = config;
    ingest::options chosen;
    chosen.durability = ingest::durability::relaxed;
    ingest::set_options(other, chosen);
    try {
        realm::open<OReading>(other);
        FAIL() << "it is opened";
    } catch (const std::logic_error& error) {
        EXPECT_NE(std::string(error.what()).find("already opened with different ingest options."),
                  std::string::npos);
    }
    chosen.durability = ingest::durability::full;
    ingest::set_options(other, chosen);
    EXPECT_EQ(realm::open<OReading>(other), db);
    chosen.cap.max_age = std::chrono::milliseconds(-1);
    db.close();
    ingest::set_options(other, chosen);
    EXPECT_THROW(realm::open<OReading>(other), std::invalid_argument);
}

} // namespace
