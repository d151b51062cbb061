// Regular classes can be declared, not used.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Station {
    realm::primary_key<std::int64_t> _id;
};
#ifdef OK
REALM_ASYMMETRIC_SCHEMA(Station, _id)
#else
REALM_SCHEMA(Station, _id)
#endif
void add() { realm::internal::check_addable<Station>(); }
