// Nor of collections.
#include <cpprealm/macros.hpp>

#include <cstdint>
#include <vector>

struct Reading {
    realm::primary_key<std::int64_t> _id;
    std::vector<std::int64_t> samples;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, samples)
void observe(realm::managed<Reading>& reading) {
#ifdef OK
    reading.samples.clear();
#else
    reading.samples.observe([](auto&&) {});
#endif
}
