// Errors whose text is put together of parts, in one place instead of in each that throws.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

template <typename = on_use>
[[nodiscard]] std::string joined(std::initializer_list<std::string_view> parts) {
    std::string all;
    for (const std::string_view part : parts)
        all.append(part.data(), part.size());
    return all;
}

// Both keep what throws small where it is called: a string that is made there, thrown and destroyed
// is more code than the rest of many a function.

template <typename Error>
[[noreturn]] void refuse(const char* text) {
    throw Error(text);
}

/// `refuse<std::invalid_argument>({"property '", name, "' is not valid UTF-8"});`
template <typename Error = std::logic_error>
[[noreturn]] void refuse(std::initializer_list<std::string_view> parts) {
    throw Error(joined(parts));
}

} // namespace realm::internal
