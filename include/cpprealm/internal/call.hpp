// Calls that talk to a server: on the calling thread with the built-in transport, elsewhere with
// the application's own, which may need that very thread to answer.
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include <cpprealm/logger.hpp>

namespace realm::internal {

/// Runs `call` before it returns, or on a thread of its own.
template <typename Call>
void run_call(bool on_own_thread, Call&& call) {
    if (on_own_thread)
        std::thread(std::forward<Call>(call)).detach();
    else
        call();
}

/// The same for a call whose result, or exception, is waited for.
template <typename Result, typename Call>
std::future<Result> future_call(bool on_own_thread, Call&& call) {
    std::packaged_task<Result()> task(std::forward<Call>(call));
    auto future = task.get_future();
    run_call(on_own_thread, std::move(task));
    return future;
}

/// The same for a call that ends in an application's callback. What the callback throws reaches the
/// caller, or, where there is none left, the log.
template <typename Call>
void callback_call(bool on_own_thread, Call&& call) {
    if (!on_own_thread)
        return call();
    run_call(true, [call = std::forward<Call>(call)] {
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
