// A program that is compiled without RTTI, as realm-cpp's headers allow: it opens a database,
// writes, and tells its own transport from the built-in one. Exits with 0 when all holds.
#include <cpprealm/sdk.hpp>

#include "fake_server.hpp"

namespace without_rtti {

struct Note {
    realm::primary_key<std::int64_t> _id;
    std::string text;
};
REALM_ASYMMETRIC_SCHEMA(Note, _id, text)

/// Whether the library uses its own client in the place of this one.
bool is_built_in(const std::shared_ptr<realm::networking::http_transport_client>& client) {
    const realm::internal::library_client& asked = *client;
    auto settings = realm::internal::ffi::new_http_settings();
    const std::unique_ptr<realm::internal::ffi::HostTransport> own(
        asked.realm_internal_take(client, *settings));
    return own == nullptr;
}

bool tells_transports_apart() {
    using built_in = realm::networking::default_http_transport;
    return is_built_in(std::make_shared<built_in>()) &&
           is_built_in(std::make_shared<built_in>(built_in::configuration{})) &&
           is_built_in(realm::networking::make_http_client()) &&
           !is_built_in(std::make_shared<test::counting_transport>()) &&
           !is_built_in(std::make_shared<test::fake_server>());
}

bool writes() {
    test::fake_app app;
    const auto config = test::fake_app::quiet(app.log_in());
    auto first = realm::open<Note>(config);
    auto second = realm::open<Note>(config);
    first.write([&] {
        Note note;
        note._id = 1;
        note.text = "without RTTI";
        first.add(std::move(note));
    });
    // Both are the same instance of this thread.
    return first == second;
}

} // namespace without_rtti

int main() { return without_rtti::tells_transports_apart() && without_rtti::writes() ? 0 : 1; }
