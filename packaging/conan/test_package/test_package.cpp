// Calls into the library, without a gateway.
#include <cpprealm/sdk.hpp>

#include <iostream>

int main() {
    std::cout << "realm-ingest " << REALM_INGEST_VERSION_STRING << ", "
              << realm::object_id::generate().to_string() << "\n";
}
