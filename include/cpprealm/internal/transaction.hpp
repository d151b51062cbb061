// One write transaction: the BSON of every object added, back to back in one buffer per class.
//
// `add` only encodes. A managed object is a reference into a buffer; when one is used, its document
// is decoded into a `shadow`, an object of the application's class that the transaction owns and
// that the handles work on. `finish` puts the shadows that were changed in the place of their
// documents. Nearly no program does that, so everything is laid out for the case of no shadow at
// all.
//
// Invariants:
//  1. A buffer holds whole documents only: an `add` that throws leaves its buffer as it was.
//  2. A handle outlives its transaction harmlessly: it holds a number, and `live_transactions`
//  knows which numbers live.
//  3. A transaction is used by the thread that began it; handles check that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <cpprealm/internal/buffer.hpp>
#include <cpprealm/internal/class_table.hpp>
#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/live_transactions.hpp>
#include <cpprealm/internal/object_ref.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

template <typename>
class basic_transaction;
using transaction = basic_transaction<on_use>;

/// An added object in the shape of its class again.
struct shadow {
    std::size_t begin; // of its document, in the buffer of its class
    void* object;
    void (*destroy)(void* object);
    bool changed;
};

/// Belongs to one `db` and is used for one transaction after the other, which saves the buffers
/// from being made anew.
template <typename>
class basic_transaction : live_transaction {
public:
    explicit basic_transaction(std::vector<bridge::object_schema> opened)
        : opened_(std::move(opened)) {}
    basic_transaction(const basic_transaction&) = delete;
    basic_transaction& operator=(const basic_transaction&) = delete;
    ~basic_transaction() { abandon(); }

    /// Gives the transaction its number. `owner` is kept for `managed<T>::get_realm` and not looked
    /// at.
    void begin(void* owner = nullptr) {
        abandon();
        live_transactions::instance().enter(*this);
        thread_ = std::this_thread::get_id();
        owner_ = owner;
    }
    [[nodiscard]] bool active() const noexcept { return number != 0; }
    [[nodiscard]] std::uint64_t id() const noexcept { return number; }
    [[nodiscard]] void* owner() const noexcept { return owner_; }
    [[nodiscard]] bool empty() const noexcept {
        for (const auto& one : classes_) {
            if (one->count != 0)
                return false;
        }
        return true;
    }
    /// Of the documents as they were added.
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& one : classes_)
            sum += one->bytes.size();
        return sum;
    }

    /// Encodes a copy of the object. What it throws leaves the transaction as it was.
    template <typename T>
    object_ref add(const T& object) {
        return add(table_of<T>, &object);
    }
    object_ref add(const class_table& of, const void* object) {
        if (!active())
            internal::refuse<std::logic_error>(
                "Trying to modify database while in read transaction");
        class_buffer& to = buffer_of(of);
        const undo unless_done(to);
        encoder encoding(to.bytes, &to.rests);
        of.encode(encoding, object);
        ++to.count;
        return {number, unless_done.keep()};
    }

    /// Ends the transaction. `sink(const std::vector<ffi::Run>&, const std::uint8_t* payload,
    /// std::size_t size)` is called unless nothing was added; whatever it throws, the transaction
    /// is over and its handles are dead.
    template <typename Sink>
    void finish(Sink&& sink) {
        const ending end(*this);
        std::vector<ffi::Run> runs;
        buffer* payload = nullptr;
        for (const auto& one : classes_) {
            if (one->count == 0)
                continue;
            one->splice();
            runs.push_back({one->of.name, one->count});
            if (payload == nullptr)
                payload = &one->bytes;
            else
                payload->append(one->bytes.data(), one->bytes.size());
        }
        if (payload != nullptr)
            std::forward<Sink>(sink)(static_cast<const std::vector<ffi::Run>&>(runs),
                                     static_cast<const std::uint8_t*>(payload->data()),
                                     payload->size());
    }

    /// Ends the transaction and drops everything that was added.
    void abandon() noexcept {
        if (!active())
            return;
        live_transactions::instance().leave(*this);
        for (const auto& one : classes_)
            one->reset();
        objects_.clear();
    }

    /// Ends it in a forked child, where the lock of the live ones may be held for ever.
    void forget() noexcept { number = 0; }

    /// The transaction of a handle.
    static basic_transaction& of(std::uint64_t wanted, const char* class_name) {
        live_transaction* live = wanted == 0 ? nullptr : live_transactions::instance().find(wanted);
        if (live == nullptr)
            throw_no_object(class_name);
        auto& found = static_cast<basic_transaction&>(*live);
        if (found.thread_ != std::this_thread::get_id())
            internal::refuse<std::logic_error>("Realm accessed from incorrect thread.");
        return found;
    }

    /// Where copies of embedded objects live.
    [[nodiscard]] arena& objects() noexcept { return objects_; }

    /// The object behind a handle. For an asymmetric class only.
    shadow& shadow_at(const handle_table& by, std::uint64_t where) {
        class_buffer& in = buffer_of(*by.of);
        const auto begin = static_cast<std::size_t>(where);
        if (shadow* known = in.find(begin))
            return *known;
        return in.keep(begin, by, decoder(in.bytes, in.rests, objects_));
    }

