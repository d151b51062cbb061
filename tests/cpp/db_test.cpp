// Databases: who may use one, transactions, and the texts of what is refused. No server takes
// anything here, so all of it stays in the outbox.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "fake_server.hpp"

#include <thread>

namespace shop {
struct Sale {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string item;
    int64_t count = 1;
    std::map<std::string, int64_t> tags;
};
REALM_ASYMMETRIC_SCHEMA(Sale, _id, item, count, tags)
struct Refund {
    realm::primary_key<int64_t> _id = 0;
    double amount = 0;
};
REALM_ASYMMETRIC_SCHEMA(Refund, _id, amount)
} // namespace shop

namespace {

using shop::Refund;
using shop::Sale;
using test::message_of;

constexpr auto no_transaction = "Trying to modify database while in read transaction";
constexpr auto in_transaction = "The Realm is already in a write transaction";
constexpr auto nothing_to_commit = "Can't commit a non-existing write transaction";
constexpr auto wrong_thread = "Realm accessed from incorrect thread.";
constexpr auto closed = "Cannot access realm that has been closed.";

struct Db : testing::Test {
    test::fake_app fake;
    realm::user user = fake.log_in("somebody");
    realm::db_config config = test::fake_app::quiet(user);
    realm::db db = realm::open<Sale, Refund>(config);

