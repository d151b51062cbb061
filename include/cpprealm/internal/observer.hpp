// The interfaces through which the library calls the application. The bridge knows these classes
// and nothing else of the headers; each C++ feature with a callback derives from one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>

namespace rust {

// Types of the bridge, which brings their definitions itself: a header of cxx's of its own would be
// found, or not, beside those of other libraries.
inline namespace cxxbridge1 {
class Str;
template <typename T>
class Box;
} // namespace cxxbridge1

namespace behavior {

// Lets no exception, whatever its type, reach the library: what a callback throws becomes a log
// line.
template <typename Try, typename Fail>
static void trycatch(Try&& callback, Fail&& fail) noexcept {
    try {
        callback();
    } catch (const std::exception& e) {
        fail(e.what());
    } catch (...) {
        fail("an exception that is not a std::exception");
    }
}

} // namespace behavior
} // namespace rust

namespace realm {
namespace internal {
namespace ffi {

struct Status;
struct SyncError;
struct Outcome;
struct Progress;
struct HttpRequest;
struct ResponseSlot;
struct Session;
struct User;

/// A call to be made once.
class PendingCall {
public:
    virtual ~PendingCall() = default;
    virtual void run() = 0;
};

/// Hears the end of one log-in, exactly once, on the thread that the call runs on. Where it failed
/// the user is null.
class LoginCompletion {
public:
    virtual ~LoginCompletion() = default;
    virtual void complete(const Status& status, ::rust::Box<User> user) = 0;
};

/// Receives log lines. Called from any thread, also from several at once.
class LogSink {
public:
    virtual ~LogSink() = default;
    /// `level` has the numbers of `realm::logger::level`.
    virtual void log(std::uint8_t level, ::rust::Str message) const = 0;
};

/// Receives the errors of one session, on the library's thread: return soon.
class SessionObserver {
public:
    virtual ~SessionObserver() = default;
    virtual void error(const SyncError& error, ::rust::Box<Session> session) const = 0;
};

/// Hears the end of one wait, exactly once, on the library's thread or on the caller's.
class Completion {
public:
    virtual ~Completion() = default;
    virtual void complete(const Status& status) = 0;
};

/// Hears of changes of a session's connection, on the library's thread.
class ConnectionObserver {
public:
    virtual ~ConnectionObserver() = default;
    virtual void changed(std::uint8_t old_state, std::uint8_t new_state) const = 0;
};

/// Hears what became of a transaction, once, on the library's thread; destroyed unheard where that
/// cannot be.
class OutcomeObserver {
public:
    virtual ~OutcomeObserver() = default;
    virtual void settled(const Outcome& outcome) const = 0;
};

/// Hears how far an upload is, on the library's thread.
class ProgressObserver {
public:
    virtual ~ProgressObserver() = default;
    virtual void progressed(const Progress& progress) const = 0;
};

/// The application's word on the certificates of servers. Called on the library's threads, also
/// from several at once, with each certificate of a chain, the server's own, of depth 0, last.
class CertificateCheck {
public:
    virtual ~CertificateCheck() = default;
    virtual bool accepts(::rust::Str server, std::uint16_t port, ::rust::Str pem, bool is_trusted,
                         std::size_t depth) const = 0;
};

/// The application's word on whether the network may be used. Called on the library's thread for
/// callbacks.
class UploadCheck {
public:
    virtual ~UploadCheck() = default;
    virtual bool allows() const = 0;
};

/// The application's own HTTP. May answer before or after `send` returns, on any thread, by
/// completing the slot once; a slot that is dropped fails its request.
class HostTransport {
public:
    virtual ~HostTransport() = default;
    virtual void send(const HttpRequest& request, ::rust::Box<ResponseSlot> slot) const = 0;
};

} // namespace ffi
} // namespace internal
} // namespace realm
