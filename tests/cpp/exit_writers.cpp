// A program whose threads write while main returns: it exits, and what the threads use is there
// until the end.
#include <cpprealm/sdk.hpp>

#include <atomic>
#include <thread>

#include "fake_server.hpp"

struct Sample {
    realm::primary_key<realm::object_id> _id = realm::object_id::generate();
    std::string note;
};
REALM_ASYMMETRIC_SCHEMA(Sample, _id, note)

int main() {
    constexpr int threads = 4, enough = 5;
    // Not destroyed, and not lost: the threads use them until the process is gone.
    static auto* app = new test::fake_app();
    static auto* user = new realm::user(app->log_in());
    static auto* written = new std::atomic<int>(0);
    for (int i = 0; i < threads; ++i)
        std::thread([] {
            for (;;) {
                auto db = realm::open(test::fake_app::quiet(*user));
                for (int n = 0; n < enough; ++n, ++*written)
                    db.write([&] {
                        auto added = db.add(Sample{realm::object_id::generate(), "first"});
                        added.note = "second";
                    });
            }
        }).detach();
    while (*written < threads * enough)
        std::this_thread::yield();
}
