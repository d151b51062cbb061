// Text that crosses into the compiled part of the headers.
#pragma once

#include <cstddef>
#include <string_view>

namespace realm::internal {

/// Characters that belong to somebody else and outlive it. All compilers and standard libraries lay
/// it out alike, which std::string_view does not promise. A value.
class plain_text {
public:
    constexpr plain_text() noexcept = default;
    constexpr plain_text(std::string_view of) noexcept : data_(of.data()), size_(of.size()) {}
    constexpr plain_text(const char* of) noexcept : plain_text(std::string_view(of)) {}

    constexpr operator std::string_view() const noexcept { return {data_, size_}; }
    [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

    friend constexpr bool operator==(plain_text a, plain_text b) noexcept {
        return std::string_view(a) == std::string_view(b);
    }
    friend constexpr bool operator!=(plain_text a, plain_text b) noexcept { return !(a == b); }

private:
    const char* data_ = "";
    std::size_t size_ = 0;
};

} // namespace realm::internal
