// The two ends that codecs work with: where values go to as BSON, and where they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cpprealm/internal/bson_reader.hpp>
#include <cpprealm/internal/bson_writer.hpp>
#include <cpprealm/internal/buffer.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/plain_text.hpp>

namespace realm::internal {

/// What BSON's milliseconds leave of a date, in ticks of the date's clock. Kept beside the bytes
/// until the commit, so that an object reads back as it was added. `end` is where the date's value
/// ends in the buffer; ascending.
struct date_rest {
    std::size_t end;
    std::int64_t ticks;
};

/// The rests of the dates in one buffer. As a class of its own laid out alike by all compilers. Not
/// for use by two threads at once.
class date_rests {
public:
    void push_back(const date_rest& one) { all_.append(&one, sizeof(one)); }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size() / sizeof(date_rest); }
    [[nodiscard]] std::size_t capacity() const noexcept {
        return all_.capacity() / sizeof(date_rest);
    }
    void truncate(std::size_t new_size) noexcept { all_.truncate(new_size * sizeof(date_rest)); }
    void clear() noexcept { all_.clear(); }
    void release() noexcept { all_.release(); }

    /// What is left of the date whose value ends there.
    [[nodiscard]] std::int64_t ticks_at(std::size_t end) const noexcept {
        std::size_t low = 0;
        for (std::size_t high = size(); low < high;) {
            const std::size_t middle = low + (high - low) / 2;
            if (at(middle).end < end)
                low = middle + 1;
            else
                high = middle;
        }
        return low < size() && at(low).end == end ? at(low).ticks : 0;
    }

private:
    [[nodiscard]] date_rest at(std::size_t index) const noexcept {
        date_rest one;
        std::memcpy(&one, all_.data() + index * sizeof(one), sizeof(one));
        return one;
    }

    buffer all_;
};

struct encoder;

/// Documents and arrays inside each other that the server takes, the object itself included:
/// `MAX_DEPTH` of the protocol.
inline constexpr std::size_t max_levels = 100;

/// Tells the encoder, as long as it lives, that what is written lies inside of a property: an
/// element of a list, a value of a map, or a property of an embedded object. Throws
/// `std::invalid_argument` where that is too deep.
class nesting {
public:
    enum class kind { list, map, object };

    nesting(encoder& in, std::string_view key, kind of);
    nesting(const nesting&) = delete;
    nesting& operator=(const nesting&) = delete;
    ~nesting();

    [[nodiscard]] const nesting* outer() const noexcept { return outer_; }
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] kind of() const noexcept { return kind_; }

private:
    encoder& in_;
    const nesting* outer_;
    plain_text key_;
    kind kind_;
    std::size_t level_;
};

/// Why a value cannot be sent.
enum class value_refusal : std::uint8_t { text, map_key, date, depth };

namespace ffi {

/// Says in the status which value of the object that is being written it is. `key` is the value's.
void describe_refusal(const encoder& in, plain_text key, value_refusal why,
                      Status& status) noexcept;

} // namespace ffi

/// Appends to the buffer of a class. For one thread.
struct encoder {
    bson_writer out;
    date_rests* rests;           // null: not needed
    const char* class_name = ""; // of the object that is being written
    const nesting* inside = nullptr;

    explicit encoder(buffer& to, date_rests* keep = nullptr) noexcept : out(to), rests(keep) {}

    template <typename = on_use>
    [[noreturn]] void refuse_text(std::string_view key) const {
        refuse_value(key, value_refusal::text);
    }
    /// For a key of the map that is being written.
    template <typename = on_use>
    [[noreturn]] void refuse_key() const {
        refuse_value({}, value_refusal::map_key);
    }
    template <typename = on_use>
    [[noreturn]] void refuse_date(std::string_view key) const {
        refuse_value(key, value_refusal::date);
    }
    /// For the property of the object that is being written, whatever lies in between.
    template <typename = on_use>
    [[noreturn]] void refuse_depth() const {
        refuse_value({}, value_refusal::depth);
    }

private:
    template <typename = on_use>
    [[noreturn]] void refuse_value(std::string_view key, value_refusal why) const {
        ffi::call_status status;
        ffi::describe_refusal(*this, key, why, status);
        throw_status(status);
    }
};

inline nesting::nesting(encoder& in, std::string_view key, kind of)
    : in_(in), outer_(in.inside), key_(key), kind_(of),
      level_(outer_ == nullptr ? 2 : outer_->level_ + 1) {
    if (level_ > max_levels)
        in.refuse_depth();
    in.inside = this;
}
inline nesting::~nesting() { in_.inside = outer_; }

/// Owns the copies of embedded objects that a transaction works on. Addresses stay valid until it
/// goes.
class arena {
public:
    arena() noexcept = default;
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;
    ~arena() { clear(); }

    template <typename T, typename... Args>
    T* make(Args&&... args) {
        auto* owned = new holder<T>(std::forward<Args>(args)...);
        owned->next = newest_;
        newest_ = owned;
        return &owned->value;
    }
    void clear() noexcept {
        while (newest_ != nullptr) {
            anything* const gone = newest_;
            newest_ = gone->next;
            delete gone;
        }
    }

private:
    struct anything {
        virtual ~anything() = default;
        anything* next = nullptr;
    };
    template <typename T>
    struct holder final : anything {
        template <typename... Args>
        explicit holder(Args&&... args) : value(std::forward<Args>(args)...) {}
        T value;
    };

    anything* newest_ = nullptr;
};

/// Reads documents of one class's buffer, which must not grow meanwhile. Embedded objects go to the
/// arena.
class decoder {
public:
    decoder(const buffer& from, const date_rests& rests, arena& objects) noexcept
        : from_(&from), rests_(&rests), objects_(&objects) {}

    [[nodiscard]] arena& objects() const noexcept { return *objects_; }

    template <typename = on_use>
    [[nodiscard]] std::int64_t rest_of(const bson_element& date) const noexcept {
        return rests_->ticks_at(static_cast<std::size_t>(date.value - from_->data()) + date.size);
    }

private:
    const buffer* from_;
    const date_rests* rests_;
    arena* objects_;
};

} // namespace realm::internal
