// A host program whose signals have their default dispositions, as those of C and C++ programs do:
// nothing that the network or a full disk does to the library ends it, and its own signals stay its
// own. Each test is a process of its own, which exits with 0 when all held.
#include <cpprealm/sdk.hpp>
#include <realm_ingest.h>

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <iostream>
#include <random>
#include <set>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>

#include "gateway_fixture.hpp"
#include "sockets.hpp"

namespace {

struct Sample {
    realm::primary_key<int64_t> _id = 0;
    std::vector<std::uint8_t> bytes;
};
REALM_ASYMMETRIC_SCHEMA(Sample, _id, bytes)

/// Noise, which nothing compresses.
std::vector<std::uint8_t> noise(std::size_t size) {
    std::mt19937_64 numbers(7);
    std::vector<std::uint8_t> bytes(size);
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(numbers());
    return bytes;
}

void write(const realm::db& db, int64_t id, std::size_t size) {
    auto handle = db;
    handle.write([&] { handle.add(Sample{id, noise(size)}); });
}

void must(bool holds, const char* what) {
    if (!holds)
        throw std::runtime_error(what);
}

bool blocked(int signal) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, signal) == 1;
}

bool pending(int signal) {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal) == 1;
}

bool has_default_disposition(int signal) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    return action.sa_handler == SIG_DFL;
}

/// What the test is: nothing here may outlive the process, which ends with the exit status alone.
[[noreturn]] void run(const std::function<void()>& scenario) {
    try {
        must(has_default_disposition(SIGPIPE) && has_default_disposition(SIGXFSZ), "before");
        scenario();
        must(has_default_disposition(SIGPIPE) && has_default_disposition(SIGXFSZ), "after");
        must(!blocked(SIGPIPE) && !blocked(SIGXFSZ), "the mask is as before");
    } catch (const std::exception& e) {
        std::cerr << "failed: " << e.what() << std::endl;
        _exit(1);
    }
    _exit(0);
}

#define HOLDS(...) EXPECT_EXIT(run(__VA_ARGS__), testing::ExitedWithCode(0), "")

realm::App app_at(const std::string& url, const std::filesystem::path& files) {
    realm::App::configuration config;
    config.app_id = "test-app";
    config.base_url = url;
    config.path = files.string();
    config.enable_caching = false;
    return realm::App(config);
}

bool login_fails(const realm::App& app) {
    try {
        auto handle = app;
        handle.login(realm::App::credentials::anonymous()).get();
        return false;
    } catch (const realm::app_error&) {
        return true;
    }
}

TEST(Signals, https_to_a_port_that_speaks_no_tls_fails_and_the_host_lives) {
    HOLDS([] {
        test::gateway gateway;
        test::temporary_directory files;
        auto url = "https" + gateway.url().substr(4);
        for (int i = 0; i < 20; ++i)
            must(login_fails(app_at(url, files.path)), "a log-in without TLS fails");
    });
}

TEST(Signals, a_clients_own_request_to_such_a_port_fails_on_its_thread_too) {
    HOLDS([] {
        test::gateway gateway;
        realm::networking::default_http_transport transport;
        realm::networking::request request;
        request.url = "https" + gateway.url().substr(4);
        request.timeout_ms = 60000;
        for (int i = 0; i < 20; ++i) {
            realm::networking::response answer;
            transport.send_request_to_server(request, [&](const auto& got) { answer = got; });
            must(answer.custom_status_code != 0, "a request without TLS fails");
        }
        must(!pending(SIGPIPE), "nothing is left pending");
    });
}

TEST(Signals, a_server_that_hangs_up_during_large_uploads_is_tried_again) {
    HOLDS([] {
        test::with_gateway with;
        test::forwarder between(with.gateway.url());
        // Called on the library's threads, also after a connection broke.
        struct silent_logger : realm::logger {
            void do_log(level, const std::string&) override {}
        };
        auto logger = std::make_shared<silent_logger>();
        logger->set_level_threshold(realm::logger::level::all);
        realm::set_default_logger(logger);
        auto app = app_at(between.url(), with.files.path);
        auto user = app.login(realm::App::credentials::anonymous()).get();
        auto db = realm::open<Sample>(with.config(user));
        db.get_sync_session()->wait_for_upload_completion().get();
        between.cut_after(256 * 1024);
        for (int64_t id = 0; id < 3; ++id)
            write(db, id, 4 << 20);
        auto done = db.get_sync_session()->wait_for_upload_completion();
        for (int attempt = 1; attempt <= 5; ++attempt) {
            between.wait_for_cuts(attempt);
            db.get_sync_session()->reconnect();
        }
        between.cut_after(0);
        db.get_sync_session()->reconnect();
        done.get();
        must(with.gateway.count("Sample") == 3, "all has arrived");
    });
}

