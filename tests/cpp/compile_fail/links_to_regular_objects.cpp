// Nor from a list.
#include <cpprealm/macros.hpp>

#include <cstdint>
#include <string>
#include <vector>

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
    std::vector<Station*> stations;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, stations)
