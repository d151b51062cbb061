// A type that cannot be stored is refused with the list of those that can.
#include <cpprealm/macros.hpp>

#include <cstdint>
#include <string>
#include <string_view>

struct Reading {
    realm::primary_key<std::int64_t> _id;
#ifdef OK
    std::string text;
#else
    std::string_view text;
#endif
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, text)
