// Managed numbers, booleans and enums.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>

#include <cpprealm/internal/managed_value.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm::internal {

// Signed arithmetic that overflows wraps around, as the stored 64 bits do.
template <typename M>
[[nodiscard]] M wrapped(char operation, M a, M b) {
    if constexpr (std::is_integral_v<M>) {
        const auto x = static_cast<std::uint64_t>(a);
        const auto y = static_cast<std::uint64_t>(b);
        return static_cast<M>(operation == '+' ? x + y : operation == '-' ? x - y : x * y);
    } else {
        return operation == '+' ? a + b : operation == '-' ? a - b : a * b;
    }
}

template <typename D, typename M>
struct arithmetic {
    D& operator+=(M by) { return calculate('+', by); }
    D& operator-=(M by) { return calculate('-', by); }
    D& operator*=(M by) { return calculate('*', by); }
    D& operator++() { return calculate('+', 1); }
    D& operator--() { return calculate('-', 1); }
    M operator++(int) { return before(static_cast<D&>(*this), '+'); }
    M operator--(int) { return before(static_cast<D&>(*this), '-'); }

private:
    static M& number(M& value) { return value; }
    static M& number(std::optional<M>& value) {
        if (!value)
            internal::refuse<std::runtime_error>("Cannot perform arithmetic on null value.");
        return *value;
    }
    D& calculate(char operation, M by) {
        D& self = static_cast<D&>(*this);
        M& value = number(self.realm_edit());
        value = wrapped(operation, value, by);
        return self;
    }
    M before(D& self, char operation) {
        M& value = number(self.realm_edit());
        const M old = value;
        value = wrapped(operation, value, static_cast<M>(1));
        return old;
    }
};

template <typename D, typename M>
struct operations<D, M, std::enable_if_t<std::is_arithmetic_v<M> && !std::is_same_v<M, bool>>>
    : assignable<D, M>, arithmetic<D, M> {
    using assignable<D, M>::operator=;

    /// A whole number does not become a fraction unnoticed.
    template <typename F, typename Whole = M,
              std::enable_if_t<std::is_floating_point_v<F> && std::is_integral_v<Whole>, int> = 0>
    D& operator=(F) {
        internal::refuse<std::logic_error>("Property not a col_type_Double");
    }
};

template <typename D, typename M>
struct operations<D, std::optional<M>,
                  std::enable_if_t<std::is_arithmetic_v<M> && !std::is_same_v<M, bool>>>
    : assignable<D, std::optional<M>>, arithmetic<D, M> {
    using assignable<D, std::optional<M>>::operator=;
};

template <typename D>
struct operations<D, bool> : assignable<D, bool> {
    using assignable<D, bool>::operator=;
};

template <typename D, typename M>
struct operations<D, M, std::enable_if_t<std::is_enum_v<M>>> : assignable<D, M> {
    using assignable<D, M>::operator=;
};

} // namespace realm::internal
