#include <cpprealm/sdk.hpp>

struct Reading {
    realm::primary_key<realm::object_id> _id;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id)

void use(realm::db& db) {
    static_cast<void>(db);
#ifndef OK
    db.write([&] { realm::thread_safe_reference<Reading> reference; });
#endif
}
