// One device of many: writes readings through the public headers, at its pace, until its standard
// input ends, then waits until everything is uploaded.
//
//     cluster_device NUMBER TRANSACTIONS_PER_SECOND
//
// After each write() that returned, its number is appended to the file `ledger`, a line of
// ledger_line bytes. What a reading holds follows from its id, `NUMBER/TRANSACTION/PART`, so that
// the judge (judge.py) can tell a changed one. Standard output has `ready USER`, an `error ...` for
// each call of the error handler, and at the end `drained USER STRANDED_FILES`.

#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <thread>
#include <unistd.h>

using time_point = std::chrono::time_point<std::chrono::system_clock>;

struct ClusterReading {
    realm::primary_key<std::string> _id;
    int64_t device;
    int64_t transaction;
    int64_t part;
    time_point at;
    double celsius;
    std::vector<int64_t> samples;
    std::string filler; // some transactions pass the threshold above which payloads are compressed
};
REALM_ASYMMETRIC_SCHEMA(ClusterReading, _id, device, transaction, part, at, celsius, samples,
                        filler)

namespace {

constexpr int ledger_line = 11;

ClusterReading make_reading(int64_t device, int64_t transaction, int64_t part) {
    ClusterReading reading{};
    reading._id =
        std::to_string(device) + "/" + std::to_string(transaction) + "/" + std::to_string(part);
    reading.device = device;
    reading.transaction = transaction;
    reading.part = part;
    reading.at = time_point(std::chrono::seconds(1'700'000'000 + transaction));
    reading.celsius = static_cast<double>(transaction) / 8 + static_cast<double>(part);
    for (int64_t i = 0; i <= part; ++i)
        reading.samples.push_back(transaction * 10 + i);
    reading.filler = std::string(static_cast<size_t>(transaction % 7 == 0 ? 2000 : 20),
                                 static_cast<char>('a' + transaction % 26));
    return reading;
}

void append(int file, const char* text, int length) {
    if (::write(file, text, static_cast<size_t>(length)) != length)
        std::_Exit(3);
}

void say(const std::string& line) {
    const auto text = line + "\n";
    append(STDOUT_FILENO, text.data(), static_cast<int>(text.size()));
}

/// Whether standard input ended before this moment.
bool told_to_stop(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))) > 0;
}

} // namespace

int main(int argc, char** argv) try {
    if (argc != 3)
        return 2;
    const int64_t device = std::atoll(argv[1]);
    const auto pause = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(1 / std::atof(argv[2])));
    const int ledger = ::open("ledger", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    realm::App::configuration app_config;
    app_config.app_id = "cluster-abcde"; // REALM_INGEST_URL says where the load balancer is
    auto app = realm::App(app_config);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    config.sync_config().set_error_handler(
        [](const realm::sync_session&, const realm::sync_error& error) {
            say(std::string("error ") + (error.is_fatal() ? "fatal: " : "passing: ") +
                std::string(error.message()));
        });
    auto realm = realm::open<ClusterReading>(config);
    say("ready " + user.identifier());

    int64_t transaction = 0;
    auto next = std::chrono::steady_clock::now();
    while (!told_to_stop(next)) {
        next += pause;
        ++transaction;
        realm.write([&] {
            for (int64_t part = 0; part < 1 + transaction % 5; ++part)
                realm.add(make_reading(device, transaction, part));
        });
        char line[ledger_line + 1];
        append(ledger, line,
               std::snprintf(line, sizeof line, "%010lld\n", static_cast<long long>(transaction)));
    }

    realm.get_sync_session()->wait_for_upload_completion().get();
    const auto last = app.get_current_user();
    say("drained " + (last ? last->identifier() : "nobody") + " " +
        std::to_string(realm::ingest::stranded(app).size()));
    return 0;
} catch (const realm::app_error& e) {
    std::cerr << e.message() << std::endl;
    return 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << std::endl;
    return 1;
}
