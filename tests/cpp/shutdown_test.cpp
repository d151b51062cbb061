// The end of the library's work within a process, by both doors. Each test is a process of its own,
// which exits as programs do, with its statics destroyed.
#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>
#include <realm_ingest.h>

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <thread>

#include "gateway_fixture.hpp"

namespace {

using namespace std::chrono_literals;

struct Note {
    realm::primary_key<realm::object_id> _id = realm::object_id::generate();
};
REALM_ASYMMETRIC_SCHEMA(Note, _id)

constexpr auto plenty = 60s;

void must(bool holds, const char* what) {
    if (!holds)
        throw std::runtime_error(what);
}

[[noreturn]] void run(const std::function<void()>& scenario) {
    try {
        scenario();
    } catch (const std::exception& e) {
        std::cerr << "failed: " << e.what() << std::endl;
        std::exit(1);
    }
    std::exit(0);
}

#define HOLDS(...) EXPECT_EXIT(run(__VA_ARGS__), testing::ExitedWithCode(0), "")

bool library_runs() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::getline(std::ifstream(task.path() / "comm"), name);
        if (name.rfind("ingest-", 0) == 0)
            return true;
    }
    return false;
}

/// A thread that has ended may be listed for a moment longer.
bool library_is_gone() {
    const auto until = std::chrono::steady_clock::now() + plenty;
    while (library_runs() && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
    return !library_runs();
}

void write(const realm::db& db) {
    auto handle = db;
    handle.write([&] { handle.add(Note{}); });
}

/// How a call fails after the end; empty where it does not.
template <typename Fn>
std::string failure(Fn&& fn) {
    try {
        fn();
        return {};
    } catch (const realm::app_error& error) {
        return std::string(error.message());
    } catch (const std::exception& error) {
        return error.what();
    }
}

TEST(Shutdown, ends_all_threads_and_every_later_call_says_so) {
    HOLDS([] {
        test::with_gateway with;
        auto user = with.log_in();
        auto db = realm::open<Note>(with.config(user));
        write(db);
        must(library_runs(), "it has threads");
        must(realm::ingest::shutdown(plenty), "they end");
        must(library_is_gone(), "they have ended");
        must(failure([&] { write(db); }).find("was shut down") != std::string::npos, "write");
        must(!failure([&] { with.app.login(realm::App::credentials::anonymous()).get(); }).empty(),
             "log in");
        must(!failure([&] { realm::open<Note>(user.flexible_sync_configuration()); }).empty(),
             "open");
        must(realm::ingest::shutdown(0ms), "a second time");
    });
}

TEST(Shutdown, fails_a_wait_and_keeps_what_is_pending) {
    HOLDS([] {
        test::fake_app app;
        auto db = realm::open<Note>(test::fake_app::quiet(app.log_in()));
        write(db);
        auto wait = db.get_sync_session()->wait_for_upload_completion();
        must(realm::ingest::shutdown(plenty), "threads end");
        must(wait.wait_for(plenty) == std::future_status::ready, "the wait ends");
        must(!failure([&] { wait.get(); }).empty(), "the wait fails");
    });
}

TEST(Shutdown, gives_up_on_a_transport_that_never_answers_and_the_program_exits) {
    HOLDS([] {
        test::fake_app app;
        auto user = app.log_in();
        std::promise<void> asked;
        // Never set, and alive as long as the process: the transport waits for it.
        static auto* answer = new std::promise<void>();
        app.server->instead = [&, first = true](const auto&) mutable -> std::nullopt_t {
            if (std::exchange(first, false))
                asked.set_value();
            answer->get_future().wait();
            return std::nullopt;
        };
        auto db = realm::open<Note>(test::fake_app::quiet(user));
        write(db);
        asked.get_future().wait();
        must(!realm::ingest::shutdown(100ms), "not within the limit");
        // The transport's thread uses it.
        static auto* server = new std::shared_ptr<test::fake_server>(app.server);
        must(server->use_count() > 1, "it is in use");
    });
}

TEST(Shutdown, cannot_wait_for_the_callback_that_calls_it) {
    HOLDS([] {
        test::fake_app app;
        auto config = app.log_in().flexible_sync_configuration();
        std::promise<bool> ended;
        // It is told that the server cannot be reached; what comes while the database is opened, on
        // the thread that opens it.
        std::atomic<bool> opened{false};
        config.sync_config().set_error_handler([&](const auto&, const auto&) {
            if (opened.exchange(false))
                ended.set_value(realm::ingest::shutdown(plenty));
        });
        auto db = realm::open<Note>(config);
        auto session = db.get_sync_session();
        opened = true;
        try {
            session->reconnect();
        } catch (const std::exception&) {
            // An attempt of its own was told first, and all has been shut down.
        }
        must(!ended.get_future().get(), "the callback has not returned");
        must(realm::ingest::shutdown(plenty), "now it has");
    });
}

TEST(Shutdown, waits_for_the_callback_of_a_call_that_the_own_transport_serves) {
    HOLDS([] {
        test::fake_app app;
        std::promise<void> entered, may_return;
        auto used = std::make_shared<int>();
        std::weak_ptr<int> observed = used;
        app.app.login(realm::App::credentials::anonymous(),
                      [&, used = std::move(used)](auto, auto) {
                          entered.set_value();
                          may_return.get_future().wait();
                      });
        entered.get_future().wait();
        must(!realm::ingest::shutdown(100ms), "the callback has not returned");
        may_return.set_value();
        must(realm::ingest::shutdown(plenty), "now it has");
        must(observed.expired(), "and what it used is gone");
    });
}

TEST(Shutdown, cannot_wait_for_the_call_whose_callback_calls_it) {
    HOLDS([] {
        test::fake_app app;
        std::promise<bool> ended;
        app.app.login(realm::App::credentials::anonymous(),
                      [&](auto, auto) { ended.set_value(realm::ingest::shutdown(plenty)); });
        must(!ended.get_future().get(), "the callback has not returned");
        must(realm::ingest::shutdown(plenty), "now it has");
    });
}

TEST(Shutdown, a_call_that_comes_later_ends_on_the_calling_thread) {
    HOLDS([] {
        test::fake_app app;
        app.log_in();
        must(realm::ingest::shutdown(plenty), "threads end");
        std::string said;
        app.app.login(realm::App::credentials::anonymous(),
                      [&](auto, auto error) { said = std::string(error.value().message()); });
        must(said.find("was shut down") != std::string::npos, "it has failed");
    });
}

TEST(Shutdown, while_threads_write_each_write_is_kept_or_refused) {
    HOLDS([] {
        test::fake_app app;
        auto user = app.log_in();
        std::atomic<int> written{0};
        std::atomic<bool> odd{false};
        std::vector<std::thread> writers;
        for (int i = 0; i < 4; ++i)
            writers.emplace_back([&] {
                auto text = failure([&] {
                    auto db = realm::open<Note>(test::fake_app::quiet(user));
                    for (;; ++written)
                        write(db);
                });
                if (text.find("was shut down") == std::string::npos)
                    odd = true;
            });
        while (written < 20)
            std::this_thread::yield();
        must(realm::ingest::shutdown(plenty), "threads end");
        for (auto& writer : writers)
            writer.join();
        must(!odd, "refused with the reason");
    });
}

TEST(Shutdown, by_the_c_door_does_the_same) {
    HOLDS([] {
        test::gateway gateway;
        test::temporary_directory files;
        std::string id = "c-app", url = gateway.url(), path = files.path.string();
        realm_ingest_app_config* config = nullptr;
        realm_ingest_app* app = nullptr;
        realm_ingest_user* user = nullptr;
        realm_ingest_app_config_new(id.data(), id.size(), nullptr, &config);
        realm_ingest_app_config_set_base_url(config, url.data(), url.size(), nullptr);
        realm_ingest_app_config_set_path(config, path.data(), path.size(), nullptr);
        must(realm_ingest_app_new(config, nullptr, &app) == REALM_INGEST_OK, "open");
        must(realm_ingest_app_login_anonymous(app, nullptr, &user) == REALM_INGEST_OK, "log in");
        must(library_runs(), "it has threads");
        must(realm_ingest_shutdown(60000), "they end");
        must(library_is_gone(), "they have ended");
        realm_ingest_error* error = nullptr;
        realm_ingest_user* again = nullptr;
        must(realm_ingest_app_login_anonymous(app, &error, &again) == REALM_INGEST_LOGIC_ERROR,
             "a later call fails");
        must(std::string(realm_ingest_error_message(error, nullptr)).find("was shut down") !=
                 std::string::npos,
             "and says why");
        realm_ingest_error_free(error);
        must(realm_ingest_app_config_set_base_url(config, url.data(), url.size(), nullptr) ==
                 REALM_INGEST_LOGIC_ERROR,
             "one that only notes something fails as well");
        realm_ingest_user_free(user);
        realm_ingest_app_free(app);
        realm_ingest_app_config_free(config);
    });
}

} // namespace
