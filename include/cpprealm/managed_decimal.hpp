// Managed decimals.
#pragma once

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

template <typename D>
struct operations<D, decimal128> : assignable<D, decimal128> {
    using assignable<D, decimal128>::operator=;

    [[nodiscard]] decimal128 operator+(const decimal128& by) const { return this->detach() + by; }
    [[nodiscard]] decimal128 operator-(const decimal128& by) const { return this->detach() - by; }
    [[nodiscard]] decimal128 operator*(const decimal128& by) const { return this->detach() * by; }
    [[nodiscard]] decimal128 operator/(const decimal128& by) const { return this->detach() / by; }
    using assignable<D, decimal128>::operator*;

    D& operator+=(const decimal128& by) { return *this = *this + by; }
    D& operator-=(const decimal128& by) { return *this = *this - by; }
    D& operator*=(const decimal128& by) { return *this = *this * by; }
    D& operator/=(const decimal128& by) { return *this = *this / by; }
};

} // namespace realm::internal
