// A regular object cannot be linked to.
#include <cpprealm/macros.hpp>

#include <cstdint>
#include <string>

struct Station {
    realm::primary_key<std::int64_t> _id;
    std::string name;
};
#ifdef OK
REALM_EMBEDDED_SCHEMA(Station, name)
#else
REALM_SCHEMA(Station, _id)
#endif
struct Reading {
    realm::primary_key<std::int64_t> _id;
    Station* station = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, station)
