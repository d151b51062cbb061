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

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <cpprealm/internal/buffer.hpp>
#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/object_ref.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

class transaction;

/// The transactions of the process by number. Safe from any thread.
class live_transactions {
public:
    static live_transactions& instance() {
        // Never destroyed: threads may still write while the program's statics go away.
        static auto* all = new live_transactions();
        return *all;
    }
    std::uint64_t enter(transaction* one) {
        const std::lock_guard<std::mutex> lock(mutex_);
        by_number_.emplace(++last_, one);
        return last_;
    }
    void leave(std::uint64_t number) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        by_number_.erase(number);
    }
    [[nodiscard]] transaction* find(std::uint64_t number) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = by_number_.find(number);
        return found == by_number_.end() ? nullptr : found->second;
    }

private:
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, transaction*> by_number_;
    std::uint64_t last_ = 0; // no handle has the number 0
};

inline std::size_t next_class_index() noexcept {
    static std::atomic<std::size_t> next{0};
    return next++;
}
/// Small numbers, one per class, to find a class's buffer by.
template <typename T>
std::size_t class_index() noexcept {
    static const std::size_t index = next_class_index();
    return index;
}

/// An added object in the shape of its class again.
struct shadow {
    bool changed = false;

    shadow() = default;
    shadow(const shadow&) = delete;
    shadow& operator=(const shadow&) = delete;
    virtual ~shadow() = default;
    virtual void encode(encoder& to) const = 0;
};

template <typename T>
struct shadow_of final : shadow {
    T object{};
    void encode(encoder& to) const override { encode_document(to, object); }

    static void encode_document(encoder& to, const T& object) {
        to.class_name = schema_of<T>::name;
        const std::size_t mark = to.out.begin_document();
        write_fields(to, object);
        to.out.end_document(mark);
    }
};

/// Belongs to one `db` and is used for one transaction after the other, which saves the buffers
/// from being made anew.
class transaction {
public:
    /// Documents of one class, in the order of the payload.
    struct run {
        std::string_view class_name;
        std::uint32_t count;
    };

    explicit transaction(std::vector<bridge::object_schema> opened) : opened_(std::move(opened)) {}
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction() { abandon(); }

