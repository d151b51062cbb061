#include "recorded_transaction.hpp"

#include <mutex>
#include <utility>

namespace realm::internal {

/// The transactions of the process by number: a list of as many as threads are writing. Safe from
/// any thread.
class live_transactions {
public:
    static live_transactions& instance() noexcept {
        // Never destroyed: threads may still write while the program's statics go away.
        alignas(live_transactions) static unsigned char room[sizeof(live_transactions)];
        static auto* all = new (room) live_transactions();
        return *all;
    }
    void enter(recorded_transaction& one) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        one.number_ = ++last_;
        one.next_ = first_;
        first_ = &one;
    }
    void leave(recorded_transaction& one) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        recorded_transaction** at = &first_;
        while (*at != &one)
            at = &(*at)->next_;
        *at = one.next_;
        one.number_ = 0;
    }
    [[nodiscard]] transaction* find(std::uint64_t number, bool& elsewhere) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        recorded_transaction* one = first_;
        while (one != nullptr && one->number_ != number)
            one = one->next_;
        elsewhere = one != nullptr && one->thread_ != std::this_thread::get_id();
        return one;
    }

private:
    std::mutex mutex_;
    recorded_transaction* first_ = nullptr;
    std::uint64_t last_ = 0; // no handle has the number 0
};

transaction* ffi::find_transaction(std::uint64_t number, bool& elsewhere) noexcept {
    return number == 0 ? nullptr : live_transactions::instance().find(number, elsewhere);
}

void recorded_transaction::begin(void* owner) noexcept {
    abandon();
    thread_ = std::this_thread::get_id();
    owner_ = owner;
    class_ = 0;
    shadow_ = 0;
    live_transactions::instance().enter(*this);
}

void recorded_transaction::abandon() noexcept {
    if (!active())
        return;
    live_transactions::instance().leave(*this);
    for (const auto& one : classes_)
        one->reset();
    objects_.clear();
}

class_buffer* recorded_transaction::start(const class_table& of, add_refusal& why) noexcept {
    if (!active()) {
        why = add_refusal::not_begun;
        return nullptr;
    }
    class_buffer* found = find(of);
    if (found == nullptr)
        why = add_refusal::unknown_class;
    return found;
}

class_buffer* recorded_transaction::introduce(const class_table& of,
                                              const bridge::object_schema& described,
                                              add_refusal& why) noexcept {
    bool opened = false;
    for (const auto& one : opened_)
        opened = opened || one == described;
    if (!opened) {
        why = add_refusal::not_opened;
        return nullptr;
    }
    why = add_refusal::none;
    try {
        classes_.push_back(std::make_unique<recorded_class>(of));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    return classes_.back().get();
}

shadow* recorded_transaction::find_shadow(const class_table& of, std::size_t begin) noexcept {
    recorded_class* in = find(of);
    if (in == nullptr)
        return nullptr;
    auto& shadows = in->shadows;
    std::size_t low = 0;
    for (std::size_t high = shadows.size(); low < high;) {
        const std::size_t middle = low + (high - low) / 2;
        if (shadows[middle].begin < begin)
            low = middle + 1;
        else
            high = middle;
    }
    return low < shadows.size() && shadows[low].begin == begin ? &shadows[low] : nullptr;
}

shadow* recorded_transaction::keep_shadow(const class_table& of, const shadow& one) noexcept {
    auto& shadows = find(of)->shadows;
    try {
        shadows.push_back(one);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    // Most often the object was added last.
    std::size_t at = shadows.size() - 1;
    for (; at > 0 && one.begin < shadows[at - 1].begin; --at)
        std::swap(shadows[at], shadows[at - 1]);
    return &shadows[at];
}

bool recorded_transaction::next_changed(changed_object& one) noexcept {
    for (; class_ < classes_.size(); ++class_, shadow_ = 0) {
        recorded_class& in = *classes_[class_];
        while (shadow_ < in.shadows.size()) {
            const shadow& next = in.shadows[shadow_++];
            if (!next.changed)
                continue;
            one = {in.of, next.object, &in.changed};
            return true;
        }
    }
    return false;
}

void recorded_transaction::finish(payload_sink& sink) {
    const ending after_all{this};
    std::vector<ffi::Run> runs;
    buffer* payload = nullptr;
    for (const auto& one : classes_) {
        if (one->count == 0)
            continue;
        one->splice();
        runs.push_back({one->of->name, one->count});
        if (payload == nullptr)
            payload = &one->bytes;
        else
            payload->append(one->bytes.data(), one->bytes.size());
    }
    if (payload != nullptr)
        sink.take(runs, payload->data(), payload->size());
}

void recorded_transaction::recorded_class::destroy_shadows() noexcept {
    for (const shadow& one : shadows)
        one.destroy(one.object);
    shadows.clear();
}

namespace {

std::size_t size_of_document(const std::uint8_t* document) noexcept {
    return static_cast<std::size_t>(load_le<std::int32_t>(document));
}

} // namespace

void recorded_transaction::recorded_class::splice() {
    if (changed.empty())
        return;
    buffer spliced;
    spliced.reserve(bytes.size() + changed.size());
    std::size_t done = 0;
    const std::uint8_t* anew = changed.data();
    for (const shadow& one : shadows) {
        if (!one.changed)
            continue;
        spliced.append(bytes.data() + done, one.begin - done);
        spliced.append(anew, size_of_document(anew));
        done = one.begin + size_of_document(bytes.data() + one.begin);
        anew += size_of_document(anew);
    }
    spliced.append(bytes.data() + done, bytes.size() - done);
    bytes.swap(spliced);
}

void recorded_transaction::recorded_class::reset() noexcept {
    constexpr std::size_t always_kept = 1024 * 1024;
    if (bytes.capacity() > always_kept && bytes.size() < bytes.capacity() / 8)
        bytes.release();
    bytes.clear();
    if (rests.capacity() * sizeof(date_rest) > always_kept && rests.size() < rests.capacity() / 8)
        rests.release();
    rests.clear();
    changed.release();
    destroy_shadows();
    count = 0;
}

} // namespace realm::internal
