// Managed object ids.
#pragma once

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

template <typename D>
struct operations<D, object_id> : assignable<D, object_id> {
    using assignable<D, object_id>::operator=;
};

} // namespace realm::internal
