// BSON is little-endian. On little-endian machines these are plain copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace realm::internal {

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
inline constexpr bool little_endian = __BYTE_ORDER__ != __ORDER_BIG_ENDIAN__;
#else
inline constexpr bool little_endian =
    true; // compilers without the macro run on little-endian targets
#endif

template <typename T>
inline void store_le(std::uint8_t* to, T value) noexcept {
    static_assert(std::is_integral_v<T>, "bits of an integer; copy a double into one first");
    if constexpr (little_endian) {
        std::memcpy(to, &value, sizeof(T));
    } else {
        auto bits = static_cast<std::make_unsigned_t<T>>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i)
            to[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(bits) >> (8 * i));
    }
}

template <typename T>
[[nodiscard]] inline T load_le(const std::uint8_t* from) noexcept {
    static_assert(std::is_integral_v<T>, "bits of an integer; copy a double out of one afterwards");
    if constexpr (little_endian) {
        T value;
        std::memcpy(&value, from, sizeof(T));
        return value;
    } else {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            bits |= static_cast<std::uint64_t>(from[i]) << (8 * i);
        return static_cast<T>(static_cast<std::make_unsigned_t<T>>(bits));
    }
}

} // namespace realm::internal
