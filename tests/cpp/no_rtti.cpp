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

bool is_built_in(const realm::networking::http_transport_client& client) {
    return realm::internal::built_in_client(client) != nullptr;
}

bool tells_transports_apart() {
    realm::networking::default_http_transport built_in;
    realm::networking::default_http_transport configured{
        realm::networking::default_http_transport::configuration{}};
    test::counting_transport derived;
    test::fake_server own;
    return is_built_in(built_in) && is_built_in(configured) &&
           is_built_in(*realm::networking::make_http_client()) && !is_built_in(derived) &&
           !is_built_in(own);
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