    /// Gives the transaction its number. `owner` is kept for `managed<T>::get_realm` and not looked
    /// at.
    void begin(void* owner = nullptr) {
        abandon();
        number_ = live_transactions::instance().enter(this);
        thread_ = std::this_thread::get_id();
        owner_ = owner;
    }
    [[nodiscard]] bool active() const noexcept { return number_ != 0; }
    [[nodiscard]] std::uint64_t id() const noexcept { return number_; }
    [[nodiscard]] void* owner() const noexcept { return owner_; }
    [[nodiscard]] bool empty() const noexcept {
        for (const auto& one : classes_) {
            if (one != nullptr && one->count != 0)
                return false;
        }
        return true;
    }
    /// Of the documents as they were added.
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& one : classes_)
            sum += one == nullptr ? 0 : one->bytes.size();
        return sum;
    }

    /// Encodes a copy of the object. What it throws leaves the transaction as it was.
    template <typename T>
    object_ref add(const T& object) {
        if (!active())
            throw std::logic_error("Trying to modify database while in read transaction");
        class_buffer& to = buffer_of<T>();
        const undo unless_done(to);
        encoder encoding(to.bytes, &to.rests);
        shadow_of<T>::encode_document(encoding, object);
        ++to.count;
        return {number_, unless_done.keep()};
    }

    /// Ends the transaction. `sink(const std::vector<run>&, const std::uint8_t* payload,
    /// std::size_t size)` is called unless nothing was added; whatever it throws, the transaction
    /// is over and its handles are dead.
    template <typename Sink>
    void finish(Sink&& sink) {
        const ending end(*this);
        std::vector<run> runs;
        buffer* payload = nullptr;
        for (const auto& one : classes_) {
            if (one == nullptr || one->count == 0)
                continue;
            one->splice();
            runs.push_back({one->class_name, one->count});
            if (payload == nullptr)
                payload = &one->bytes;
            else
                payload->append(one->bytes.data(), one->bytes.size());
        }
        if (payload != nullptr)
            std::forward<Sink>(sink)(static_cast<const std::vector<run>&>(runs),
                                     static_cast<const std::uint8_t*>(payload->data()),
                                     payload->size());
    }

    /// Ends the transaction and drops everything that was added.
    void abandon() noexcept {
        if (!active())
            return;
        live_transactions::instance().leave(number_);
        number_ = 0;
        for (const auto& one : classes_) {
            if (one != nullptr)
                one->reset();
        }
        objects_.clear();
    }

    /// Ends it in a forked child, where the lock of the live ones may be held for ever.
    void forget() noexcept { number_ = 0; }

    /// The transaction of a handle.
    static transaction& of(std::uint64_t number, const char* class_name) {
        transaction* found = number == 0 ? nullptr : live_transactions::instance().find(number);
        if (found == nullptr)
            throw_no_object(class_name);
        if (found->thread_ != std::this_thread::get_id())
            throw std::logic_error("Realm accessed from incorrect thread.");
        return *found;
    }

    /// Where copies of embedded objects live.
    [[nodiscard]] arena& objects() noexcept { return objects_; }

    /// The object behind a handle. For an asymmetric class only.
    template <typename T>
    shadow_of<T>& shadow_at(std::uint64_t where) {
        class_buffer& in = buffer_of<T>();
        std::unique_ptr<shadow>& found = in.shadows[static_cast<std::size_t>(where)];
        if (found == nullptr) {
            auto made = std::make_unique<shadow_of<T>>();
            const std::uint8_t* document = in.bytes.data() + where;
            const auto size = static_cast<std::size_t>(load_le<std::int32_t>(document));
            read_fields(decoder(in.bytes, in.rests, objects_), bson_reader(document, size),
                        made->object);
            found = std::move(made);
        }
        return static_cast<shadow_of<T>&>(*found);
    }

private:
    struct class_buffer {
        std::string class_name;
        buffer bytes;
        std::uint32_t count = 0;
        std::vector<date_rest> rests;
        std::map<std::size_t, std::unique_ptr<shadow>> shadows; // by where the document begins

        // Puts changed objects in the place of their documents; one pass over the bytes, however
        // many changed.
        void splice() {
            buffer spliced;
            encoder to(spliced);
            std::size_t done = 0;
            for (const auto& [begin, one] : shadows) {
                if (!one->changed)
                    continue;
                spliced.append(bytes.data() + done, begin - done);
                one->encode(to);
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
            shadows.clear();
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
            in_->rests.resize(rests_);
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
        transaction& over;
        explicit ending(transaction& one) noexcept : over(one) {}
        ending(const ending&) = delete;
        ending& operator=(const ending&) = delete;
        ~ending() { over.abandon(); }
    };

    template <typename T>
    class_buffer& buffer_of() {
        const std::size_t index = class_index<T>();
        if (index < classes_.size() && classes_[index] != nullptr)
            return *classes_[index];
        return make_buffer(index, describe_class<T>());
    }
    class_buffer& make_buffer(std::size_t index, const bridge::object_schema& described) {
        bool opened = false;
        for (const auto& one : opened_)
            opened = opened || one == described;
        if (!opened)
            throw std::logic_error("Class '" + described.name +
                                   "' is not part of this realm: name it in realm::open<...>().");
        if (index >= classes_.size())
            classes_.resize(index + 1);
        classes_[index] = std::make_unique<class_buffer>();
        classes_[index]->class_name = described.name;
        return *classes_[index];
    }

    std::vector<bridge::object_schema> opened_;
    std::vector<std::unique_ptr<class_buffer>> classes_; // by class_index
    arena objects_;
    std::uint64_t number_ = 0; // 0: none begun
    std::thread::id thread_;
    void* owner_ = nullptr;
};

} // namespace realm::internal
