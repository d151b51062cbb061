// Calls that talk to a server: on the calling thread with the built-in transport, elsewhere with
// the application's own, which may need that very thread to answer.
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <cpprealm/internal/bridge.hpp>
#include <cpprealm/logger.hpp>

namespace realm::internal {

// The calls are passed as `std::function`: what is here is then compiled once for each type of
// result in a program's translation unit, not once for each call.

/// Runs `call` before it returns, or on a thread of its own, for which `shutdown` waits.
inline void run_call(bool on_own_thread, std::function<void()> call) {
    if (!on_own_thread)
        return call();
    auto running = ffi::begin_call();
    if (running->is_null())
        return call(); // it fails at once
    std::thread([call = std::move(call), running = std::move(running)]() mutable {
        running->enter();
        call();
        // What it holds is the application's, and goes before the call has ended.
        call = nullptr;
        [[maybe_unused]] const auto ended = std::move(running);
    }).detach();
}

/// The same for a call whose result, or exception, is waited for.
template <typename Result>
std::future<Result> future_call(bool on_own_thread, std::function<Result()> call) {
    auto task = std::make_shared<std::packaged_task<Result()>>(std::move(call));
    auto future = task->get_future();
    run_call(on_own_thread, [task] { (*task)(); });
    return future;
}

/// The same for a call that ends in an application's callback. What the callback throws reaches the
/// caller, or, where there is none left, the log.
inline void callback_call(bool on_own_thread, std::function<void()> call) {
    if (!on_own_thread)
        return call();
    run_call(true, [call = std::move(call)] {
        try {
            call();
        } catch (const std::exception& e) {
            log_router::get().log(logger::level::error,
                                  std::string("a callback threw an exception: ") + e.what());
        } catch (...) {
            log_router::get().log(logger::level::error, "a callback threw an exception");
        }
    });
}

} // namespace realm::internal
