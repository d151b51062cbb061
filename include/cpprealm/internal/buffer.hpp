// Growable bytes for the encoder: no zero fill, capacity kept between uses, one check per element
// written.
#pragma once

#include <cpprealm/internal/refuse.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace realm::internal {

/// Bytes in one allocation that grows by doubling. Not for use by two threads at once. Pointers
/// into it are valid until the next call that may grow it; keep offsets where something may be
/// appended in between.
class buffer {
public:
    buffer() noexcept = default;
    buffer(buffer&& other) noexcept { swap(other); }
    buffer& operator=(buffer&& other) noexcept {
        buffer taken(std::move(other));
        swap(taken);
        return *this;
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { std::free(begin_); }

    [[nodiscard]] std::uint8_t* data() noexcept { return begin_; }
    [[nodiscard]] const std::uint8_t* data() const noexcept { return begin_; }
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(end_ - begin_);
    }
    [[nodiscard]] std::size_t capacity() const noexcept {
        return static_cast<std::size_t>(limit_ - begin_);
    }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

    /// Forgets the content and keeps the memory.
    void clear() noexcept { end_ = begin_; }

    /// Gives the memory back.
    void release() noexcept {
        buffer nothing;
        swap(nothing);
    }

    /// Drops everything from `new_size` on; used to take back what a failed encode has written.
    void truncate(std::size_t new_size) noexcept {
        if (new_size < size())
            end_ = begin_ + new_size;
    }

    /// Makes room for `extra` more bytes.
    void reserve(std::size_t extra) { static_cast<void>(prepare(extra)); }

    /// Where the next `n` bytes go, with room for them. Follow with `commit`.
    [[nodiscard]] std::uint8_t* prepare(std::size_t n) {
        if (static_cast<std::size_t>(limit_ - end_) < n)
            grow(n);
        return end_;
    }

    /// `end` is one past the last byte written after `prepare`.
    void commit(std::uint8_t* end) noexcept { end_ = end; }

    void append(const void* bytes, std::size_t n) {
        std::uint8_t* to = prepare(n);
        if (n != 0)
            std::memcpy(to, bytes, n);
        commit(to + n);
    }

    /// Puts `n` bytes in the place of `old_n` bytes at `offset`. `bytes` must not lie inside this
    /// buffer.
    void replace(std::size_t offset, std::size_t old_n, const void* bytes, std::size_t n) {
        if (offset > size() || old_n > size() - offset)
            internal::refuse<std::out_of_range>("replaced range is outside of the buffer");
        if (n > old_n)
            reserve(n - old_n);
        if (empty())
            return;
        std::uint8_t* at = begin_ + offset;
        const std::size_t tail = size() - offset - old_n;
        if (n != old_n)
            std::memmove(at + n, at + old_n, tail);
        if (n != 0)
            std::memcpy(at, bytes, n);
        end_ = at + n + tail;
    }

    void swap(buffer& other) noexcept {
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        std::swap(limit_, other.limit_);
    }

private:
    // Out of line and never inlined: keeps the common path of `prepare` to one compare and one
    // branch.
#if defined(__GNUC__)
    __attribute__((noinline, cold))
#endif
    void
    grow(std::size_t n) {
        const std::size_t used = size();
        if (n > static_cast<std::size_t>(PTRDIFF_MAX) - used)
            throw std::bad_alloc();
        std::size_t wanted = capacity() < first_capacity ? first_capacity : capacity();
        while (wanted - used < n)
            wanted = wanted > static_cast<std::size_t>(PTRDIFF_MAX) / 2 ? used + n : wanted * 2;
        void* moved = std::realloc(begin_, wanted);
        if (moved == nullptr)
            throw std::bad_alloc();
        begin_ = static_cast<std::uint8_t*>(moved);
        end_ = begin_ + used;
        limit_ = begin_ + wanted;
    }

    // A transaction of one small object fits without a second allocation.
    static constexpr std::size_t first_capacity = 1024;

    std::uint8_t* begin_ = nullptr;
    std::uint8_t* end_ = nullptr;
    std::uint8_t* limit_ = nullptr;
};

} // namespace realm::internal
