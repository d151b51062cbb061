// Only declared classes can be added.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    std::int64_t n;
};
#ifdef OK
REALM_ASYMMETRIC_SCHEMA(Reading, n)
#endif
void add() { realm::internal::check_addable<Reading>(); }
