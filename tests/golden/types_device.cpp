// Writes every golden value through the public headers to the gateway of the given URL, waits until
// all are uploaded, and prints a line `CLASS HEX` for each: the document that has to be stored.
//
//     types_device URL DIRECTORY
#include <cpprealm/sdk.hpp>

#include <iostream>

#include "../cpp/golden_apart.hpp"

namespace {

using namespace golden;

void write_all(const realm::db_config& config) {
    auto db = open_all(config);
    auto documents = golden_documents();
    put_all([&](const std::string& name, auto object) {
        auto& document = documents.at(name);
        tell_apart(object, document);
        db.write([&] { db.add(object); });
        std::string hex;
        realm::internal::append_hex(hex, document.data(), document.size());
        std::cout << realm::managed<decltype(object)>::schema.name << ' ' << hex << '\n';
    });
    db.get_sync_session()->wait_for_upload_completion().get();
}

} // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::cerr << "usage: types_device URL DIRECTORY\n";
        return 2;
    }
    realm::App::configuration configuration;
    configuration.app_id = "test-app";
    configuration.base_url = arguments[1];
    configuration.path = arguments[2];
    try {
        realm::App app(configuration);
        auto user = app.login(realm::App::credentials::anonymous()).get();
        write_all(user.flexible_sync_configuration());
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
