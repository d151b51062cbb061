// Sockets of the tests' own that misbehave.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <condition_variable>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace test {

/// The port of `http://127.0.0.1:port`.
inline int port_of(const std::string& url) { return std::stoi(url.substr(url.rfind(':') + 1)); }

inline sockaddr_in loopback(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

/// Listens on a free port; its number comes back in `port`.
inline int listen_on_loopback(int& port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t length = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        listen(listener, 16) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        throw std::runtime_error("cannot listen");
    port = ntohs(address.sin_port);
    return listener;
}

/// Passes connections on to a server, and hangs up in the middle of requests when told to. Lives as
/// long as the process.
class forwarder {
public:
    explicit forwarder(const std::string& server) : server_(port_of(server)) {
        listener_ = listen_on_loopback(port_);
        std::thread([this] { accept_all(); }).detach();
    }
    forwarder(const forwarder&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// From now on a connection ends after so many bytes of the client's; 0 ends that.
    void cut_after(std::size_t bytes) {
        std::lock_guard lock(mutex_);
        limit_ = bytes;
    }
    /// Waits until so many connections were cut.
    void wait_for_cuts(int count) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(60), [&] { return cuts_ >= count; }))
            throw std::runtime_error("no connection was cut");
    }

private:
    void accept_all() {
        for (;;) {
            int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            std::thread([this, client] { serve(client); }).detach();
        }
    }

    void serve(int client) {
        int inner = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        auto address = loopback(server_);
        if (connect(inner, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
            pass_on(client, inner);
        close(inner);
        close(client);
    }

    void pass_on(int client, int inner) {
        std::array<char, 65536> buffer;
        std::size_t received = 0;
        for (;;) {
            std::array<pollfd, 2> ready = {pollfd{client, POLLIN, 0}, pollfd{inner, POLLIN, 0}};
            poll(ready.data(), ready.size(), -1);
            for (std::size_t side = 0; side < 2; ++side) {
                if (!ready[side].revents)
                    continue;
                auto count = recv(ready[side].fd, buffer.data(), buffer.size(), 0);
                if (count <= 0)
                    return;
                if (side == 0 && is_enough(received += static_cast<std::size_t>(count)))
                    return;
                int to = side == 0 ? inner : client;
                for (ssize_t sent = 0, more; sent < count; sent += more)
                    if ((more = send(to, buffer.data() + sent,
                                     static_cast<std::size_t>(count - sent), MSG_NOSIGNAL)) <= 0)
                        return;
            }
        }
    }

    bool is_enough(std::size_t received) {
        std::lock_guard lock(mutex_);
        if (limit_ == 0 || received < limit_)
            return false;
        ++cuts_;
        changed_.notify_all();
        return true;
    }

    int server_;
    int port_ = 0;
    int listener_ = -1;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t limit_ = 0;
    int cuts_ = 0;
};

} // namespace test
