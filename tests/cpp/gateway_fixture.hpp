// A gateway process of the test's own: REALM_INGEST_GATEWAY names its binary. It can be killed and
// started again on the same port over the same data, and asked what it holds.
#pragma once

#include <cpprealm/sdk.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "fake_server.hpp"

namespace test {

/// A program that runs until it is killed, or until its output ends.
class process {
public:
    process(const std::vector<std::string>& command, const std::filesystem::path& log) {
        int pipe_ends[2];
        if (pipe(pipe_ends) != 0)
            throw std::runtime_error("cannot make a pipe");
        std::vector<char*> arguments;
        for (const auto& argument : command)
            arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        int log_file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        pid_ = fork();
        if (pid_ == 0) {
            // A test that dies leaves nothing running.
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(pipe_ends[1], STDOUT_FILENO);
            dup2(log_file, STDERR_FILENO);
            close(pipe_ends[0]);
            close(pipe_ends[1]);
            execv(arguments[0], arguments.data());
            _exit(127);
        }
        close(log_file);
        close(pipe_ends[1]);
        output_ = fdopen(pipe_ends[0], "r");
        if (pid_ < 0 || !output_)
            throw std::runtime_error("cannot start " + command[0]);
    }
    ~process() { kill(); }
    process(const process&) = delete;

    std::optional<std::string> read_line() {
        std::string line;
        for (int c; (c = std::getc(output_)) != EOF && c != '\n';)
            line += static_cast<char>(c);
        if (line.empty() && std::feof(output_))
            return std::nullopt;
        return line;
    }

    void kill() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGKILL);
        wait();
    }
    /// The exit status.
    int wait() {
        int status = -1;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        std::fclose(output_);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    pid_t pid_ = 0;
    std::FILE* output_ = nullptr;
};

class gateway {
public:
    /// What it serves, and how.
    explicit gateway(std::vector<std::string> options = {"--dev"}) : options_(std::move(options)) {
        start();
    }

    void start() {
        std::vector<std::string> arguments{"serve", "--listen", "127.0.0.1:" + port_, "--data",
                                           data_.string()};
        arguments.insert(arguments.end(), options_.begin(), options_.end());
        process_.emplace(command(arguments), directory_.path / "gateway.log");
        while (auto line = process_->read_line()) {
            auto at = line->find("http");
            if (line->find("listening on") == std::string::npos || at == std::string::npos)
                continue;
            url_ = line->substr(at);
            port_ = url_.substr(url_.rfind(':') + 1);
            return;
        }
        throw std::runtime_error("the gateway did not start:\n" + log());
    }
    /// SIGKILL, as a power cut would have it.
    void kill() { process_.reset(); }
    /// The data of a gateway that does not run are gone, as when it is set up anew.
    void forget() { std::filesystem::remove_all(data_); }

    /// What is started from now on has this in its environment, `NAME=value` each.
    void set_environment(std::vector<std::string> environment) {
        environment_ = std::move(environment);
    }

    const std::string& url() const { return url_; }

    /// The lines that a command over the gateway's data prints, such as `find Reading`.
    std::vector<std::string> ask(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--data", data_.string()});
        process asked(command(arguments), directory_.path / "commands.log");
        std::vector<std::string> lines;
        while (auto line = asked.read_line())
            lines.push_back(*line);
        asked.wait();
        return lines;
    }
    /// All documents of a collection, canonical Extended JSON; none where there is no collection.
    std::vector<std::string> documents(const std::string& collection) const {
        return ask({"export", collection, "--canonical"});
    }
    std::size_t count(const std::string& collection) const { return documents(collection).size(); }
    std::vector<std::string> dead_letters() const { return ask({"dead-letters"}); }

    std::string log() const {
        std::ifstream file(directory_.path / "gateway.log");
        return {std::istreambuf_iterator<char>(file), {}};
    }

    /// An App of this gateway with files in that directory.
    realm::App app(const std::filesystem::path& files, const std::string& id = "test-app") const {
        realm::App::configuration config;
        config.app_id = id;
        config.base_url = url_;
        config.path = files.string();
        config.enable_caching = false;
        return realm::App(config);
    }

private:
    static std::string binary() {
        auto path = std::getenv("REALM_INGEST_GATEWAY");
        if (!path)
            throw std::runtime_error("REALM_INGEST_GATEWAY does not name the gateway");
        return path;
    }

    std::vector<std::string> command(const std::vector<std::string>& arguments) const {
        std::vector<std::string> command{"/usr/bin/env"};
        command.insert(command.end(), environment_.begin(), environment_.end());
        command.push_back(binary());
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
    }

    std::vector<std::string> options_;
    std::vector<std::string> environment_;
    temporary_directory directory_;
    std::filesystem::path data_ = directory_.path / "data";
    std::string url_;
    std::string port_ = "0";
    std::optional<process> process_;
};

/// A gateway, an App of it with files of its own, and an error handler that collects.
struct with_gateway {
    with_gateway() = default;
    explicit with_gateway(std::vector<std::string> options) : gateway(std::move(options)) {}

    test::gateway gateway;
    temporary_directory files;
    realm::App app = gateway.app(files.path);

    realm::user log_in() { return app.login(realm::App::credentials::anonymous()).get(); }
    realm::user log_in(const std::string& name) {
        auto password = std::string("password of ") + name;
        try {
            app.register_user(name, password).get();
        } catch (const realm::app_error&) {
            // Registered before.
        }
        return app.login(realm::App::credentials::username_password(name, password)).get();
    }

    /// A configuration whose errors are collected here.
    realm::db_config config(const realm::user& user) {
        auto config = user.flexible_sync_configuration();
        config.sync_config().set_error_handler(
            [this](const realm::sync_session&, const realm::sync_error& error) {
                std::lock_guard lock(mutex_);
                errors_.push_back(error);
                changed_.notify_all();
            });
        return config;
    }

    std::vector<realm::sync_error> errors() {
        std::lock_guard lock(mutex_);
        return errors_;
    }
    /// The first error, which comes on a thread of the library's.
    realm::sync_error first_error() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(60), [&] { return !errors_.empty(); }))
            throw std::runtime_error("no error came");
        return errors_.front();
    }
    /// The first that ends the session.
    realm::sync_error first_fatal_error() {
        std::unique_lock lock(mutex_);
        std::optional<realm::sync_error> found;
        changed_.wait_for(lock, std::chrono::seconds(60), [&] {
            for (const auto& error : errors_)
                if (error.is_fatal())
                    found = error;
            return found.has_value();
        });
        if (!found)
            throw std::runtime_error("no fatal error came");
        return *found;
    }
    /// The first refusals that arrive.
    std::vector<realm::internal::bridge::compensating_write_error_info>
    refusals(std::size_t count) {
        std::unique_lock lock(mutex_);
        std::vector<realm::internal::bridge::compensating_write_error_info> found;
        changed_.wait_for(lock, std::chrono::seconds(60), [&] {
            found.clear();
            for (const auto& error : errors_)
                for (auto& write : error.compensating_writes_info())
                    found.push_back(std::move(write));
            return found.size() >= count;
        });
        return found;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<realm::sync_error> errors_;
};

} // namespace test
