// There are no unsigned numbers in BSON.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    realm::primary_key<std::int64_t> _id;
#ifdef OK
    std::int64_t count = 0;
#else
    std::uint32_t count = 0;
#endif
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, count)
