// Maps have strings for keys.
#include <cpprealm/macros.hpp>

#include <cstdint>
#include <map>
#include <string>

struct Reading {
    realm::primary_key<std::int64_t> _id;
#ifdef OK
    std::map<std::string, std::string> texts;
#else
    std::map<int, std::string> texts;
#endif
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, texts)
