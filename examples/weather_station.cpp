// A weather station that streams a year of hourly observations, one write per day.
//
//     weather_station <observations.csv> [--days-per-second N]
//
// It can be killed at any moment and started again: it goes on after the last day it had noted. A
// day may then be written twice, but an observation is named by station and hour, so the gateway
// keeps one document of it.

#include <cpprealm/sdk.hpp>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>

using time_point = std::chrono::time_point<std::chrono::system_clock>;

struct WeatherSensorReading {
    realm::primary_key<std::string> _id;
    std::string deviceId;
    time_point at;
    double temperatureInCelsius;
    double barometricPressureInHectopascal;
    double windSpeedInMetresPerSecond;
};
REALM_ASYMMETRIC_SCHEMA(WeatherSensorReading, _id, deviceId, at, temperatureInCelsius,
                        barometricPressureInHectopascal, windSpeedInMetresPerSecond)

namespace {

const std::string station = "USW00024233"; // Seattle-Tacoma in NOAA's list of stations

/// Parses one line such as `2010-01-01T01:00:00,1016.6,4.0,3.8`.
WeatherSensorReading parse(const std::string& line) {
    std::istringstream fields(line);
    std::tm hour{};
    WeatherSensorReading reading{};
    char comma = 0;
    fields >> std::get_time(&hour, "%Y-%m-%dT%H:%M:%S") >> comma >>
        reading.barometricPressureInHectopascal >> comma >> reading.temperatureInCelsius >> comma >>
        reading.windSpeedInMetresPerSecond;
    if (!fields)
        throw std::runtime_error("not an observation: " + line);
    reading.at = std::chrono::system_clock::from_time_t(timegm(&hour));
    reading.deviceId = station;
    reading._id = station + "/" + line.substr(0, line.find(','));
    return reading;
}

/// The days of the file, each with its observations.
std::vector<std::vector<WeatherSensorReading>> read_days(const std::string& path) {
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    std::vector<std::vector<WeatherSensorReading>> days;
    std::string line, today;
    std::getline(file, line); // the column names
    while (std::getline(file, line)) {
        const auto day = line.substr(0, 10);
        if (day != today)
            days.emplace_back();
        today = day;
        days.back().push_back(parse(line));
    }
    return days;
}

/// How many days are known to be written. Kept beside the database; a lost update only repeats a
/// day.
struct progress {
    const char* path = "weather_station.progress";
    size_t load() const {
        size_t days = 0;
        std::ifstream(path) >> days;
        return days;
    }
    void store(size_t days) const { std::ofstream(path) << days << '\n'; }
};

} // namespace

int main(int argc, char** argv) try {
    if (argc != 2 && !(argc == 4 && std::string(argv[2]) == "--days-per-second")) {
        std::cerr << "usage: weather_station <observations.csv> [--days-per-second N]\n";
        return 2;
    }
    const double days_per_second = argc == 4 ? std::atof(argv[3]) : 0;
    const auto days = read_days(argv[1]);

    realm::App::configuration app_config;
    app_config.app_id = "weather-station"; // REALM_INGEST_URL says where the gateway is
    auto app = realm::App(app_config);
    auto user = app.get_current_user();
    if (!user)
        user = app.login(realm::App::credentials::anonymous()).get();

    auto config = user->flexible_sync_configuration();
    config.sync_config().set_error_handler(
        [](const realm::sync_session&, const realm::sync_error& e) {
            std::cerr << "sync: " << e.message() << std::endl;
        });
    auto realm = realm::open<WeatherSensorReading>(config);

    progress written;
    const auto first = written.load();
    for (auto day = first; day < days.size(); ++day) {
        realm.write([&] {
            for (const auto& reading : days[day])
                realm.add(reading);
        });
        written.store(day + 1);
        if ((day + 1) % 30 == 0)
            std::cout << "written: " << day + 1 << " of " << days.size() << " days" << std::endl;
        if (days_per_second > 0)
            std::this_thread::sleep_for(std::chrono::duration<double>(1 / days_per_second));
    }

    std::cout << "all written, waiting for the upload" << std::endl;
    realm.get_sync_session()->wait_for_upload_completion().get();
    std::cout << "all uploaded" << std::endl;
    return 0;
} catch (const realm::app_error& e) {
    std::cerr << e.message() << '\n';
    return 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