    uint64_t pending() const { return db.m_realm.instance()->pending_objects(); }
};

TEST_F(Db, is_one_instance_for_each_path_and_thread) {
    EXPECT_TRUE((realm::open<Sale, Refund>(config) == db));
    EXPECT_TRUE((realm::open<Refund, Sale>(test::fake_app::quiet(user)) == db));
    auto copy = db;
    EXPECT_FALSE(copy != db);
    std::thread([&] {
        auto other = realm::open<Sale, Refund>(test::fake_app::quiet(user));
        EXPECT_TRUE(other != db);
        other.write([&] { other.add(Sale{}); });
    }).join();
    EXPECT_EQ(pending(), 1u);
}

TEST_F(Db, opens_all_declared_classes_when_none_is_named) {
    auto elsewhere = config;
    elsewhere.set_path((fake.directory.path / "all.realm").string());
    auto all = realm::open<>(elsewhere);
    all.write([&] { all.add(Sale{}); });
    EXPECT_TRUE(realm::db(elsewhere) == all);
    EXPECT_EQ(realm::db::schemas.size(), 2u);
}

TEST(DbFiles, may_lie_in_a_directory_whose_name_is_not_utf8) {
    test::fake_app fake;
    auto directory = fake.directory.path / "caf\xe9";
    auto settings = test::configuration(fake.directory, "fake-app", "http://fake");
    settings.path = directory.string();
    settings.http_transport_client = fake.server;
    realm::App app(settings);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = test::fake_app::quiet(user);
    EXPECT_EQ(config.path().rfind(directory.string(), 0), 0u) << config.path();
    EXPECT_EQ(app.path_for_realm(config.sync_config()), config.path());
    auto named = config;
    named.set_path((directory / "\xff.realm").string());
    for (const auto& each : {config, named}) {
        auto db = realm::open<Sale, Refund>(each);
        db.write([&] { db.add(Sale{}); });
        EXPECT_TRUE(std::filesystem::exists(each.path()));
    }
}

TEST_F(Db, write_returns_what_the_function_returns) {
    EXPECT_EQ(db.write([] { return 42; }), 42);
    auto sale = db.write([&] { return db.add(Sale{}); });
    static_assert(std::is_same_v<decltype(sale), realm::managed<Sale>>);
    EXPECT_TRUE(sale.is_invalidated());
    int number = 7;
    auto copy = db.write([&]() -> int& { return number; });
    number = 8;
    EXPECT_EQ(copy, 7);
    const auto& constant = db;
    constant.write([] {});
    EXPECT_EQ(pending(), 1u);
}

TEST_F(Db, adds_rvalues_lvalues_packs_and_vectors) {
    db.write([&] {
        Sale sale;
        const Sale constant{};
        static_assert(std::is_same_v<decltype(db.add(sale)), realm::managed<Sale>>);
        db.add(std::move(sale));
        Sale second;
        db.add(second);
        db.add(constant);
        auto [a, b] = db.insert(Sale{}, Refund{});
        static_assert(std::is_same_v<decltype(b), realm::managed<Refund>>);
        a.item = "changed";
        db.insert(std::vector<Sale>(3));
        std::vector<Sale> more(2);
        for (auto& one : more)
            one._id = realm::object_id::generate();
        db.insert(more);
    });
    EXPECT_EQ(pending(), 10u);
}

TEST_F(Db, begin_and_commit_make_a_transaction) {
    db.begin_write();
    db.add(Sale{});
    db.commit_write();
    EXPECT_EQ(pending(), 1u);
}

TEST_F(Db, gives_managed_objects_their_realm) {
    db.write([&] {
        auto sale = db.add(Sale{});
        EXPECT_TRUE(sale.get_realm() == db);
    });
}

TEST_F(Db, managed_objects_end_with_the_commit) {
    auto sale = db.write([&] { return db.add(Sale{}); });
    EXPECT_TRUE(sale.is_invalidated());
    EXPECT_EQ(message_of([&] { sale.item = "x"; }), "No object with key '0' in 'class_Sale'");
    EXPECT_EQ(message_of([&] { static_cast<void>(sale.detach()); }),
              "No object with key '0' in 'class_Sale'");
}

TEST_F(Db, exception_in_write_leaves_nothing) {
    struct own_error {};
    EXPECT_THROW(db.write([&] {
        db.add(Sale{});
        throw own_error();
    }),
                 own_error);
    EXPECT_EQ(pending(), 0u);
    db.write([&] { db.add(Sale{}); });
    EXPECT_EQ(pending(), 1u);
}

TEST_F(Db, nested_write_is_refused) {
    EXPECT_EQ(message_of([&] { db.write([&] { db.write([] {}); }); }), in_transaction);
    EXPECT_EQ(pending(), 0u);
    db.write([&] {
        db.add(Sale{});
        EXPECT_EQ(message_of([&] { db.begin_write(); }), in_transaction);
        EXPECT_EQ(message_of([&] { db.write([] {}); }), in_transaction);
    });
    EXPECT_EQ(pending(), 1u);
}

TEST_F(Db, commit_without_begin_is_refused) {
    EXPECT_EQ(message_of([&] { db.commit_write(); }), nothing_to_commit);
}

TEST_F(Db, add_outside_of_a_transaction_is_refused) {
    EXPECT_EQ(message_of([&] { db.add(Sale{}); }), no_transaction);
}

TEST_F(Db, add_of_a_class_that_was_not_opened_names_it) {
    auto elsewhere = config;
    elsewhere.set_path((fake.directory.path / "sales.realm").string());
    auto sales = realm::open<Sale>(elsewhere);
    auto text = message_of([&] { sales.write([&] { sales.add(Refund{}); }); });
    EXPECT_NE(text.find("Refund"), std::string::npos) << text;
}

TEST_F(Db, map_keys_that_mongodb_cannot_hold_are_refused) {
    Sale dollar;
    dollar.tags["$x"] = 1;
    EXPECT_EQ(message_of([&] { db.write([&] { db.add(dollar); }); }),
              "Dictionary::insert: key must not start with '$'");
    Sale dot;
    dot.tags["a.b"] = 1;
    EXPECT_EQ(message_of([&] { db.write([&] { db.add(dot); }); }),
              "Dictionary::insert: key must not contain '.'");
    EXPECT_EQ(pending(), 0u);
}

TEST_F(Db, empty_transactions_store_nothing) {
    db.write([] {});
    EXPECT_EQ(pending(), 0u);
}

TEST_F(Db, invalidate_rolls_back) {
    db.begin_write();
    db.add(Sale{});
    db.invalidate();
    EXPECT_EQ(message_of([&] { db.commit_write(); }), nothing_to_commit);
    EXPECT_EQ(pending(), 0u);
}

TEST_F(Db, close_is_idempotent_and_final) {
    auto copy = db;
    EXPECT_FALSE(db.is_closed());
    db.close();
    db.close();
    EXPECT_TRUE(copy.is_closed());
    EXPECT_FALSE(copy.is_frozen());
    EXPECT_FALSE(db.get_sync_session());
    EXPECT_EQ(message_of([&] { db.write([] {}); }), closed);
    EXPECT_EQ(message_of([&] { db.begin_write(); }), closed);
    EXPECT_EQ(message_of([&] { db.add(Sale{}); }), closed);
    EXPECT_EQ(message_of([&] { db.refresh(); }), closed);

    auto again = realm::open<Sale, Refund>(config);
    EXPECT_TRUE(again != db);
    again.write([&] { again.add(Sale{}); });
}

TEST_F(Db, close_inside_write_is_told_at_the_commit) {
    EXPECT_EQ(message_of([&] {
                  db.write([&] {
                      db.add(Sale{});
                      db.close();
                  });
              }),
              closed);
    auto again = realm::open<Sale, Refund>(config);
    EXPECT_EQ(again.m_realm.instance()->pending_objects(), 0u);
}

TEST_F(Db, other_threads_are_refused) {
    std::thread([&] {
        EXPECT_EQ(message_of([&] { db.write([] {}); }), wrong_thread);
        EXPECT_EQ(message_of([&] { db.begin_write(); }), wrong_thread);
        EXPECT_EQ(message_of([&] { db.add(Sale{}); }), wrong_thread);
        EXPECT_EQ(message_of([&] { db.close(); }), wrong_thread);
        EXPECT_EQ(message_of([&] { db.refresh(); }), wrong_thread);
        EXPECT_EQ(message_of([&] { realm::open<Sale, Refund>(config); }), wrong_thread);
        EXPECT_TRUE(db.get_sync_session());

        config.set_scheduler(realm::default_scheduler::make_default());
        EXPECT_EQ(message_of([&] { realm::open<Sale, Refund>(config); }), "(nothing was thrown)");
    }).join();
}

TEST_F(Db, any_thread_may_use_one_whose_scheduler_says_so) {
    struct anywhere final : realm::scheduler {
        void invoke(std::function<void()>&& fn) override { fn(); }
        bool is_on_thread() const noexcept override { return true; }
        bool is_same_as(const scheduler* other) const noexcept override {
            return dynamic_cast<const anywhere*>(other) != nullptr;
        }
        bool can_invoke() const noexcept override { return true; }
    };
    auto free_config = config;
    free_config.set_path((fake.directory.path / "free.realm").string());
    free_config.set_scheduler(std::make_shared<anywhere>());
    auto free = realm::open<Sale>(free_config);
    std::thread([&] { free.write([&] { free.add(Sale{}); }); }).join();
    EXPECT_EQ(free.m_realm.instance()->pending_objects(), 1u);
}

TEST_F(Db, contradicting_configurations_are_refused) {
    auto refused = [&](const realm::db_config& other) {
        auto text = message_of([&] { realm::open<Sale, Refund>(other); });
        auto start = "Realm at path '" + config.path() + "' already opened with ";
        EXPECT_EQ(text.substr(0, start.size()), start);
        return text.substr(std::min(start.size(), text.size()));
    };
    auto other = config;
    other.set_schema_version(3);
    EXPECT_EQ(refused(other), "different schema version.");
    other = config;
    other.set_schema_mode(realm::db_config::schema_mode::additive_explicit);
    EXPECT_EQ(refused(other), "a different schema mode.");
    other = config;
    other.set_schema_mode(realm::db_config::schema_mode::read_only);
    EXPECT_EQ(refused(other), "different read permissions.");
    other = config;
    other.set_encryption_key({1});
    EXPECT_EQ(refused(other), "a different encryption key.");
    other = test::fake_app::quiet(fake.log_in("somebody else"));
    other.set_path(config.path());
    EXPECT_EQ(refused(other), "different sync user.");

    EXPECT_EQ(message_of([&] { realm::open<Sale>(config); }),
              "Realm already opened on current thread with different schema.");
}

TEST_F(Db, immutable_mode_is_refused) {
    auto immutable = config;
    immutable.set_path((fake.directory.path / "immutable.realm").string());
    immutable.set_schema_mode(realm::db_config::schema_mode::immutable);
    EXPECT_EQ(message_of([&] { realm::open<Sale>(immutable); }),
              "Synchronized Realms cannot be opened in immutable mode");
}

TEST_F(Db, frozen_ones_refuse_transactions) {
    auto frozen = db.freeze();
    EXPECT_TRUE(frozen.is_frozen());
    EXPECT_TRUE(frozen != db);
    EXPECT_EQ(message_of([&] { frozen.begin_write(); }),
              "Can't perform transactions on a frozen Realm");
    EXPECT_TRUE(frozen.thaw() == db);
}

TEST_F(Db, has_nothing_to_read) {
    EXPECT_FALSE(db.refresh());
    auto subscriptions = db.subscriptions();
    EXPECT_EQ(subscriptions.size(), 0u);
    EXPECT_FALSE(subscriptions.find("x"));
    EXPECT_TRUE(
        subscriptions.update([](realm::mutable_sync_subscription_set& s) { s.clear(); }).get());
}

TEST_F(Db, keeps_what_was_written_over_closing) {
    db.write([&] { db.add(Sale{}); });
    db.close();
    auto again = realm::open<Sale, Refund>(config);
    EXPECT_EQ(again.m_realm.instance()->pending_objects(), 1u);
}

TEST_F(Db, writes_though_the_user_is_logged_out) {
    user.log_out().get();
    db.write([&] { db.add(Sale{}); });
    db.close();
    auto again = realm::open<Sale, Refund>(config);
    again.write([&] { again.add(Sale{}); });
    EXPECT_EQ(again.m_realm.instance()->pending_objects(), 2u);
}

TEST_F(Db, many_threads_write_one_path) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            auto mine = realm::open<Sale, Refund>(test::fake_app::quiet(user));
            for (int i = 0; i < 25; ++i)
                mine.write([&] { mine.add(Sale{}); });
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(pending(), 100u);
}

} // namespace