private:
    struct class_buffer {
        const class_table& of;
        buffer bytes;
        std::uint32_t count = 0;
        std::vector<date_rest> rests;
        std::vector<shadow> shadows; // ascending

        explicit class_buffer(const class_table& table) noexcept : of(table) {}
        class_buffer(const class_buffer&) = delete;
        class_buffer& operator=(const class_buffer&) = delete;
        ~class_buffer() { destroy_shadows(); }
        [[nodiscard]] bson_reader document(std::size_t begin) const {
            const std::uint8_t* from = bytes.data() + begin;
            return {from, static_cast<std::size_t>(load_le<std::int32_t>(from))};
        }
        [[nodiscard]] shadow* find(std::size_t begin) noexcept {
            std::size_t low = 0;
            for (std::size_t high = shadows.size(); low < high;) {
                const std::size_t middle = low + (high - low) / 2;
                if (shadows[middle].begin < begin)
                    low = middle + 1;
                else
                    high = middle;
            }
            return low < shadows.size() && shadows[low].begin == begin ? &shadows[low] : nullptr;
        }
        shadow& keep(std::size_t begin, const handle_table& by, const decoder& with) {
            shadows.push_back(
                {begin, nullptr, by.destroy, false}); // room first, so that nothing is lost
            std::size_t at = shadows.size() - 1;
            try {
                shadows[at].object = by.read(with, document(begin));
            } catch (...) {
                shadows.pop_back();
                throw;
            }
            // Most often the object was added last.
            for (; at > 0 && begin < shadows[at - 1].begin; --at)
                std::swap(shadows[at], shadows[at - 1]);
            return shadows[at];
        }
        void destroy_shadows() noexcept {
            for (const shadow& one : shadows)
                one.destroy(one.object);
            shadows.clear();
        }
        // Puts changed objects in the place of their documents; one pass over the bytes, however
        // many changed.
        void splice() {
            buffer spliced;
            encoder to(spliced);
            std::size_t done = 0;
            for (const auto& [begin, object, destroy, changed] : shadows) {
                if (!changed)
                    continue;
                spliced.append(bytes.data() + done, begin - done);
                of.encode(to, object);
                done =
                    begin + static_cast<std::size_t>(load_le<std::int32_t>(bytes.data() + begin));
            }
            if (done == 0)
                return;
            spliced.append(bytes.data() + done, bytes.size() - done);
            bytes.swap(spliced);
        }
        // Keeps the memory for the next transaction, unless this one used little of much.
        void reset() noexcept {
            constexpr std::size_t always_kept = 1024 * 1024;
            if (bytes.capacity() > always_kept && bytes.size() < bytes.capacity() / 8)
                bytes.release();
            bytes.clear();
            if (rests.capacity() * sizeof(date_rest) > always_kept &&
                rests.size() < rests.capacity() / 8)
                rests = {};
            rests.clear();
            destroy_shadows();
            count = 0;
        }
    };

    // Takes back what an `add` has written so far, unless it gets to `keep`.
    class undo {
    public:
        explicit undo(class_buffer& in) noexcept
            : in_(&in), bytes_(in.bytes.size()), rests_(in.rests.size()) {}
        undo(const undo&) = delete;
        undo& operator=(const undo&) = delete;
        ~undo() {
            if (in_ == nullptr)
                return;
            in_->bytes.truncate(bytes_);
            while (in_->rests.size() > rests_)
                in_->rests.pop_back();
        }
        [[nodiscard]] std::uint64_t keep() const noexcept {
            in_ = nullptr;
            return bytes_;
        }

    private:
        mutable class_buffer* in_;
        std::size_t bytes_;
        std::size_t rests_;
    };

    struct ending {
        basic_transaction& over;
        explicit ending(basic_transaction& one) noexcept : over(one) {}
        ending(const ending&) = delete;
        ending& operator=(const ending&) = delete;
        ~ending() { over.abandon(); }
    };

    class_buffer& buffer_of(const class_table& of) {
        for (const auto& one : classes_) {
            if (&one->of == &of)
                return *one;
        }
        return make_buffer(of);
    }
    class_buffer& make_buffer(const class_table& of) {
        const bridge::object_schema described = of.describe();
        bool opened = false;
        for (const auto& one : opened_)
            opened = opened || one == described;
        if (!opened)
            refuse({"Class '", of.name,
                    "' is not part of this realm: name it in realm::open<...>()."});
        classes_.push_back(std::make_unique<class_buffer>(of));
        return *classes_.back();
    }

    std::vector<bridge::object_schema> opened_;
    std::vector<std::unique_ptr<class_buffer>> classes_; // few: a realm has few classes
    arena objects_;
    std::thread::id thread_;
    void* owner_ = nullptr;
};

} // namespace realm::internal
