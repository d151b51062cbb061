// What the path costs, each figure beside a floor measured in the same run.
//
//     ingest_bench <observations.csv> <relay counts file> <work dir>
//
// Run by `make bench`, which starts the gateway and the relay that counts bytes. These machines are
// noisy: read the ratios, not the times. The floors are a bare append + fdatasync of the same BSON
// bytes to a file on the same disk.

#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <thread>
#include <unistd.h>

struct WeatherSensorReading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string deviceId;
    double temperatureInFahrenheit = 0;
    double barometricPressureInHg = 0;
    double windSpeedInMph = 0;
};
REALM_ASYMMETRIC_SCHEMA(WeatherSensorReading, _id, deviceId, temperatureInFahrenheit,
                        barometricPressureInHg, windSpeedInMph)

namespace {

using clock_type = std::chrono::steady_clock;
// 5 bytes of frame, then type + name + NUL + value of each of the five fields.
constexpr size_t bson_bytes = 5 + (5 + 12) + (10 + 4 + 11) + (25 + 8) + (24 + 8) + (16 + 8);

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

/// The observations of the file, again and again, as long as somebody asks.
class observations {
public:
    explicit observations(const char* path) {
        std::ifstream file(path);
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            double pressure, temperature, wind;
            if (std::sscanf(line.c_str(), "%*[^,],%lf,%lf,%lf", &pressure, &temperature, &wind) ==
                3)
                rows_.push_back({temperature * 9 / 5 + 32, pressure / 33.8639, wind * 2.23694});
        }
        if (rows_.empty())
            throw std::runtime_error(std::string("no observations in ") + path);
    }
    WeatherSensorReading at(size_t i) const {
        const auto& row = rows_[i % rows_.size()];
        WeatherSensorReading reading;
        reading.deviceId = "station-" + std::to_string(10 + i % 90);
        reading.temperatureInFahrenheit = row.temperature;
        reading.barometricPressureInHg = row.pressure;
        reading.windSpeedInMph = row.wind;
        return reading;
    }
    std::vector<WeatherSensorReading> make(size_t from, size_t count) const {
        std::vector<WeatherSensorReading> all;
        all.reserve(count);
        for (size_t i = 0; i < count; ++i)
            all.push_back(at(from + i));
        return all;
    }

private:
    struct row {
        double temperature, pressure, wind;
    };
    std::vector<row> rows_;
};

/// A file that is appended to and synced: the least that durability costs.
class floor_file {
public:
    explicit floor_file(const std::string& path)
        : fd_(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600)) {}
    ~floor_file() { ::close(fd_); }
    double append(size_t bytes) {
        if (noise_.size() < bytes)
            noise_.resize(bytes, 'x');
        const auto start = clock_type::now();
        if (::write(fd_, noise_.data(), bytes) != static_cast<ssize_t>(bytes) ||
            ::fdatasync(fd_) != 0)
            throw std::runtime_error("the floor file cannot be written");
        return seconds_since(start);
    }

private:
    int fd_;
    std::string noise_;
};

double percentile(std::vector<double> values, double p) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1,
                           static_cast<size_t>(p * static_cast<double>(values.size())))];
}

double resident_mib() {
    std::ifstream status("/proc/self/status");
    std::string key;
    double kib = 0;
    while (status >> key)
        if (key == "VmRSS:" && status >> kib)
            break;
    return kib / 1024;
}

/// Bytes of the outbox, its log included.
double bytes_on_disk(const std::string& path) {
    double total = 0;
    for (const char* suffix : {"", "-wal"}) {
        std::error_code missing;
        const auto size = std::filesystem::file_size(path + suffix, missing);
        if (!missing)
            total += static_cast<double>(size);
    }
    return total;
}

/// Space goes back to the file system after a drain, in the background.
double bytes_on_disk_when_drained(const std::string& path) {
    constexpr double empty = 4.0 * 1024 * 1024;
    const auto start = clock_type::now();
    while (bytes_on_disk(path) > empty) {
        if (seconds_since(start) > 60)
            throw std::runtime_error("the outbox keeps its size after it was drained");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return bytes_on_disk(path);
}

double bytes_up(const char* counts_path) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(1200)); // two periods of the relay's report
    std::ifstream file(counts_path);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto at = text.find("\"up\": ");
    return at == std::string::npos ? 0 : std::atof(text.c_str() + at + 6);
}

