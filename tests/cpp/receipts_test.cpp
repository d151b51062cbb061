// Receipts, status and progress: <cpprealm/ingest.hpp>, through a gateway.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "gateway_fixture.hpp"

namespace {

namespace ingest = realm::ingest;
using ingest::receipt_state;

struct RReading {
    realm::primary_key<std::int64_t> _id;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(RReading, _id, value)

constexpr std::chrono::seconds limit{60};

RReading reading(std::int64_t id, double value = 0.5) {
    RReading object;
    object._id = id;
    object.value = value;
    return object;
}

struct Receipts : testing::Test, test::with_gateway {
    realm::db open() { return realm::open<RReading>(config(log_in())); }

    ingest::receipt write(realm::db& db, std::int64_t id, double value = 0.5) {
        return ingest::write(db, [&] { db.add(reading(id, value)); });
    }
    /// An `_id` that is taken by another document is refused for good.
    ingest::receipt write_refused(realm::db& db) {
        write(db, 7, 1).wait(limit);
        return ingest::write(db, [&] {
            db.add(reading(8));
            db.add(reading(7, 2));
        });
    }
};

TEST_F(Receipts, what_is_written_is_persisted_in_the_end) {
    auto db = open();
    db.get_sync_session()->pause();
    auto ticket = write(db, 1);
    EXPECT_NE(ticket.number(), 0u);
    EXPECT_EQ(ticket.state(), receipt_state::pending);
    EXPECT_EQ(ticket.wait(std::chrono::milliseconds(1)), receipt_state::pending);
    auto future = ticket.future();
    db.get_sync_session()->resume();
    EXPECT_EQ(ticket.wait(limit), receipt_state::persisted);
    EXPECT_EQ(gateway.count("RReading"), 1u);
    EXPECT_EQ(future.get().state, receipt_state::persisted);
    EXPECT_EQ(ticket.wait(), receipt_state::persisted);
}

TEST_F(Receipts, a_refused_object_is_named_and_the_others_are_stored) {
    auto db = open();
    auto ticket = write_refused(db);
    ASSERT_EQ(ticket.wait(limit), receipt_state::refused);
    auto outcome = ticket.details();
    EXPECT_TRUE(outcome.complete);
    ASSERT_EQ(outcome.refused.size(), 1u);
    EXPECT_EQ(outcome.refused[0].object_name, "RReading");
    EXPECT_EQ(static_cast<std::int64_t>(outcome.refused[0].primary_key), 7);
    EXPECT_EQ(outcome.refused[0].index, 1u);
    EXPECT_FALSE(outcome.refused[0].reason.empty());
    EXPECT_EQ(gateway.count("RReading"), 2u);
    EXPECT_EQ(ingest::status(db).refused_objects, 1u);
}

TEST_F(Receipts, a_number_is_good_after_a_restart) {
    std::uint64_t refused = 0, pending = 0;
    {
        auto db = open();
        auto ticket = write_refused(db);
        ticket.wait(limit);
        refused = ticket.number();
        db.get_sync_session()->pause();
        pending = write(db, 9).number();
        db.close();
    }
    app = gateway.app(files.path);
    auto db = realm::open<RReading>(config(app.get_current_user().value()));
    EXPECT_EQ(ingest::state_of(db, refused), receipt_state::refused);
    EXPECT_EQ(ingest::receipt_of(db, refused).details().refused.size(), 1u);
    EXPECT_EQ(ingest::receipt_of(db, pending).wait(limit), receipt_state::persisted);
    EXPECT_EQ(ingest::state_of(db, pending + 1), receipt_state::unknown);
}

TEST_F(Receipts, what_the_cap_took_is_dropped) {
    auto config = this->config(log_in());
    ingest::options chosen;
    chosen.cap.max_objects = 1;
    chosen.cap.policy = ingest::cap_policy::drop_oldest;
    ingest::set_options(config, chosen);
    auto db = realm::open<RReading>(config);
    db.get_sync_session()->pause();
    auto first = write(db, 1);
    auto future = first.future();
    auto second = write(db, 2);
    EXPECT_EQ(first.state(), receipt_state::dropped);
    EXPECT_EQ(future.get().state, receipt_state::dropped);
    EXPECT_EQ(ingest::status(db).dropped.objects, 1u);
    db.get_sync_session()->resume();
    EXPECT_EQ(second.wait(limit), receipt_state::persisted);
}

TEST_F(Receipts, a_transaction_without_objects_has_no_number) {
    auto db = open();
    auto ticket = ingest::write(db, [] {});
    EXPECT_EQ(ticket.number(), 0u);
    EXPECT_EQ(ticket.wait(limit), receipt_state::unknown);
}

TEST_F(Receipts, an_exception_leaves_nothing_and_gives_no_receipt) {
    auto db = open();
    EXPECT_THROW(ingest::write(db,
                               [&] {
                                   db.add(reading(1));
                                   throw std::runtime_error("no");
                               }),
                 std::runtime_error);
    EXPECT_EQ(ingest::status(db).waiting.objects, 0u);
    db.begin_write();
    db.add(reading(2));
    auto ticket = ingest::commit_write(db);
    EXPECT_EQ(ticket.wait(limit), receipt_state::persisted);
    EXPECT_EQ(gateway.count("RReading"), 1u);
}

TEST_F(Receipts, a_callback_is_told_on_the_librarys_thread_where_a_wait_throws) {
    auto db = open();
    auto ticket = write(db, 1);
    std::promise<std::pair<receipt_state, bool>> told;
    ticket.on_settled([&](const ingest::outcome& outcome) {
        bool threw = false;
        try {
            ticket.wait(limit);
        } catch (const std::exception&) {
            threw = true;
        }
        told.set_value({outcome.state, threw});
    });
    auto heard = told.get_future().get();
    EXPECT_EQ(heard.first, receipt_state::persisted);
    EXPECT_TRUE(heard.second);
}

TEST_F(Receipts, closing_ends_what_waits_and_a_receipt_of_a_closed_database_throws) {
    auto db = open();
    db.get_sync_session()->pause();
    auto ticket = write(db, 1);
    auto future = ticket.future();
    db.close();
    EXPECT_EQ(future.get().state, receipt_state::pending);
    EXPECT_THROW(static_cast<void>(ticket.state()), std::exception);
    EXPECT_THROW(ticket.on_settled([](const auto&) {}), std::exception);
    EXPECT_NE(ticket.number(), 0u);
}

TEST_F(Receipts, threads_have_receipts_of_their_own) {
    auto user = log_in();
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::set<std::uint64_t> numbers;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            auto db = realm::open<RReading>(config(user));
            for (int n = 0; n < 10; ++n) {
                auto ticket = write(db, 100 * thread + n);
                EXPECT_EQ(ticket.wait(limit), receipt_state::persisted);
                std::lock_guard lock(mutex);
                numbers.insert(ticket.number());
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(numbers.size(), 40u);
    EXPECT_EQ(gateway.count("RReading"), 40u);
}

TEST_F(Receipts, the_status_says_how_the_upload_goes) {
    auto db = open();
    db.get_sync_session()->pause();
    EXPECT_FALSE(ingest::status(db).oldest_age);
    EXPECT_FALSE(ingest::status(db).error);
    auto ticket = write(db, 1);
    auto before = ingest::status(db);
    EXPECT_EQ(before.waiting.transactions, 1u);
    EXPECT_EQ(before.waiting.objects, 1u);
    EXPECT_GT(before.waiting.bytes, 0u);
    EXPECT_TRUE(before.oldest_age);
    EXPECT_FALSE(before.last_acknowledged);
    gateway.kill();
    db.get_sync_session()->resume();
    first_error();
    auto error = ingest::status(db).error;
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->is_current);
    EXPECT_FALSE(error->code.empty() || error->message.empty());
    gateway.start();
    db.get_sync_session()->reconnect();
    ASSERT_EQ(ticket.wait(limit), receipt_state::persisted);
    db.get_sync_session()->wait_for_upload_completion().get();
    auto after = ingest::status(db);
    EXPECT_EQ(after.waiting.objects, 0u);
    EXPECT_EQ(after.sent_objects, 1u);
    EXPECT_GT(after.sent_bytes, 0u);
    EXPECT_GT(after.last_acknowledged->time_since_epoch().count(), 0);
    ASSERT_TRUE(after.error) << "it is remembered";
    EXPECT_FALSE(after.error->is_current);
}

TEST_F(Receipts, progress_is_told_until_it_is_not_wanted) {
    auto db = open();
    db.get_sync_session()->pause();
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ingest::progress> told;
    auto token = ingest::on_progress(db, [&](const ingest::progress& now) {
        std::lock_guard lock(mutex);
        told.push_back(now);
        changed.notify_all();
    });
    auto until = [&](std::uint64_t uploaded, std::uint64_t waiting) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, [&] {
            return !told.empty() && told.back().uploaded_objects == uploaded &&
                   told.back().waiting_objects == waiting;
        });
    };
    EXPECT_TRUE(until(0, 0));
    write(db, 1);
    auto ticket = write(db, 2);
    EXPECT_TRUE(until(0, 2));
    EXPECT_EQ(told.back().fraction, 0.0);
    db.get_sync_session()->resume();
    EXPECT_TRUE(until(2, 0));
    EXPECT_EQ(told.back().fraction, 1.0);
    ingest::remove_progress(db, token);
    auto count = told.size();
    write(db, 3).wait(limit);
    db.get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(told.size(), count);
}

} // namespace
