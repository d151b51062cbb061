// The session that uploads what one realm path holds.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <utility>

#include <cpprealm/internal/bridge/status.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

/// Ends one wait with a callback. The library completes it exactly once.
template <typename>
struct wait_callback final : ffi::Completion {
    explicit wait_callback(std::function<void(bridge::status)>&& callback)
        : callback_(std::move(callback)) {}

    void complete(const ffi::Status& status) override { callback_(to_status(status)); }

private:
    std::function<void(bridge::status)> callback_;
};

/// Ends one wait with a future.
template <typename>
struct wait_promise final : ffi::Completion {
    std::promise<void> promise;

    void complete(const ffi::Status& status) override {
        try {
            throw_if_failed(status);
            promise.set_value();
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
    }
};

} // namespace realm::internal

namespace realm::internal::bridge {

/// A handle to a session; copies stand for the same one. Every member may be called from any
/// thread. The handle does not keep the session: once every db of the path is closed and the
/// background work that their stop policy asks for is over, members throw `std::runtime_error`.
/// Callbacks run on the library's own thread, so they return soon and wait for nothing.
struct sync_session {
    /// - `active`: connected, or trying to be;
    /// - `dying`: every db of the path is closed, and what waits is still being uploaded;
    /// - `inactive`: the user is logged out, the session has ended, or there was a fatal error;
    /// - `waiting_for_access_token`: a new access token is being fetched;
    /// - `paused`: by `pause()`.
    enum class state { active, dying, inactive, waiting_for_access_token, paused };
    /// Whether the server answers.
    enum class connection_state { disconnected, connecting, connected };

    /// For the library: `db::get_sync_session()` gives them.
    explicit sync_session(rust::Box<ffi::Session> session) : session_(std::move(session)) {}
    /// Another handle to the same session.
    sync_session(const sync_session& other) : session_(other.session_->duplicate()) {}
    /// Stands for the other one's session from now on.
    sync_session& operator=(const sync_session& other) {
        session_ = other.session_->duplicate();
        return *this;
    }

    /// What the session does at this moment.
    enum state state() const { return static_cast<enum state>(alive().state()); }
    /// Whether the server answers at this moment.
    enum connection_state connection_state() const {
        return static_cast<enum connection_state>(alive().connection_state());
    }

    /// Calls back once the server has acknowledged everything committed before this call.
    /// Fails when the session becomes inactive; while offline it waits without a time limit.
    template <typename Use = on_use>
    void wait_for_upload_completion(std::function<void(status)>&& callback) {
        const ffi::Session& session = alive();
        ffi::owned::wait_for_upload(session, new wait_callback<Use>(std::move(callback)));
    }
    /// Nothing is ever downloaded: calls back after a round trip to the server.
    template <typename Use = on_use>
    void wait_for_download_completion(std::function<void(status)>&& callback) {
        const ffi::Session& session = alive();
        ffi::owned::wait_for_download(session, new wait_callback<Use>(std::move(callback)));
    }
    /// The future throws `realm::status_error` where the callback would be given a failure. One
    /// that is dropped goes on being waited for, as nobody can tell: keep it and ask it again,
    /// rather than make one each second. `realm::ingest::receipt` has a wait with a limit, which
    /// leaves nothing.
    template <typename Use = on_use>
    std::future<void> wait_for_upload_completion() {
        return as_future<Use>(&ffi::owned::wait_for_upload);
    }
    /// The future throws `realm::status_error` where the callback would be given a failure.
    template <typename Use = on_use>
    std::future<void> wait_for_download_completion() {
        return as_future<Use>(&ffi::owned::wait_for_download);
    }

    /// Stops uploading until `resume()`. Writes go on and are kept.
    void pause() { alive().pause(); }
    /// Ends `pause()`; does nothing otherwise.
    void resume() { alive().resume(); }
    /// Tries again at once instead of waiting for the next attempt. An application that allowed no
    /// upload is asked again, and where another address stands in for `base_url`, that is tried
    /// again.
    void reconnect() { alive().reconnect(); }

    /// Calls back on the library's thread after each change, with the state before and after it.
    /// Returns a token for `unregister_connection_change_observer`.
    template <typename = on_use>
    uint64_t observe_connection_change(
        std::function<void(enum connection_state old_state, enum connection_state new_state)>&&
            callback) {
        struct observer final : ffi::ConnectionObserver {
            explicit observer(std::function<void(enum connection_state, enum connection_state)>&& f)
                : callback(std::move(f)) {}
            void changed(std::uint8_t old_state, std::uint8_t new_state) const override {
                callback(static_cast<enum connection_state>(old_state),
                         static_cast<enum connection_state>(new_state));
            }
            std::function<void(enum connection_state, enum connection_state)> callback;
        };
        return alive().observe_connection(std::make_unique<observer>(std::move(callback)));
    }
    /// When this returns the observer is not running and will not be called again, so what it uses
    /// may go. It waits for an observer that is running, so no lock that it takes may be held here;
    /// an observer may take itself away. A token that is not known is ignored.
    void unregister_connection_change_observer(uint64_t token) {
        alive().unobserve_connection(token);
    }

private:
    const ffi::Session& alive() const {
        if (!session_->is_alive())
            throw_dead();
        return *session_;
    }
    template <typename = on_use>
    [[noreturn]] static void throw_dead() {
        ffi::call_status status;
        ffi::describe_dead_session(status);
        throw_status(status);
    }

    template <typename Use>
    std::future<void> as_future(void (*wait)(const ffi::Session&, ffi::Completion*)) const {
        auto* completion = new wait_promise<Use>();
        auto future = completion->promise.get_future(); // throws for a second one only
        if (session_->is_alive()) {
            wait(*session_, completion);
        } else {
            ffi::call_status status;
            ffi::describe_dead_session(status);
            completion->complete(status);
            delete completion;
        }
        return future;
    }

    rust::Box<ffi::Session> session_;
};

} // namespace realm::internal::bridge

namespace realm {
/// The session that uploads what one path holds.
using sync_session = internal::bridge::sync_session;
} // namespace realm