TEST(Signals, a_gateway_that_is_killed_ends_no_client) {
    HOLDS([] {
        test::with_gateway with;
        auto db = realm::open<Sample>(with.config(with.log_in()));
        std::atomic<bool> stop{false};
        std::thread writer([&] {
            auto own = realm::open<Sample>(with.config(*with.app.get_current_user()));
            for (int64_t id = 0; !stop; ++id)
                write(own, id, 256 * 1024);
        });
        for (int round = 0; round < 5; ++round) {
            db.get_sync_session()->reconnect();
            with.gateway.kill();
            with.gateway.start();
        }
        stop = true;
        writer.join();
        db.get_sync_session()->reconnect();
        db.get_sync_session()->wait_for_upload_completion().get();
    });
}

/// Documents that fill the file; the error that ended it.
std::string write_until_it_fails(const realm::db& db) {
    for (int64_t id = 0; id < 1000; ++id) {
        try {
            write(db, id, 64 * 1024);
        } catch (const std::exception& e) {
            return e.what();
        }
    }
    return {};
}

TEST(Signals, a_write_beyond_the_limit_of_file_sizes_is_an_error_and_later_ones_succeed) {
    HOLDS([] {
        test::fake_app app;
        auto db = realm::open<Sample>(test::fake_app::quiet(app.log_in()));
        rlimit limit = {};
        getrlimit(RLIMIT_FSIZE, &limit);
        auto before = limit;
        limit.rlim_cur = 1 << 20;
        setrlimit(RLIMIT_FSIZE, &limit);
        must(!write_until_it_fails(db).empty(), "a write fails");
        must(!pending(SIGXFSZ), "nothing is left pending");
        setrlimit(RLIMIT_FSIZE, &before);
        write(db, 1000, 64 * 1024);
    });
}

TEST(Signals, the_c_door_keeps_them_off_as_well) {
    HOLDS([] {
        test::gateway gateway;
        test::temporary_directory files;
        std::string id = "c-app", path = files.path.string();
        auto open = [&](const std::string& url) {
            realm_ingest_app_config* config = nullptr;
            realm_ingest_app* app = nullptr;
            realm_ingest_app_config_new(id.data(), id.size(), nullptr, &config);
            realm_ingest_app_config_set_base_url(config, url.data(), url.size(), nullptr);
            realm_ingest_app_config_set_path(config, path.data(), path.size(), nullptr);
            realm_ingest_app_new(config, nullptr, &app);
            realm_ingest_app_config_free(config);
            return app;
        };
        realm_ingest_user* user = nullptr;
        for (int i = 0; i < 20; ++i) {
            auto app = open("https" + gateway.url().substr(4));
            must(realm_ingest_app_login_anonymous(app, nullptr, &user) != REALM_INGEST_OK,
                 "no TLS");
            realm_ingest_app_free(app);
        }
        auto app = open(gateway.url());
        must(realm_ingest_app_login_anonymous(app, nullptr, &user) == REALM_INGEST_OK, "log-in");
        std::string schema =
            R"({"classes":[{"name":"Sample","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"int"},{"name":"bytes","type":"data"}]}]})";
        realm_ingest_realm_config* config = nullptr;
        realm_ingest_realm* realm = nullptr;
        realm_ingest_realm_config_new(schema.data(), schema.size(), nullptr, &config);
        must(realm_ingest_realm_new(user, config, nullptr, &realm) == REALM_INGEST_OK, "open");
        gateway.kill();
        rlimit limit = {};
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = 1 << 20;
        setrlimit(RLIMIT_FSIZE, &limit);
        auto body = noise(64 * 1024);
        auto size = static_cast<std::int32_t>(body.size());
        auto length = static_cast<std::int32_t>(4 + 13 + 7 + 5 + body.size() + 1);
        std::string document(reinterpret_cast<char*>(&length), 4);
        document += std::string("\x12_id\0\1\0\0\0\0\0\0\0", 13) + std::string("\x05"
                                                                               "bytes\0",
                                                                               7);
        document += std::string(reinterpret_cast<char*>(&size), 4) + '\0';
        document.append(body.begin(), body.end());
        document += '\0';
        realm_ingest_code code = REALM_INGEST_OK;
        for (int i = 0; i < 1000 && code == REALM_INGEST_OK; ++i)
            code = realm_ingest_realm_append(realm, "Sample", 6,
                                             reinterpret_cast<const std::uint8_t*>(document.data()),
                                             document.size(), nullptr, nullptr);
        must(code == REALM_INGEST_OUT_OF_DISK_SPACE || code == REALM_INGEST_FILE_OPERATION_FAILED,
             "a write fails for the file's size");
        must(!pending(SIGXFSZ), "nothing is left pending");
    });
}

