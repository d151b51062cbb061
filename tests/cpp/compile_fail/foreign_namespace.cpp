// Where the macro may stand.
#include <cpprealm/macros.hpp>

#include <cstdint>

namespace there {
struct Reading {
    realm::primary_key<std::int64_t> _id;
};
} // namespace there
#ifdef OK
namespace there {
#else
namespace here {
#endif
using there::Reading;
REALM_ASYMMETRIC_SCHEMA(Reading, _id)
} // namespace here
