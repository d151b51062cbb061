// From a struct to a document: what is written arrives, exactly once, with every kind of value.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

#include <thread>

namespace weather {

enum class Kind { indoor, outdoor };
struct Position {
    double lat = 0;
    double lon = 0;
};
REALM_EMBEDDED_SCHEMA(Position, lat, lon)

struct Everything {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    int64_t i = 0;
    double d = 0;
    bool b = false;
    std::string s;
    std::chrono::time_point<std::chrono::system_clock> at;
    realm::uuid u;
    realm::object_id o;
    realm::decimal128 dec;
    std::vector<uint8_t> bin;
    realm::mixed any;
    Kind kind = Kind::indoor;
    std::optional<int64_t> oi;
    std::optional<std::string> os;
    std::vector<int64_t> list;
    std::set<std::string> set;
    std::map<std::string, double> map;
    Position* here = nullptr;
    std::vector<Position*> path;
    std::map<std::string, Position*> places;
};
REALM_ASYMMETRIC_SCHEMA(Everything, _id, i, d, b, s, at, u, o, dec, bin, any, kind, oi, os, list,
                        set, map, here, path, places)

struct Reading {
    realm::primary_key<int64_t> _id = 0;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)

struct Keyed {
    realm::primary_key<std::string> _id;
    int64_t n = 0;
};
REALM_ASYMMETRIC_SCHEMA(Keyed, _id, n)

struct Tagged {
    realm::primary_key<realm::uuid> _id;
};
REALM_ASYMMETRIC_SCHEMA(Tagged, _id)

} // namespace weather

namespace {

using namespace weather;

struct Ingest : testing::Test {
    test::with_gateway with;

    static bool contains(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }
    static void upload(const realm::db& db) {
        db.get_sync_session()->wait_for_upload_completion().get();
    }
};

TEST_F(Ingest, every_kind_of_value_arrives) {
    auto db = realm::open<Everything, Position>(with.config(with.log_in()));
    Position here{47.1, 8.5};
    Position there{-1, 2};
    Everything sent;
    sent.i = -5;
    sent.d = 1.5;
    sent.b = true;
    sent.s = "Zürich";
    sent.at += std::chrono::milliseconds(1234567890123);
    sent.u = realm::uuid("00112233-4455-6677-8899-aabbccddeeff");
    sent.o = realm::object_id("650000000000000000000001");
    sent.dec = realm::decimal128("1.50");
    sent.bin = {1, 2, 3};
    sent.any = std::string("anything");
    sent.kind = Kind::outdoor;
    sent.os = "there";
    sent.list = {1, 2};
    sent.set = {"a", "b"};
    sent.map = {{"x", 0.5}};
    sent.here = &here;
    sent.path = {&here, &there};
    sent.places = {{"home", &there}};
    db.write([&] { db.add(sent); });
    upload(db);

    auto documents = with.gateway.documents("Everything");
    ASSERT_EQ(documents.size(), 1u) << with.gateway.log();
    const auto& document = documents[0];
    for (const char* part :
         {R"("i":{"$numberLong":"-5"})", R"("d":{"$numberDouble":"1.5"})", R"("b":true)",
          R"("s":"Zürich")", R"("at":{"$date":{"$numberLong":"1234567890123"}})",
          R"("u":{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}})",
          R"("o":{"$oid":"650000000000000000000001"})", R"("dec":{"$numberDecimal":"1.50"})",
          R"("bin":{"$binary":{"base64":"AQID","subType":"00"}})", R"("any":"anything")",
          R"("kind":{"$numberLong":"1"})", R"("oi":null)", R"("os":"there")",
          R"("list":[{"$numberLong":"1"},{"$numberLong":"2"}])", R"("set":["a","b"])",
          R"("map":{"x":{"$numberDouble":"0.5"}})",
          R"("here":{"lat":{"$numberDouble":"47.1"},"lon":{"$numberDouble":"8.5"}})",
          R"("path":[{"lat")", R"("places":{"home":{"lat":{"$numberDouble":"-1)"})
        EXPECT_TRUE(contains(document, part)) << part << " is not in " << document;
    EXPECT_TRUE(with.errors().empty());
}

TEST_F(Ingest, keys_of_all_kinds_arrive) {
    auto db = realm::open<Reading, Keyed, Tagged>(with.config(with.log_in()));
    db.write([&] {
        db.insert(Reading{7, 1.5}, Keyed{"key", 1},
                  Tagged{realm::uuid("00112233-4455-6677-8899-aabbccddeeff")});
    });
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), 1u);
    EXPECT_EQ(with.gateway.count("Keyed"), 1u);
    EXPECT_EQ(with.gateway.count("Tagged"), 1u);
    EXPECT_TRUE(contains(with.gateway.documents("Keyed")[0], R"("_id":"key")"));
}

