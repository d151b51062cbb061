// A property belongs to each object.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    realm::primary_key<std::int64_t> _id;
#ifdef OK
    std::int64_t count;
#else
    static std::int64_t count;
#endif
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, count)
