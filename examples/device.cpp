// A device for years: what waits on it is encrypted and bounded, alarms overtake readings, and it
// asks whether they arrived.
#include <cpprealm/sdk.hpp>

#include <cpprealm/ingest.hpp>

struct Reading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string deviceId;
    double temperature = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, deviceId, temperature)

struct Alarm {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string deviceId;
    std::string reason;
};
REALM_ASYMMETRIC_SCHEMA(Alarm, _id, deviceId, reason)

// From where the device keeps its secrets: a secure element, the keyring of its user.
std::array<char, 64> device_key() {
    std::array<char, 64> key{};
    key.fill('k');
    return key;
}

int main() try {
    auto app_config = realm::App::configuration();
    app_config.app_id = "weather-abcde";
    app_config.metadata_encryption_key = device_key();
    auto app = realm::App(app_config);
    auto user = app.login(realm::App::credentials::anonymous()).get();

    auto config = user.flexible_sync_configuration();
    config.set_encryption_key(device_key());

    realm::ingest::options options;
    // A month offline fits; after that the newest weather is worth more than the oldest.
    options.cap.max_bytes = 512 * 1024 * 1024;
    options.cap.policy = realm::ingest::cap_policy::drop_oldest;
    options.urgent = {"Alarm"};
    // One connection for the readings of half a minute.
    options.upload.batch_delay = std::chrono::seconds(30);
    realm::ingest::set_options(config, options);

    auto db = realm::open<Reading, Alarm>(config);
    for (int i = 0; i < 10; ++i) {
        Reading reading;
        reading.deviceId = "WX1278UIT";
        reading.temperature = 64.7 + i;
        db.write([&] { db.add(std::move(reading)); });
    }

    auto receipt = realm::ingest::write(db, [&] {
        Alarm alarm;
        alarm.deviceId = "WX1278UIT";
        alarm.reason = "door open";
        db.add(std::move(alarm));
    });
    // The number is worth keeping: after a restart `state_of(db, number)` still tells.
    if (receipt.wait(std::chrono::seconds(60)) == realm::ingest::receipt_state::persisted)
        std::cout << "alarm " << receipt.number() << " arrived\n";

    auto status = realm::ingest::status(db);
    std::cout << status.waiting.objects << " readings wait, " << status.dropped.objects
              << " were dropped\n";
    if (auto now = realm::ingest::server_time(app))
        std::cout << "the server's clock is known to " << now->uncertainty.count() << " ms\n";

    db.get_sync_session()->wait_for_upload_completion().get();
} catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
}