TEST_F(Ingest, changes_before_the_commit_arrive) {
    auto db = realm::open<Everything, Position>(with.config(with.log_in()));
    db.write([&] {
        auto managed = db.add(Everything{});
        managed.i = 3;
        managed.i += 1;
        managed.list.push_back(9);
        Position here{1, 2};
        managed.here = &here; // copied: the application keeps its own
    });
    upload(db);
    auto documents = with.gateway.documents("Everything");
    ASSERT_EQ(documents.size(), 1u);
    EXPECT_TRUE(contains(documents[0], R"("i":{"$numberLong":"4"})")) << documents[0];
    EXPECT_TRUE(contains(documents[0], R"("list":[{"$numberLong":"9"}])")) << documents[0];
    EXPECT_TRUE(contains(documents[0], R"("here":{)")) << documents[0];
}

TEST_F(Ingest, one_id_twice_in_a_transaction_is_an_upsert) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    db.write([&] {
        db.add(Reading{1, 1.0});
        db.add(Reading{1, 2.0});
    });
    upload(db);
    auto documents = with.gateway.documents("Reading");
    ASSERT_EQ(documents.size(), 1u);
    EXPECT_TRUE(contains(documents[0], R"("value":{"$numberDouble":"2)")) << documents[0];
    EXPECT_TRUE(with.gateway.dead_letters().empty());
}

TEST_F(Ingest, refusals_reach_the_error_handler_and_the_dead_letters) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    db.write([&] { db.add(Reading{1, 1.0}); });
    db.write([&] {
        db.add(Reading{1, 2.0});
        db.add(Reading{2, 2.0});
    });
    upload(db);

    auto refused = with.refusals(1);
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].object_name, "Reading");
    EXPECT_EQ(static_cast<int64_t>(refused[0].primary_key), 1);
    EXPECT_FALSE(refused[0].reason.empty());
    auto errors = with.errors();
    ASSERT_FALSE(errors.empty());
    EXPECT_EQ(errors[0].get_status().code_string(), "SyncWriteNotAllowed");
    EXPECT_FALSE(errors[0].is_fatal());

    // The first stands, and the rest of the batch went in.
    auto documents = with.gateway.documents("Reading");
    ASSERT_EQ(documents.size(), 2u);
    EXPECT_TRUE(contains(documents[0], R"("value":{"$numberDouble":"1)")) << documents[0];
    EXPECT_EQ(with.gateway.dead_letters().size(), 1u);
}

TEST_F(Ingest, the_same_document_again_is_no_refusal) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    db.write([&] { db.add(Reading{1, 1.0}); });
    db.write([&] { db.add(Reading{1, 1.0}); });
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), 1u);
    EXPECT_TRUE(with.gateway.dead_letters().empty());
    EXPECT_TRUE(with.errors().empty());
}

TEST_F(Ingest, nothing_pending_is_confirmed_by_a_round_trip) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    upload(db);
    auto session = *db.get_sync_session();
    EXPECT_EQ(session.connection_state(), realm::sync_session::connection_state::connected);
    session.wait_for_download_completion().get();
    EXPECT_FALSE(db.refresh());
}

