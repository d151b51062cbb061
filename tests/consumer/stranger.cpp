// What a stranger writes first in C++.
#include <cpprealm/sdk.hpp>

namespace realm {
struct StrangerReading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string deviceId;
    double temperature;
};
REALM_ASYMMETRIC_SCHEMA(StrangerReading, _id, deviceId, temperature)
} // namespace realm

int main() {
    static_assert(REALMCXX_VERSION_MAJOR == 2);
    auto config = realm::App::configuration();
    config.app_id = "stranger-cpp";
    auto app = realm::App(config);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto db = realm::open<realm::StrangerReading>(user.flexible_sync_configuration());
    auto reading = realm::StrangerReading();
    reading.deviceId = "A1";
    reading.temperature = 21.5;
    db.write([&] { db.add(std::move(reading)); });
    db.get_sync_session()->wait_for_upload_completion().get();
    std::cout << "realm-ingest " << REALM_INGEST_VERSION_STRING << std::endl;
}
