#include <mutex>

#include <cpprealm/schema.hpp>

namespace realm::internal::ffi {

namespace {

// A list, which needs no memory but what it holds: it grows before main() begins.
struct declared {
    describe_function describe;
    declared* next;
};

struct declared_classes {
    std::mutex mutex;
    declared* first = nullptr;

    static declared_classes& get() {
        // Never destroyed: threads may still open databases while the program's statics go away.
        static auto* all = new declared_classes();
        return *all;
    }
};

} // namespace

void declare_class(describe_function one) noexcept {
    auto& classes = declared_classes::get();
    const std::lock_guard<std::mutex> lock(classes.mutex);
    declared** end = &classes.first;
    for (; *end != nullptr; end = &(*end)->next) {
        if ((*end)->describe == one)
            return;
    }
    *end = new declared{one, nullptr};
}

describe_function declared_class(std::size_t index) noexcept {
    auto& classes = declared_classes::get();
    const std::lock_guard<std::mutex> lock(classes.mutex);
    const declared* one = classes.first;
    for (; one != nullptr && index > 0; --index)
        one = one->next;
    return one == nullptr ? nullptr : one->describe;
}

} // namespace realm::internal::ffi
