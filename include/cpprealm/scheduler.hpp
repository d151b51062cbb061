// Which thread may use a database.
#pragma once

#include <cstdint>
#include <functional>

namespace realm {

/// Binds a database to a thread: a db may be used where its scheduler says `is_on_thread()`.
/// One scheduler may serve several databases and is called from any thread; it lives as long as the
/// last configuration or database that holds it.
struct scheduler {
    virtual ~scheduler() = default;

    /// Runs `fn` on the scheduler's thread. A database that is only written to never calls it.
    virtual void invoke(std::function<void()>&& fn) = 0;

    /// Whether the calling thread is the one that a database of this scheduler may be used on.
    [[nodiscard]] virtual bool is_on_thread() const noexcept = 0;

    /// Whether `other` stands for the same thread; two opens of one path then share one instance.
    virtual bool is_same_as(const scheduler* other) const noexcept = 0;

    /// Whether `invoke` would run anything.
    [[nodiscard]] virtual bool can_invoke() const noexcept = 0;

protected:
    /// The number of the thread that a scheduler of ours stands for, and 0 for an application's:
    /// what a cast would tell, in programs that are compiled without RTTI too.
    static std::uint64_t thread_of(const scheduler& one) noexcept {
        return one.realm_internal_thread();
    }

private:
    [[nodiscard]] virtual std::uint64_t realm_internal_thread() const noexcept { return 0; }
};

} // namespace realm
