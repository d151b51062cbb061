// The least program that streams, for `make bench` to weigh.
#include <cpprealm/sdk.hpp>

struct Greeting {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string text;
};
REALM_ASYMMETRIC_SCHEMA(Greeting, _id, text)

int main() {
    realm::App::configuration configuration;
    configuration.app_id = "hello-abcde";
    auto user = realm::App(configuration).login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    auto db = realm::db(std::move(config));
    Greeting greeting;
    greeting.text = "Hello, world!";
    db.write([&] { db.add(std::move(greeting)); });
    db.get_sync_session()->wait_for_upload_completion().get();
}
