// Text as a JSON string, for the small documents the headers hand to the library.
#pragma once

#include <string>
#include <string_view>

namespace realm::internal {

/// `text` in quotes, escaped as JSON asks.
inline std::string json_text(std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";

    std::string out;
    out.reserve(text.size() + 2);
    out += '"';
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        } else {
            out += c;
        }
    }
    return out += '"';
}

} // namespace realm::internal
