// A program that forks with open databases: every call in the child says so at once, whatever the
// parent's threads were doing, and nothing of the parent's is harmed.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <thread>
#include <vector>

#include "gateway_fixture.hpp"

namespace {

struct Beat {
    realm::primary_key<int64_t> _id = 0;
    std::string note;
};
REALM_ASYMMETRIC_SCHEMA(Beat, _id, note)

void write(const realm::db& db, int64_t id) {
    auto handle = db;
    handle.write([&] { handle.add(Beat{id, "x"}); });
}

void must(bool holds, const std::string& what) {
    if (!holds)
        throw std::runtime_error(what);
}

/// Whether the call is refused because this process was forked.
void refused(const char* what, const std::function<void()>& call) {
    auto text = test::message_of(call);
    must(text.find("this process was forked from process ") != std::string::npos,
         std::string(what) + ": " + text);
}

/// What the child does; it ends in the way of every program, with what it inherited going away.
template <typename Scenario>
[[noreturn]] void child(Scenario&& scenario) {
    // A call that hangs is a failure.
    alarm(60);
    int status = 0;
    try {
        scenario();
    } catch (const std::exception& e) {
        std::cerr << "in the child: " << e.what() << std::endl;
        status = 1;
    }
    std::exit(status);
}

/// A test in a process of its own: the one of all tests forks as it likes, for it does not use the
/// library.
[[noreturn]] void run(const std::function<void()>& scenario) {
    try {
        scenario();
    } catch (const std::exception& e) {
        std::cerr << "failed: " << e.what() << std::endl;
        _exit(1);
    }
    _exit(0);
}

#define HOLDS(...) EXPECT_EXIT(run(__VA_ARGS__), testing::ExitedWithCode(0), "")

int exit_status(pid_t child) {
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Fork, every_call_in_the_child_fails_at_once_and_the_parent_goes_on) {
    HOLDS([] {
        test::with_gateway with;
        auto user = with.log_in();
        auto config = with.config(user);
        std::optional<realm::db> db = realm::open<Beat>(config);
        db->get_sync_session()->wait_for_upload_completion().get();
        std::atomic<bool> stop{false};
        std::atomic<int64_t> written{0};
        std::vector<std::thread> writers;
        for (int number = 0; number < 3; ++number)
            writers.emplace_back([&, number] {
                auto own = realm::open<Beat>(with.config(user));
                for (int64_t id = 0; !stop; ++id, ++written)
                    write(own, id * 3 + number);
            });
        for (int round = 0; round < 10; ++round) {
            for (auto before = written.load(); written == before;)
                std::this_thread::yield();
            auto pid = fork();
            if (pid == 0)
                child([&] {
                    auto session = *db->get_sync_session();
                    refused("write", [&] { write(*db, -1); });
                    refused("upload", [&] { session.wait_for_upload_completion().get(); });
                    refused("download", [&] { session.wait_for_download_completion().get(); });
                    refused("open", [&] { realm::open<Beat>(config); });
                    refused("login",
                            [&] { with.app.login(realm::App::credentials::anonymous()).get(); });
                    refused("log out", [&] { user.log_out().get(); });
                    refused("app", [&] { with.gateway.app(with.files.path / "other"); });
                    refused("state", [&] { session.state(); });
                    refused("pause", [&] { session.pause(); });
                    refused("reconnect", [&] { session.reconnect(); });
                    db->close();
                    db.reset();
                });
            must(exit_status(pid) == 0, "the child is well");
        }
        stop = true;
        for (auto& writer : writers)
            writer.join();
        db->get_sync_session()->wait_for_upload_completion().get();
        must(with.gateway.count("Beat") == static_cast<std::size_t>(written.load()), "all arrived");
    });
}

TEST(Fork, a_transaction_that_was_open_ends_in_the_child_and_goes_on_in_the_parent) {
    HOLDS([] {
        test::with_gateway with;
        auto db = realm::open<Beat>(with.config(with.log_in()));
        db.begin_write();
        db.add(Beat{1, "before"});
        auto pid = fork();
        if (pid == 0)
            child([&] { refused("commit", [&] { db.commit_write(); }); });
        must(exit_status(pid) == 0, "the child is well");
        db.add(Beat{2, "after"});
        db.commit_write();
        db.get_sync_session()->wait_for_upload_completion().get();
        must(with.gateway.count("Beat") == 2, "both arrived");
    });
}

TEST(Fork, a_program_that_goes_into_the_background_too_late_loses_nothing) {
    test::gateway gateway;
    test::temporary_directory files;
    int said[2];
    ASSERT_EQ(pipe(said), 0);
    auto program = fork();
    if (program == 0) {
        auto app = gateway.app(files.path);
        auto user = app.login(realm::App::credentials::anonymous()).get();
        auto db = realm::open<Beat>(test::fake_app::quiet(user));
        db.get_sync_session()->pause();
        for (int64_t id = 0; id < 100; ++id)
            write(db, id);
        if (fork() != 0)
            _exit(0);
        child([&] {
            refused("write", [&] { write(db, 100); });
            must(::write(said[1], "k", 1) == 1, "the pipe");
        });
    }
    EXPECT_EQ(exit_status(program), 0);
    close(said[1]);
    char heard = 0;
    EXPECT_EQ(read(said[0], &heard, 1), 1);
    EXPECT_EQ(read(said[0], &heard, 1), 0) << "the child has ended";
    close(said[0]);
    HOLDS([&] {
        auto app = gateway.app(files.path);
        auto db = realm::open<Beat>(test::fake_app::quiet(*app.get_current_user()));
        db.get_sync_session()->wait_for_upload_completion().get();
    });
    EXPECT_EQ(gateway.count("Beat"), 100U);
}

} // namespace
