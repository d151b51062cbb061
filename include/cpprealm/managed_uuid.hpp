// Managed UUIDs.
#pragma once

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

template <typename D>
struct operations<D, uuid> : assignable<D, uuid> {
    using assignable<D, uuid>::operator=;
};

} // namespace realm::internal
