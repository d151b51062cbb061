// One macro a class.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id)
#ifndef OK
REALM_ASYMMETRIC_SCHEMA(Reading, _id)
#endif
