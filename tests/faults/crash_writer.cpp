// The program that gets killed: writes transactions without pause and reports on standard output,
// unbuffered, what it is about to write (`try N`) and what write() has returned from (`done N`).
//
//     crash_writer FIRST COUNT    writes transactions FIRST .. FIRST+COUNT-1, waits for the upload,
//     prints `drained`
//
// Transaction N holds 1 + N % 5 objects, so that a half-kept one can be told from a whole one.

#include <cpprealm/sdk.hpp>

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

struct CrashProbe {
    realm::primary_key<std::string> _id;
    int64_t transaction;
    int64_t part;
    int64_t parts;
    std::string filler; // some transactions pass the threshold above which payloads are compressed
};
REALM_ASYMMETRIC_SCHEMA(CrashProbe, _id, transaction, part, parts, filler)

namespace {

void report(const char* what, int64_t n) {
    char line[64];
    const int length =
        std::snprintf(line, sizeof line, "%s %lld\n", what, static_cast<long long>(n));
    if (::write(STDOUT_FILENO, line, static_cast<size_t>(length)) != length)
        std::_Exit(3); // nobody listens any more
}

} // namespace

int main(int argc, char** argv) try {
    if (argc != 3)
        return 2;
    const int64_t first = std::atoll(argv[1]), count = std::atoll(argv[2]);

    realm::App::configuration app_config;
    app_config.app_id = "crash-probe";
    auto app = realm::App(app_config);
    auto user = app.get_current_user();
    if (!user)
        user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user->flexible_sync_configuration();
    config.sync_config().set_error_handler(
        [](const realm::sync_session&, const realm::sync_error& e) {
            std::cerr << "sync: " << e.message() << std::endl;
        });
    auto realm = realm::open<CrashProbe>(config);
    report("ready", first);

    for (int64_t n = first; n < first + count; ++n) {
        const int64_t parts = 1 + n % 5;
        report("try", n);
        realm.write([&] {
            for (int64_t part = 0; part < parts; ++part) {
                CrashProbe probe{};
                probe._id = std::to_string(n) + "/" + std::to_string(part);
                probe.transaction = n;
                probe.part = part;
                probe.parts = parts;
                probe.filler = std::string(static_cast<size_t>(n % 7 == 0 ? 4000 : 20),
                                           'a' + static_cast<char>(n % 26));
                realm.add(std::move(probe));
            }
        });
        report("done", n);
    }
    realm.get_sync_session()->wait_for_upload_completion().get();
    report("drained", count);
    return 0;
} catch (const realm::app_error& e) {
    std::cerr << e.message() << std::endl;
    return 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << std::endl;
    return 1;
}
