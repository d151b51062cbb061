// Query results, which do not exist here: objects for Data Ingest leave the device and cannot be
// read.
#pragma once

namespace realm {

namespace internal {
/// False for every T; lets a static_assert speak only when its template is used.
template <typename... T>
inline constexpr bool never = false;
} // namespace internal

/// Named in signatures of realm-cpp. Using it does not compile.
template <typename T>
struct results {
    static_assert(
        internal::never<T>,
        "Objects for Data Ingest cannot be queried: they leave the device once uploaded.");
};

} // namespace realm
