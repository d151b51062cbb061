// Streams one weather reading. REALM_INGEST_URL names the gateway, such as http://localhost:9090.
#include <cpprealm/sdk.hpp>

// 1. Define an asymmetric object.
struct WeatherSensorReading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string deviceId;
    double temperatureInFahrenheit = 0;
    double barometricPressureInHg = 0;
    int64_t windSpeedInMph = 0;
};
REALM_ASYMMETRIC_SCHEMA(WeatherSensorReading, _id, deviceId, temperatureInFahrenheit,
                        barometricPressureInHg, windSpeedInMph)

int main() try {
    // 2. Connect to an App and authenticate a user.
    auto appConfig = realm::App::configuration();
    appConfig.app_id = "weather-abcde";
    auto app = realm::App(appConfig);
    auto user = app.login(realm::App::credentials::anonymous()).get();

    // 3. Open a realm, naming the types to stream.
    auto config = user.flexible_sync_configuration();
    auto db = realm::open<WeatherSensorReading>(config);

    // 4. Create objects. They are safe on disk when write() returns.
    WeatherSensorReading reading;
    reading.deviceId = "WX1278UIT";
    reading.temperatureInFahrenheit = 64.7;
    reading.barometricPressureInHg = 29.65;
    reading.windSpeedInMph = 7;
    db.write([&] { db.add(std::move(reading)); });

    // They are uploaded in the background; what a program does not wait for goes out the next time
    // it opens the realm.
    db.get_sync_session()->wait_for_upload_completion().get();
    std::cout << "ingested\n";
} catch (const realm::app_error& error) {
    std::cerr << error.message() << "\n";
    return 1;
}
