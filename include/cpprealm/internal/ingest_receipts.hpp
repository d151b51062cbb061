// Receipts: whether what was written has arrived. Part of <cpprealm/ingest.hpp>.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cpprealm/db.hpp>
#include <cpprealm/internal/bridge/mixed.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/observer.hpp>
#include <cpprealm/internal/primary_key_json.hpp>
#include <cpprealm/internal/realm_instance.hpp>

namespace realm::ingest {

/// What is known of a write transaction. From `persisted` on nothing changes any more.
enum class receipt_state : std::uint8_t {
    /// It is in the file, as durable as the database was opened.
    pending,
    /// This process has given it to the network, and there is no answer for it yet.
    sent,
    /// The backend has all of it.
    persisted,
    /// The backend has refused some or all of its objects for good, and has the others.
    refused,
    /// It was dropped to stay under the cap.
    dropped,
    /// It was lost with a damaged file.
    damaged,
    /// The file never gave its number out, or does not know any more what became of it.
    unknown
};

/// An object that the backend refused for good.
struct refused_object {
    /// Its class.
    std::string object_name;
    /// Its primary key; null where it has none that can be read.
    internal::bridge::mixed primary_key;
    /// Why, for people.
    std::string reason;
    /// Its place in its transaction, in which the objects of one class stand together, in the order
    /// in which they were added.
    std::uint32_t index = 0;
};

/// What became of a write transaction.
struct outcome {
    /// What is known of it.
    receipt_state state = receipt_state::unknown;
    /// For `refused`.
    std::vector<refused_object> refused;
    /// For `refused`: these are all, so the backend has every other object. Otherwise there were
    /// more than the backend listed, or than the file keeps.
    bool complete = false;
};

} // namespace realm::ingest

namespace realm::internal {

/// What became of transactions. Any thread may ask; it does not keep the realm.
using receipts_handle = rust::Box<ffi::Receipts>;

template <typename = on_use>
std::shared_ptr<const receipts_handle> receipts_of(const realm_instance& instance) {
    return std::make_shared<const receipts_handle>(instance.library().receipts());
}

template <typename = internal::on_use>
ingest::outcome to_outcome(const ffi::Outcome& from) {
    ingest::outcome to;
    to.state = static_cast<ingest::receipt_state>(from.state);
    to.complete = from.complete;
    to.refused.reserve(from.refused.size());
    for (const auto& one : from.refused)
        to.refused.push_back({to_string(one.class_name),
                              primary_key_from_json(one.primary_key_json), to_string(one.reason),
                              one.index});
    return to;
}

} // namespace realm::internal

namespace realm::ingest {

/// Stands for one write transaction. A value: any thread may use it and its copies. It does not
/// keep the database open; once that is closed, all members but `number` throw.
class receipt {
public:
    /// For the library: `write`, `commit_write` and `receipt_of` give them.
    receipt(std::shared_ptr<const internal::receipts_handle> receipts, std::uint64_t number)
        : receipts_(std::move(receipts)), number_(number) {}

    /// Stands for the transaction also after a restart: keep it and ask `state_of`. It is of one
    /// file: one that was deleted or discarded begins with the same numbers again, and one that was
    /// put back from a backup answers `unknown` for what was written after that. 0 for a
    /// transaction without objects, which is `unknown`.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    /// Reads the file, and asks no server.
    [[nodiscard]] receipt_state state() const { return details().state; }
    /// As `state()`, with what was refused.
    [[nodiscard]] outcome details() const {
        auto status = internal::no_status();
        auto found = library().outcome(number_, status);
        internal::throw_if_failed(status);
        return internal::to_outcome(found);
    }

    /// Waits until the state is final, and returns it; after `limit`, or when the database is
    /// closed, the one of then. A session that is paused, offline or has no user who is logged in
    /// does not end the wait. Throws in a callback of the library.
    receipt_state wait(std::chrono::milliseconds limit) const {
        return wait_for(limit.count() < 0 ? 0 : limit.count());
    }
    /// As above, without a limit.
    receipt_state wait() const { return wait_for(-1); }

    /// Calls back once, on the library's thread: when the state is final, or with the one of then
    /// when the database is closed. Return soon, and wait for nothing there.
    void on_settled(std::function<void(const outcome&)> callback) const {
        struct observer final : internal::ffi::OutcomeObserver {
            explicit observer(std::function<void(const outcome&)>&& f) : callback(std::move(f)) {}
            void settled(const internal::ffi::Outcome& found) const override {
                callback(internal::to_outcome(found));
            }
            std::function<void(const outcome&)> callback;
        };
        internal::throw_if_failed(
            library().on_settled(number_, std::make_unique<observer>(std::move(callback))));
    }
    /// The same as a future.
    [[nodiscard]] std::future<outcome> future() const {
        auto promise = std::make_shared<std::promise<outcome>>();
        auto future = promise->get_future();
        on_settled([promise](const outcome& found) { promise->set_value(found); });
        return future;
    }

private:
    [[nodiscard]] const internal::ffi::Receipts& library() const { return **receipts_; }

    receipt_state wait_for(std::int64_t limit_ms) const {
        auto status = internal::no_status();
        auto found = library().wait(number_, limit_ms, status);
        internal::throw_if_failed(status);
        return static_cast<receipt_state>(found.state);
    }

    std::shared_ptr<const internal::receipts_handle> receipts_;
    std::uint64_t number_;
};

/// As `db.write(fn)`, with a receipt for the transaction. Durable on return, as the database was
/// opened. An exception from `fn` passes through and leaves nothing of the transaction.
template <typename Fn>
receipt write(const db& database, Fn&& fn) {
    static_assert(
        std::is_void_v<std::invoke_result_t<Fn>>,
        "What is written with a receipt returns nothing: the receipt is what is returned.");
    auto instance = database.m_realm.instance(); // `fn` may drop the last handle
    database.begin_write();
    try {
        std::forward<Fn>(fn)();
    } catch (...) {
        instance->cancel();
        throw;
    }
    const auto number = instance->commit();
    return receipt(internal::receipts_of(*instance), number);
}

/// The receipt with this number, of this process or an earlier one. Any thread may ask, of a
/// database that is open.
template <typename = internal::on_use>
receipt receipt_of(const db& database, std::uint64_t number) {
    return receipt(internal::receipts_of(*database.m_realm.instance()), number);
}

/// As `db.commit_write()`, with a receipt for the transaction.
template <typename = internal::on_use>
receipt commit_write(const db& database) {
    const auto number = database.m_realm.instance()->commit();
    return receipt_of(database, number);
}

/// What is known of the transaction with this number.
template <typename = internal::on_use>
receipt_state state_of(const db& database, std::uint64_t number) {
    return receipt_of(database, number).state();
}

} // namespace realm::ingest
