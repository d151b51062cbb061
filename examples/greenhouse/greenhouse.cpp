// Notes the climate of a greenhouse: ./greenhouse HOUSE CELSIUS HUMIDITY
#include <cpprealm/sdk.hpp>

// A class for Data Ingest is a struct with a primary key `_id`, and a macro that names its members.
struct Climate {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string house;
    std::chrono::time_point<std::chrono::system_clock> at = std::chrono::system_clock::now();
    double celsius = 0;
    double humidity = 0;
};
REALM_ASYMMETRIC_SCHEMA(Climate, _id, house, at, celsius, humidity)

int main(int argc, char** argv) try {
    if (argc != 4) {
        std::cerr << "usage: greenhouse HOUSE CELSIUS HUMIDITY\n";
        return 2;
    }

    // The environment variable REALM_INGEST_URL says where the gateway is.
    auto appConfig = realm::App::configuration();
    appConfig.app_id = "greenhouse-abcde";
    auto app = realm::App(appConfig);

    // Only the first log-in needs the gateway: who is logged in stays so.
    auto known = app.get_current_user();
    auto user = known ? *known : app.login(realm::App::credentials::anonymous()).get();

    auto db = realm::open<Climate>(user.flexible_sync_configuration());
    Climate climate;
    climate.house = argv[1];
    climate.celsius = std::stod(argv[2]);
    climate.humidity = std::stod(argv[3]);
    db.write([&] { db.add(std::move(climate)); });
    std::cout << "written: it is safe on this device\n";

    // It is sent in the background. A program that ends before goes on with its next start.
    auto uploaded = db.get_sync_session()->wait_for_upload_completion();
    if (uploaded.wait_for(std::chrono::seconds(10)) == std::future_status::ready) {
        uploaded.get();
        std::cout << "arrived: the gateway has stored it\n";
    } else {
        std::cout << "waiting for the gateway\n";
    }
} catch (const realm::app_error& error) {
    std::cerr << "cannot log in: " << error.message() << "\n";
    return 1;
} catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
}
