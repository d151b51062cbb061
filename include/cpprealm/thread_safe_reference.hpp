// References that carry an object to another thread, which Data Ingest objects cannot do.
#pragma once

#include <cpprealm/results.hpp>

namespace realm {

/// Named in signatures of realm-cpp. Using it does not compile.
template <typename T>
struct thread_safe_reference {
    static_assert(
        internal::never<T>,
        "Objects for Data Ingest cannot be handed to another thread: each thread opens its "
        "own db and adds its own objects.");
};

} // namespace realm
