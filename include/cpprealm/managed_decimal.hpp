// Managed decimals.
#pragma once

#include <optional>
#include <stdexcept>

#include <cpprealm/internal/managed_value.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm::internal {

/// Arithmetic; of an optional that is nothing it throws.
template <typename D>
struct decimal_arithmetic {
    [[nodiscard]] decimal128 operator+(const decimal128& by) const { return value() + by; }
    [[nodiscard]] decimal128 operator-(const decimal128& by) const { return value() - by; }
    [[nodiscard]] decimal128 operator*(const decimal128& by) const { return value() * by; }
    [[nodiscard]] decimal128 operator/(const decimal128& by) const { return value() / by; }

    D& operator+=(const decimal128& by) { return self() = *this + by; }
    D& operator-=(const decimal128& by) { return self() = *this - by; }
    D& operator*=(const decimal128& by) { return self() = *this * by; }
    D& operator/=(const decimal128& by) { return self() = *this / by; }

private:
    [[nodiscard]] D& self() noexcept { return static_cast<D&>(*this); }
    [[nodiscard]] const decimal128& value() const {
        return number(static_cast<const D&>(*this).realm_peek());
    }
    static const decimal128& number(const decimal128& held) { return held; }
    template <typename Held>
    static const decimal128& number(const std::optional<Held>& held) {
        if (!held)
            internal::refuse<std::runtime_error>("Cannot perform arithmetic on null value.");
        return *held;
    }
};

template <typename D>
struct operations<D, decimal128> : assignable<D, decimal128>, decimal_arithmetic<D> {
    using assignable<D, decimal128>::operator=;
    using assignable<D, decimal128>::operator*;
    using decimal_arithmetic<D>::operator*;
};

template <typename D>
struct operations<D, std::optional<decimal128>> : assignable<D, std::optional<decimal128>>,
                                                  decimal_arithmetic<D> {
    using assignable<D, std::optional<decimal128>>::operator=;
    using assignable<D, std::optional<decimal128>>::operator*;
    using decimal_arithmetic<D>::operator*;
};

} // namespace realm::internal