TEST(Signals, one_that_the_host_blocks_stays_pending_for_it) {
    HOLDS([] {
        test::fake_app app;
        auto db = realm::open<Sample>(test::fake_app::quiet(app.log_in()));
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        raise(SIGPIPE);
        write(db, 1, 10);
        must(pending(SIGPIPE), "it is still there");
        int taken = 0;
        sigwait(&set, &taken);
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    });
}

std::atomic<int> handled{0};

void write_and_see_it_go(const realm::db& db, int64_t id) {
    write(db, id, 10);
    while (db.m_realm.instance()->pending_objects() > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(Signals, handlers_of_the_host_run_on_its_own_threads_alone) {
    HOLDS([] {
        struct sigaction action = {};
        action.sa_handler = [](int) { ++handled; };
        sigaction(SIGUSR1, &action, nullptr);
        test::with_gateway with;
        auto db = realm::open<Sample>(with.config(with.log_in()));
        // A wait would end in a callback, whose thread is for that time as one of the host's.
        write_and_see_it_go(db, 1);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        kill(getpid(), SIGUSR1);
        write_and_see_it_go(db, 2);
        must(handled == 0 && pending(SIGUSR1), "no thread of the library takes it");
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        must(handled == 1, "this one does");
    });
}

/// What a callback sees of the mask.
struct mask_seen {
    std::atomic<int> calls{0};
    std::atomic<bool> shut_out{false};
    void look() {
        ++calls;
        if (blocked(SIGPIPE) || blocked(SIGTERM))
            shut_out = true;
    }
};

TEST(Signals, callbacks_have_the_mask_of_the_thread_that_opened_the_app) {
    HOLDS([] {
        struct looking_logger : realm::logger {
            mask_seen seen;
            void do_log(level, const std::string&) override { seen.look(); }
        };
        auto logger = std::make_shared<looking_logger>();
        logger->set_level_threshold(realm::logger::level::all);
        realm::set_default_logger(std::shared_ptr<realm::logger>(logger));
        mask_seen transport, errors, waits;
        test::fake_app app;
        app.server->instead = [&](const auto&) {
            transport.look();
            return std::nullopt;
        };
        auto config = app.log_in().flexible_sync_configuration();
        std::promise<void> told;
        config.sync_config().set_error_handler([&](const auto&, const auto&) {
            errors.look();
            if (errors.calls == 1)
                told.set_value();
        });
        auto db = realm::open<Sample>(config);
        write(db, 1, 10);
        told.get_future().wait();
        std::promise<void> ended;
        db.get_sync_session()->wait_for_upload_completion([&](auto) {
            waits.look();
            ended.set_value();
        });
        db.get_sync_session()->pause();
        ended.get_future().wait();
        for (auto* seen : {&transport, &errors, &waits, &logger->seen})
            must(seen->calls > 0 && !seen->shut_out, "a callback sees the host's mask");
    });
}

/// A thread that has ended lets in nothing else.
bool lets_in_faults_alone(const std::filesystem::path& task) {
    std::ifstream status(task / "status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("SigBlk:", 0) == 0) {
            auto mask = std::stoull(line.substr(8), nullptr, 16);
            auto blocked = [&](int signal) { return (mask >> (signal - 1) & 1) != 0; };
            return blocked(SIGPIPE) && blocked(SIGTERM) && !blocked(SIGSEGV);
        }
    return true;
}

TEST(Signals, threads_of_the_library_have_whole_names_and_let_no_signal_in) {
    HOLDS([] {
        test::fake_app app;
        auto db = realm::open<Sample>(test::fake_app::quiet(app.log_in()));
        std::set<std::string> names;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(task.path() / "comm"), name);
            if (name.rfind("ingest-", 0) != 0)
                continue;
            names.insert(name);
            // In the host's code it has the host's mask, and while it starts that of the system's
            // library; neither lasts.
            const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
            while (!lets_in_faults_alone(task.path())) {
                must(std::chrono::steady_clock::now() < until, name.c_str());
                std::this_thread::yield();
            }
        }
        must(names.count("ingest-uploader") && names.count("ingest-callback"), "names");
    });
}

TEST(Signals, closed_standard_descriptors_do_not_become_files_of_the_library) {
    HOLDS([] {
        test::gateway gateway;
        test::temporary_directory files;
        for (int descriptor = 0; descriptor <= 2; ++descriptor)
            close(descriptor);
        auto app = app_at(gateway.url(), files.path);
        auto user = app.login(realm::App::credentials::anonymous()).get();
        auto db = realm::open<Sample>(user.flexible_sync_configuration());
        write(db, 1, 10);
        db.get_sync_session()->wait_for_upload_completion().get();
        for (int descriptor = 0; descriptor <= 2; ++descriptor) {
            struct stat found = {};
            if (fstat(descriptor, &found) != 0 || found.st_rdev != makedev(1, 3))
                _exit(2);
        }
    });
}

} // namespace
