#include <cpprealm/sdk.hpp>

namespace realm {
enum class Kind { indoor, outdoor };
struct Position { double lat; double lon; };
REALM_EMBEDDED_SCHEMA(Position, lat, lon)
struct Reading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string deviceId;
    double temperature;
    int64_t wind;
    Kind kind = Kind::outdoor;
    std::chrono::time_point<std::chrono::system_clock> at;
    std::optional<std::string> note;
    std::vector<int64_t> samples;
    std::map<std::string, realm::mixed> tags;
    Position* position = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, deviceId, temperature, wind, kind, at, note, samples, tags, position)
}

struct MyLogger : realm::logger {
    void do_log(realm::logger::level, const std::string& msg) override { std::cout << msg << std::endl; }
};

int main() {
    auto appConfig = realm::App::configuration();
    appConfig.app_id = "sensors-abcde";
    appConfig.base_url = "http://localhost:9090";
    auto app = realm::App(appConfig);
    app.get_sync_manager().set_log_level(realm::logger::level::info);
    auto myLogger = std::make_shared<MyLogger>();
    realm::set_default_logger(myLogger);

    try {
        auto user = app.login(realm::App::credentials::anonymous()).get();
        auto config = user.flexible_sync_configuration();
        config.sync_config().set_error_handler(
            [](const realm::sync_session&, const realm::internal::bridge::sync_error& e) {
                for (auto& w : e.compensating_writes_info()) std::cerr << w.object_name << ": " << w.reason << "\n";
            });
        auto db = realm::open<realm::Reading, realm::Position>(config);
        auto reading = realm::Reading{.deviceId = "A1", .temperature = 64.7, .wind = 7};
        auto n = db.write([&] {
            auto m = db.add(std::move(reading));
            m.wind += 1;
            m.tags["room"] = std::string("north");
            m.position = new realm::Position{47.1, 8.5};
            return m.samples.size();
        });
        auto session = db.get_sync_session();
        auto token = session->observe_connection_change(
            [](enum realm::sync_session::connection_state, enum realm::sync_session::connection_state) {});
        session->wait_for_upload_completion().get();
        session->unregister_connection_change_observer(token);
        db.close();
        user.log_out().get();
        return n == 0 ? 0 : 1;
    } catch (const realm::app_error& e) {
        std::cerr << e.message() << "\n";
        return 2;
    }
}
