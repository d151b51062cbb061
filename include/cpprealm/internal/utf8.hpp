// Whether text is UTF-8. Asked of every string that is written, so text of ASCII alone, which is
// nearly all of it, is recognised eight bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace realm::internal {

[[nodiscard]] inline bool is_ascii(const char* text, std::size_t n) noexcept {
    const auto eight = [text](std::size_t at) {
        std::uint64_t bytes;
        std::memcpy(&bytes, text + at, sizeof(bytes));
        return bytes;
    };
    std::uint64_t all = 0;
    if (n >= 8) {
        for (std::size_t at = 0; at + 8 <= n; at += 8)
            all |= eight(at);
        all |= eight(n - 8); // the rest, and a few bytes once more
    } else {
        for (std::size_t at = 0; at < n; ++at)
            all |= static_cast<unsigned char>(text[at]);
    }
    return (all & 0x8080808080808080) == 0;
}

/// UTF-8 as RFC 3629 defines it: no surrogates, nothing beyond U+10FFFF, nothing longer than need
/// be. For text that is not ASCII.
[[nodiscard]] inline bool is_wide_utf8(std::string_view text) noexcept {
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    std::size_t at = 0;
    while (at < text.size()) {
        const unsigned first = byte(at);
        if (first < 0x80) {
            at += text.size() - at >= 8 && is_ascii(text.data() + at, 8) ? 8 : 1;
            continue;
        }
        // The bytes of a character; the second one alone tells the encodings that must not be.
        const std::size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (size == 0 || first > 0xF4 || text.size() - at < size)
            return false;
        const unsigned lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const unsigned highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (byte(at + 1) < lowest || byte(at + 1) > highest)
            return false;
        for (std::size_t next = 2; next < size; ++next) {
            if ((byte(at + next) & 0xC0) != 0x80)
                return false;
        }
        at += size;
    }
    return true;
}

[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
    return is_ascii(text.data(), text.size()) || is_wide_utf8(text);
}

} // namespace realm::internal