TEST_F(Ingest, observers_see_the_connection_come) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    auto session = *db.get_sync_session();
    session.pause();
    using state = enum realm::sync_session::connection_state;
    std::promise<void> connected;
    std::atomic<bool> done{false};
    auto token = session.observe_connection_change([&](state before, state after) {
        EXPECT_NE(before, after);
        if (after == state::connected && !done.exchange(true))
            connected.set_value();
    });
    session.resume();
    connected.get_future().get();
    session.unregister_connection_change_observer(token);
}

TEST_F(Ingest, threads_share_one_path) {
    auto user = with.log_in();
    constexpr int threads = 8, writes = 20;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&, t] {
            auto db = realm::open<Reading>(with.config(user));
            for (int i = 0; i < writes; ++i)
                db.write([&] { db.add(Reading{t * 1000 + i, 1.0}); });
            upload(db);
        });
    for (auto& thread : all)
        thread.join();
    EXPECT_EQ(with.gateway.count("Reading"), static_cast<std::size_t>(threads * writes));
    EXPECT_TRUE(with.errors().empty());
}

TEST_F(Ingest, large_transactions_arrive_whole) {
    auto db = realm::open<Reading>(with.config(with.log_in()));
    constexpr int64_t count = 20000;
    db.write([&] {
        for (int64_t i = 0; i < count; ++i)
            db.add(Reading{i, static_cast<double>(i)});
    });
    upload(db);
    EXPECT_EQ(with.gateway.count("Reading"), static_cast<std::size_t>(count));
    EXPECT_EQ(db.m_realm.instance()->pending_objects(), 0u);
}

TEST_F(Ingest, two_paths_of_one_user_are_two_outboxes) {
    auto user = with.log_in();
    auto other = with.config(user);
    other.set_path((with.files.path / "other.realm").string());
    auto a = realm::open<Reading>(with.config(user));
    auto b = realm::open<Keyed>(other);
    a.write([&] { a.add(Reading{1, 1.0}); });
    b.write([&] { b.add(Keyed{"b", 1}); });
    upload(a);
    upload(b);
    EXPECT_EQ(with.gateway.count("Reading"), 1u);
    EXPECT_EQ(with.gateway.count("Keyed"), 1u);
}

/// What another program makes of the class Reading.
namespace changed {
struct Reading {
    realm::primary_key<int64_t> _id = 0;
    std::string value;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)
} // namespace changed
namespace extended {
struct Reading {
    realm::primary_key<int64_t> _id = 0;
    double value = 0;
    std::optional<std::string> unit;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value, unit)
} // namespace extended

TEST_F(Ingest, added_properties_extend_the_schema_and_objects_with_changed_ones_are_refused) {
    auto user = with.log_in();
    auto config = [&](const std::string& file) {
        auto config = with.config(user);
        config.set_path((with.files.path / file).string());
        return config;
    };
    auto db = realm::open<Reading>(config("a.realm"));
    db.write([&] { db.add(Reading{1, 1.0}); });
    upload(db);
    auto more = realm::open<extended::Reading>(config("b.realm"));
    more.write([&] { more.add(extended::Reading{2, 1.0, "C"}); });
    upload(more);
    EXPECT_EQ(with.gateway.count("Reading"), 2u);
    EXPECT_TRUE(with.errors().empty());

    auto other = realm::open<changed::Reading>(config("c.realm"));
    other.write([&] { other.add(changed::Reading{3, "warm"}); });
    upload(other);
    auto error = with.first_error();
    EXPECT_EQ(error.get_status().code_string(), "SyncWriteNotAllowed");
    EXPECT_FALSE(error.is_fatal());
    EXPECT_EQ(error.compensating_writes_info().size(), 1u);
    EXPECT_EQ(other.m_realm.instance()->pending_objects(), 0u);
    EXPECT_EQ(with.gateway.dead_letters().size(), 1u);
}

} // namespace
