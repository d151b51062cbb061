// The result of comparing a managed property.
#pragma once

namespace realm {

/// A bool under the name that realm-cpp gives to the result of a comparison. A plain value; `&&`,
/// `||` and `!` are those of bool.
class rbool {
public:
    /// From a bool.
    constexpr rbool(bool value) noexcept : value_(value) {} // NOLINT: implicit on purpose
    /// To a bool.
    constexpr operator bool() const noexcept { return value_; }

private:
    bool value_;
};

} // namespace realm
