// Managed dates.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

template <typename D, typename Duration>
struct operations<D, std::chrono::time_point<std::chrono::system_clock, Duration>>
    : assignable<D, std::chrono::time_point<std::chrono::system_clock, Duration>> {
    using value_type = std::chrono::time_point<std::chrono::system_clock, Duration>;
    using assignable<D, value_type>::operator=;

    D& operator+=(const Duration& by) {
        check(by > Duration::zero() ? at() <= Duration::max() - by : at() >= Duration::min() - by);
        this->self().realm_edit() += by;
        return this->self();
    }
    D& operator-=(const Duration& by) {
        check(by < Duration::zero() ? at() <= Duration::max() + by : at() >= Duration::min() + by);
        this->self().realm_edit() -= by;
        return this->self();
    }
    [[nodiscard]] Duration time_since_epoch() const { return at(); }

private:
    [[nodiscard]] Duration at() const { return this->self().realm_peek().time_since_epoch(); }
    void check(bool fits) const {
        if (!fits)
            throw std::overflow_error("property '" + this->self().realm_name() +
                                      "' would become a date that its type cannot hold");
    }
};

template <typename Duration>
inline constexpr bool
    changes_in_place_v<std::chrono::time_point<std::chrono::system_clock, Duration>> = true;

template <typename D, typename Duration>
struct operations<D, std::optional<std::chrono::time_point<std::chrono::system_clock, Duration>>>
    : optional_in_place<D, std::chrono::time_point<std::chrono::system_clock, Duration>> {
    using value_type = std::chrono::time_point<std::chrono::system_clock, Duration>;
    using optional_in_place<D, value_type>::operator=;
};

} // namespace realm::internal
