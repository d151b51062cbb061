// The transactions of the process that are open, so that a handle finds its own or learns that it
// is over.
#pragma once

#include <cstdint>
#include <mutex>

namespace realm::internal {

/// What `live_transactions` knows of a transaction.
struct live_transaction {
    std::uint64_t number = 0; // 0: none begun
    live_transaction* next = nullptr;
};

/// The transactions of the process by number: a list of as many as threads are writing. Safe from
/// any thread.
class live_transactions {
public:
    static live_transactions& instance() {
        // Never destroyed: threads may still write while the program's statics go away.
        static auto* all = new live_transactions();
        return *all;
    }
    void enter(live_transaction& one) {
        const std::lock_guard<std::mutex> lock(mutex_);
        one.number = ++last_;
        one.next = first_;
        first_ = &one;
    }
    void leave(live_transaction& one) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        live_transaction** at = &first_;
        while (*at != &one)
            at = &(*at)->next;
        *at = one.next;
        one.number = 0;
    }
    [[nodiscard]] live_transaction* find(std::uint64_t number) {
        const std::lock_guard<std::mutex> lock(mutex_);
        live_transaction* one = first_;
        while (one != nullptr && one->number != number)
            one = one->next;
        return one;
    }

private:
    std::mutex mutex_;
    live_transaction* first_ = nullptr;
    std::uint64_t last_ = 0; // no handle has the number 0
};

} // namespace realm::internal
