// An embedded object needs one around it.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Position {
    realm::primary_key<std::int64_t> _id;
};
#ifdef OK
REALM_ASYMMETRIC_SCHEMA(Position, _id)
#else
REALM_EMBEDDED_SCHEMA(Position, _id)
#endif
void add() { realm::internal::check_addable<Position>(); }
