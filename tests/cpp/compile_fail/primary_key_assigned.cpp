// The key of an object stays.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    realm::primary_key<std::int64_t> _id;
    std::int64_t n = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, n)
#ifdef OK
void change(realm::managed<Reading>& reading) { reading.n = 5; }
#else
void change(realm::managed<Reading>& reading) { reading._id = 5; }
#endif
