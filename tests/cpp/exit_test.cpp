// A program that ends with its realm open, in each way that a program can: every object whose
// write() returned is there afterwards, also one that was written by a destructor when main had
// returned.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "fake_server.hpp"

namespace {

struct Beat {
    realm::primary_key<int64_t> _id;
    std::string note;
};
REALM_ASYMMETRIC_SCHEMA(Beat, _id, note)

constexpr int before_the_end = 20;

/// A realm that is a static of its program, and is used once more when it is destroyed.
struct program {
    int said = -1;
    std::optional<realm::App> app;
    std::optional<realm::db> db;

    void write(int64_t id) {
        db->write([&] { db->add(Beat{id, "before the end"}); });
        if (::write(said, "w", 1) != 1)
            std::_Exit(3);
    }
    ~program() {
        if (!db)
            return;
        try {
            write(1000);
        } catch (const std::exception&) {
            // Told, and so not counted.
        }
    }
};

/// Made before anything of the library's, and so destroyed after it.
program early;

struct Exit : testing::Test {
    test::temporary_directory directory;

    realm::App app() const {
        realm::App::configuration config;
        config.app_id = "exit";
        config.base_url = "http://fake";
        config.path = directory.path.string();
        config.http_transport_client = std::make_shared<test::fake_server>();
        return realm::App(config);
    }

    /// Lets another process write to `static_program` and end so; then looks at what is there.
    void ends(program& static_program, const std::function<void()>& end) {
        int pipes[2];
        ASSERT_EQ(pipe(pipes), 0);
        const auto child = fork();
        if (child == 0) {
            static_program.said = pipes[1];
            static_program.app = app();
            auto user = static_program.app->login(realm::App::credentials::anonymous()).get();
            static_program.db = realm::open<Beat>(test::fake_app::quiet(user));
            for (int64_t id = 0; id < before_the_end; ++id)
                static_program.write(id);
            end();
            std::_Exit(4);
        }
        close(pipes[1]);
        std::size_t written = 0;
        for (char heard; read(pipes[0], &heard, 1) == 1;)
            ++written;
        close(pipes[0]);
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << WEXITSTATUS(status);
        EXPECT_FALSE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
        EXPECT_GE(written, static_cast<std::size_t>(before_the_end));

        EXPECT_EQ(pending(), written);
    }

    /// How many objects another process finds; no fork is taken from one that has a realm open.
    std::size_t pending() const {
        const auto child = fork();
        if (child == 0) {
            auto again = app();
            auto user = again.get_current_user();
            auto db = realm::open<Beat>(test::fake_app::quiet(*user));
            _exit(static_cast<int>(db.m_realm.instance()->pending_objects()));
        }
        int status = 0;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status));
        return static_cast<std::size_t>(WEXITSTATUS(status));
    }
};

TEST_F(Exit, by_exit_with_a_static_made_before_the_library) {
    ends(early, [] { std::exit(0); });
}

TEST_F(Exit, by_exit_with_a_static_made_after_the_library) {
    auto late = std::make_unique<program>();
    ends(*late, [&] {
        static program* at_exit = late.release();
        std::atexit([] { delete at_exit; });
        std::exit(0);
    });
}

TEST_F(Exit, by_quick_exit) {
    ends(early, [] { std::quick_exit(0); });
}

TEST_F(Exit, by_underscore_exit) {
    ends(early, [] { _exit(0); });
}

TEST_F(Exit, by_abort) {
    ends(early, [] { std::abort(); });
}

TEST_F(Exit, by_a_signal) {
    ends(early, [] { raise(SIGTERM); });
}

TEST_F(Exit, by_an_exception_that_nobody_catches) {
    ends(early,
         [] { std::thread([] { throw std::runtime_error("nobody catches this"); }).join(); });
}

} // namespace