void print(const char* what, const std::string& figure, const std::string& floor, double ratio,
           const char* goal) {
    std::printf("%-44s %20s   floor %18s   ratio %7.2f   goal %s\n", what, figure.c_str(),
                floor.c_str(), ratio, goal);
    std::fflush(stdout);
}

std::string text(const char* format, double value) {
    char out[64];
    std::snprintf(out, sizeof out, format, value);
    return out;
}

} // namespace

int main(int argc, char** argv) try {
    if (argc != 4) {
        std::fprintf(stderr,
                     "usage: ingest_bench <observations.csv> <relay counts file> <work dir>\n");
        return 2;
    }
    const observations weather(argv[1]);
    const char* counts_path = argv[2];
    const std::string work = argv[3];

    realm::App::configuration app_config;
    app_config.app_id = "bench";
    app_config.path = work;
    auto app = realm::App(app_config);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    const auto path = config.path();
    auto db = realm::open<WeatherSensorReading>(config);
    auto session = *db.get_sync_session();
    session.wait_for_upload_completion().get();
    session.pause();
    size_t next = 0;

    { // one object, one write
        floor_file file(work + "/floor-one");
        std::vector<double> ours, floor;
        for (int i = 0; i < 3000; ++i) {
            auto reading = weather.at(next++);
            const auto start = clock_type::now();
            db.write([&] { db.add(std::move(reading)); });
            ours.push_back(seconds_since(start));
            floor.push_back(file.append(bson_bytes));
        }
        for (double p : {0.5, 0.99})
            print(p < 0.9 ? "one-object write(), p50" : "one-object write(), p99",
                  text("%.0f us", percentile(ours, p) * 1e6),
                  text("%.0f us", percentile(floor, p) * 1e6),
                  percentile(ours, p) / percentile(floor, p), "1.5 x");
    }
    { // 100,000 objects, one write
        floor_file file(work + "/floor-bulk");
        std::vector<double> ours, floor;
        for (int round = 0; round < 7; ++round) {
            auto readings = weather.make(next, 100'000);
            next += readings.size();
            const auto start = clock_type::now();
            db.write([&] {
                for (auto& reading : readings)
                    db.add(std::move(reading));
            });
            ours.push_back(seconds_since(start));
            floor.push_back(file.append(bson_bytes * readings.size()));
        }
        const double mine = percentile(ours, 0.5), bare = percentile(floor, 0.5);
        print("100,000 objects in one write()", text("%.2f M objects/s", 0.1 / mine),
              text("%.2f M objects/s", 0.1 / bare), mine / bare, "2 M objects/s");
    }
    session.resume();
    session.wait_for_upload_completion().get();
    const double disk = bytes_on_disk_when_drained(path);
    session.pause();
    { // a backlog of a million
        floor_file file(work + "/floor-backlog");
        const double resident = resident_mib();
        double ours = 0, floor = 0, peak = resident;
        for (int round = 0; round < 1000; ++round) {
            auto readings = weather.make(next, 1000);
            next += readings.size();
            const auto start = clock_type::now();
            db.write([&] {
                for (auto& reading : readings)
                    db.add(std::move(reading));
            });
            ours += seconds_since(start);
            floor += file.append(bson_bytes * readings.size());
            if (round % 100 == 0)
                peak = std::max(peak, resident_mib());
        }
        print("1,000,000 objects in writes of 1,000", text("%.2f M objects/s", 1 / ours),
              text("%.2f M objects/s", 1 / floor), ours / floor, "-");
        print("  memory above the start, at the most", text("%.1f MiB", peak - resident),
              text("%.1f MiB of BSON", 1e6 * bson_bytes / 1048576),
              (peak - resident) / (1e6 * bson_bytes / 1048576), "flat");
        const double on_disk = (bytes_on_disk(path) - disk) / 1e6;
        print("  bytes a pending object on disk", text("%.1f B", on_disk),
              text("%.0f B of BSON", double(bson_bytes)), on_disk / bson_bytes, "12 B");
    }
    { // the backlog goes to the gateway
        const double before = bytes_up(counts_path), resident = resident_mib();
        double peak = resident;
        const auto start = clock_type::now();
        session.resume();
        auto done = session.wait_for_upload_completion();
        while (done.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
            peak = std::max(peak, resident_mib());
        done.get();
        const double ours = seconds_since(start);
        const double wire = (bytes_up(counts_path) - before) / 1e6;
        std::ifstream floor_result(work + "/sqlite-floor");
        double floor = 0;
        floor_result >> floor; // documents a second, from bench/floor
        print("drain into the gateway", text("%.2f M objects/s", 1 / ours),
              text("%.2f M inserts/s", floor / 1e6), floor / 1e6 * ours, "-");
        print("  memory above the start, at the most", text("%.1f MiB", peak - resident),
              text("%.1f MiB of BSON", 1e6 * bson_bytes / 1048576),
              (peak - resident) / (1e6 * bson_bytes / 1048576), "flat");
        print("  bytes an object on the wire", text("%.1f B", wire),
              text("%.0f B of BSON", double(bson_bytes)), wire / bson_bytes, "-");
        std::printf("%-44s %20s\n", "  outbox after the drain",
                    text("%.0f KiB", bytes_on_disk_when_drained(path) / 1024).c_str());
    }
    { // 16 threads against one
        session.pause();
        constexpr int writes = 4000;
        auto run = [&](int threads) {
            std::vector<std::thread> pool;
            const auto start = clock_type::now();
            for (int t = 0; t < threads; ++t)
                pool.emplace_back([&, t] {
                    auto mine =
                        realm::open<WeatherSensorReading>(user.flexible_sync_configuration());
                    for (int i = 0; i < writes / threads; ++i)
                        mine.write(
                            [&] { mine.add(weather.at(static_cast<size_t>(t * writes + i))); });
                });
            for (auto& thread : pool)
                thread.join();
            return writes / seconds_since(start);
        };
        const double one = run(1), sixteen = run(16);
        print("16 threads, one-object writes", text("%.0f writes/s", sixteen),
              text("%.0f with one thread", one), sixteen / one, "above 1 (more is better)");
        const double before = bytes_up(counts_path);
        session.resume();
        session.wait_for_upload_completion().get();
        const double wire = (bytes_up(counts_path) - before) / (2.0 * writes);
        print("  bytes an object on the wire, small writes", text("%.1f B", wire),
              text("%.0f B of BSON", double(bson_bytes)), wire / bson_bytes, "-");
    }
    { // encrypted, beside the same writes that are not
        session.pause();
        auto sealed_config = user.flexible_sync_configuration();
        sealed_config.set_path(work + "/encrypted.realm");
        sealed_config.set_encryption_key({1});
        auto sealed = realm::open<WeatherSensorReading>(sealed_config);
        sealed.get_sync_session()->pause();
        auto timed = [](realm::db& db, std::vector<WeatherSensorReading> readings) {
            const auto start = clock_type::now();
            db.write([&] {
                for (auto& reading : readings)
                    db.add(std::move(reading));
            });
            return seconds_since(start);
        };
        auto compare = [&](const char* what, int rounds, size_t objects) {
            std::vector<double> ours, plain;
            for (int round = 0; round < rounds; ++round) {
                ours.push_back(timed(sealed, weather.make(next, objects)));
                plain.push_back(timed(db, weather.make(next, objects)));
                next += objects;
            }
            const double mine = percentile(ours, 0.5), other = percentile(plain, 0.5);
            print(what, text("%.0f us", mine * 1e6), text("%.0f us plain", other * 1e6),
                  mine / other, "1.1 x");
        };
        compare("one-object write(), encrypted, p50", 3000, 1);
        compare("100,000 objects in one write(), encrypted", 7, 100'000);
        for (auto* one : {&sealed, &db}) {
            one->get_sync_session()->resume();
            one->get_sync_session()->wait_for_upload_completion().get();
        }
    }
    return 0;
} catch (const realm::app_error& e) {
    std::fprintf(stderr, "%s\n", std::string(e.message()).c_str());
    return 1;
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
