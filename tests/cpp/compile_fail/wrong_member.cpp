// A slip in a name shows which.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    realm::primary_key<std::int64_t> _id;
    double temperature;
};
#ifdef OK
REALM_ASYMMETRIC_SCHEMA(Reading, _id, temperature)
#else
REALM_ASYMMETRIC_SCHEMA(Reading, _id, temprature)
#endif
