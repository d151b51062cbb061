// What a property points to needs a schema as well.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Position {
    double lat;
};
#ifdef OK
REALM_EMBEDDED_SCHEMA(Position, lat)
#endif
struct Reading {
    realm::primary_key<std::int64_t> _id;
    Position* position = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, position)
