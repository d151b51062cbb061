// The macro names public members only.
#include <cpprealm/macros.hpp>

#include <cstdint>

class Reading {
public:
    realm::primary_key<std::int64_t> _id;

#ifdef OK
public:
#else
private:
#endif
    double temperature = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, temperature)
