// Calls that talk to a server: on the calling thread with the built-in transport, elsewhere with
// the application's own, which may need that very thread to answer.
#pragma once

#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <cpprealm/internal/bridge.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/logger.hpp>

namespace realm::internal {

/// `begun` is what the library says of a call that is to run on a thread of its own.
template <typename = on_use>
void throw_unless_begun(bool begun) {
    if (!begun)
        refuse<std::runtime_error>("The system gives no thread for a call to the server.");
}

/// Runs `call` before it returns, or on a thread of its own, for which `shutdown` waits.
/// Takes the call over.
template <typename Use = on_use>
void run_call(bool on_own_thread, ffi::PendingCall* owned) {
    std::unique_ptr<later<Use, ffi::PendingCall>> call(owned);
    if (!on_own_thread)
        call->run();
    else
        throw_unless_begun(ffi::run_elsewhere(std::move(call)));
}

/// A call whose result, or exception, is waited for.
template <typename Result, typename Call>
struct promised_call final : ffi::PendingCall {
    explicit promised_call(Call&& made) : call(std::move(made)) {}
    void run() override {
        try {
            if constexpr (std::is_void_v<Result>) {
                call();
                promise.set_value();
            } else {
                promise.set_value(call());
            }
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
    }

    std::promise<Result> promise;
    Call call;
};

/// `call` as a future.
template <typename Result, typename Call>
std::future<Result> future_call(bool on_own_thread, Call call) {
    auto* pending = new promised_call<Result, Call>(std::move(call));
    auto future = pending->promise.get_future(); // throws for a second one only
    run_call(on_own_thread, pending);
    return future;
}

/// A call that ends in an application's callback. What the callback throws reaches the caller, or,
/// where there is none left, the log.
template <typename Call>
struct answered_call final : ffi::PendingCall {
    explicit answered_call(Call&& made) : call(std::move(made)) {}
    void run() override {
        try {
            call();
        } catch (const std::exception& e) {
            log_router::get().log(logger::level::error,
                                  std::string("a callback threw an exception: ") + e.what());
        } catch (...) {
            log_router::get().log(logger::level::error, "a callback threw an exception");
        }
    }

    Call call;
};

template <typename Call>
void callback_call(bool on_own_thread, Call call) {
    if (on_own_thread)
        run_call(true, new answered_call<Call>(std::move(call)));
    else
        call();
}

} // namespace realm::internal
