// The scheduler a configuration gets when the application names none: the thread that made it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/scheduler.hpp>
#include <cpprealm/util/config.h>

namespace realm::internal {

/// A number for the calling thread that no later thread gets, which `std::thread::id` does not
/// promise.
inline std::uint64_t this_thread_number() noexcept {
    static std::atomic<std::uint64_t> next{1};
    thread_local const std::uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

/// Belongs to the thread that creates it. It has no event loop to post to.
template <typename>
struct thread_scheduler final : scheduler {
    void invoke(std::function<void()>&& fn) override {
        if (is_on_thread())
            fn();
    }
    [[nodiscard]] bool is_on_thread() const noexcept override {
        return this_thread_number() == thread_;
    }
    bool is_same_as(const scheduler* other) const noexcept override {
        return other && scheduler::thread_of(*other) == thread_;
    }
    [[nodiscard]] bool can_invoke() const noexcept override { return false; }

private:
    [[nodiscard]] std::uint64_t realm_internal_thread() const noexcept override { return thread_; }

    const std::uint64_t thread_ = this_thread_number();
};

/// Where schedulers come from once the application has set a factory. Behind a table of functions,
/// so that only files that set one compile what it takes.
struct scheduler_source {
    virtual std::shared_ptr<scheduler> make_scheduler() = 0;

protected:
    ~scheduler_source() = default;
};
/// Null until then.
inline std::atomic<scheduler_source*> schedulers{nullptr};

template <typename>
struct scheduler_factory final : scheduler_source {
    std::mutex mutex;
    std::function<std::shared_ptr<scheduler>()> make;

    static scheduler_factory& get() {
        // Never destroyed: configurations may be made while the program's statics go away.
        static auto* factory = new scheduler_factory();
        schedulers = factory;
        return *factory;
    }
    std::shared_ptr<scheduler> make_scheduler() override {
        std::function<std::shared_ptr<scheduler>()> now;
        {
            std::lock_guard lock(mutex);
            now = make;
        }
        return now ? now() : nullptr;
    }
};

} // namespace realm::internal

namespace realm::default_scheduler {

/// A scheduler for the calling thread.
template <typename Use = internal::on_use>
std::shared_ptr<scheduler> make_platform_default() {
    return std::make_shared<internal::thread_scheduler<Use>>();
}

/// What `make_default()` uses from now on. Configurations that exist keep theirs.
template <typename Use = internal::on_use>
void set_default_factory(std::function<std::shared_ptr<scheduler>()>&& factory_fn) {
    auto& factory = internal::scheduler_factory<Use>::get();
    std::lock_guard lock(factory.mutex);
    factory.make = std::move(factory_fn);
}

/// A scheduler from the application's factory, or else one for the calling thread.
template <typename Use = internal::on_use>
std::shared_ptr<scheduler> make_default() {
    internal::scheduler_source* source = internal::schedulers;
    std::shared_ptr<scheduler> made;
    if (source != nullptr)
        made = source->make_scheduler();
    return made ? made : make_platform_default<Use>();
}

} // namespace realm::default_scheduler
