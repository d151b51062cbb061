// Managed dates.
#pragma once

#include <chrono>

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

template <typename D, typename Duration>
struct operations<D, std::chrono::time_point<std::chrono::system_clock, Duration>>
    : assignable<D, std::chrono::time_point<std::chrono::system_clock, Duration>> {
    using value_type = std::chrono::time_point<std::chrono::system_clock, Duration>;
    using assignable<D, value_type>::operator=;

    D& operator+=(const Duration& by) {
        this->self().realm_edit() += by;
        return this->self();
    }
    D& operator-=(const Duration& by) {
        this->self().realm_edit() -= by;
        return this->self();
    }
    [[nodiscard]] Duration time_since_epoch() const {
        return this->self().realm_peek().time_since_epoch();
    }
};

template <typename Duration>
inline constexpr bool
    changes_in_place_v<std::chrono::time_point<std::chrono::system_clock, Duration>> = true;

} // namespace realm::internal
