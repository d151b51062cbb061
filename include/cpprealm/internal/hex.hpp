// Hexadecimal and base64 text of the fixed-size ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace realm::internal {

[[nodiscard]] constexpr int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// Reads exactly `size` bytes from twice as many digits; false if a character is not a digit.
[[nodiscard]] constexpr bool parse_hex(std::string_view digits, std::uint8_t* to,
                                       std::size_t size) noexcept {
    if (digits.size() != size * 2)
        return false;
    for (std::size_t i = 0; i < size; ++i) {
        const int high = hex_digit(digits[2 * i]);
        const int low = hex_digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

inline void append_hex(std::string& to, const std::uint8_t* bytes, std::size_t size) {
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < size; ++i) {
        to.push_back(digits[bytes[i] >> 4]);
        to.push_back(digits[bytes[i] & 15]);
    }
}

[[nodiscard]] inline std::string to_base64(const std::uint8_t* bytes, std::size_t size) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((size + 2) / 3 * 4);
    for (std::size_t i = 0; i < size; i += 3) {
        const std::size_t left = size - i;
        const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                    (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0) |
                                    (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0);
        text.push_back(digits[group >> 18 & 63]);
        text.push_back(digits[group >> 12 & 63]);
        text.push_back(left > 1 ? digits[group >> 6 & 63] : '=');
        text.push_back(left > 2 ? digits[group & 63] : '=');
    }
    return text;
}

} // namespace realm::internal
