// Nothing is ever delivered to an observer, so there are none.
#include <cpprealm/macros.hpp>

#include <cstdint>

struct Reading {
    realm::primary_key<std::int64_t> _id;
    std::int64_t n = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, n)
void observe(realm::managed<Reading>& reading) {
#ifdef OK
    reading.n = 5;
#else
    reading.observe([](auto&&) {});
#endif
}
