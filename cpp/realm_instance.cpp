// The library's half of internal/realm_instance.hpp.
#include <cpprealm/internal/realm_instance.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "realm_checks.hpp"
#include "recorded_transaction.hpp"

namespace realm::internal {

namespace {

constexpr const char* wrong_thread = "Realm accessed from incorrect thread.";

/// Runs `work`. What it throws becomes the status: exceptions stay in the program they are made in.
template <typename Work>
void guarded(ffi::Status& status, Work&& work) noexcept {
    try {
        std::forward<Work>(work)();
    } catch (const std::exception& e) {
        set_refusal(status, runtime_error_code, e.what());
    } catch (...) {
        set_refusal(status, runtime_error_code, "an exception that is not a std::exception");
    }
}

class open_instance_of_thread;

/// The open instances, so that a thread finds its own and contradictions are seen.
struct registry {
    std::mutex opening; // held while one is opened
    std::mutex mutex;   // of the list, held shortly: handles are dropped anywhere
    std::vector<open_instance_of_thread*> open;

    static registry& get() {
        // Never destroyed: a db with static storage may be closed after it otherwise.
        static auto* all = new registry();
        return *all;
    }
};

class open_instance_of_thread final : public realm_instance {
public:
    open_instance_of_thread(const instance_settings& by, class_list classes,
                            std::unique_ptr<kept_objects> kept, rust::Box<ffi::Realm> realm)
        : kept_(std::move(kept)), settings_(by), classes_(std::move(classes)),
          realm_(std::move(realm)), transaction_(classes_) {}
    open_instance_of_thread(const open_instance_of_thread&) = delete;
    open_instance_of_thread& operator=(const open_instance_of_thread&) = delete;

    void begin(ffi::Status& status) noexcept override {
        if (!may_go_on(status))
            return;
        if (transaction_.active())
            return set_refusal(status, logic_error_code,
                               "The Realm is already in a write transaction");
        transaction_.begin(static_cast<realm_instance*>(this));
    }

    transaction* check_commit(ffi::Status& status) noexcept override {
        if (!may_go_on(status))
            return nullptr;
        if (!transaction_.active()) {
            set_refusal(status, logic_error_code, "Can't commit a non-existing write transaction");
            return nullptr;
        }
        return &transaction_;
    }

    std::uint64_t commit(ffi::Status& status) noexcept override {
        struct to_library final : payload_sink {
            to_library(const ffi::Realm& realm, ffi::Status& status)
                : realm_(realm), status_(status) {}
            void take(const std::vector<ffi::Run>& runs, const std::uint8_t* payload,
                      std::size_t size) override {
                number = realm_.append({runs.data(), runs.size()}, {payload, size}, status_);
            }

            std::uint64_t number = 0;

        private:
            const ffi::Realm& realm_;
            ffi::Status& status_;
        } sink(*realm_, status);
        guarded(status, [&] { transaction_.finish(sink); });
        return sink.number;
    }

    void cancel() noexcept override {
        if (ffi::is_forked_child())
            transaction_.forget();
        transaction_.abandon();
    }

    transaction* writing() noexcept override {
        return !closed_ && kept_->thread->is_on_thread() ? &transaction_ : nullptr;
    }

    void verify(ffi::Status& status) const noexcept override {
        if (!kept_->thread->is_on_thread())
            set_refusal(status, logic_error_code, wrong_thread);
        else if (closed_)
            set_refusal(status, logic_error_code, "Cannot access realm that has been closed.");
    }

    void close(ffi::Status& status) noexcept override {
        if (closed_)
            return;
        verify(status);
        if (status.code == 0)
            shut();
    }
    [[nodiscard]] bool is_closed() const noexcept override { return closed_; }
    [[nodiscard]] const ffi::Realm& library() const noexcept override { return *realm_; }

    void retain() noexcept override { handles_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept override {
        if (handles_.fetch_sub(1) != 1)
            return;
        // In a forked child the lock may be held for ever, and nobody looks for instances.
        if (!ffi::is_forked_child()) {
            auto& known = registry::get();
            const std::lock_guard<std::mutex> lock(known.mutex);
            for (auto& one : known.open) {
                if (one == this) {
                    one = known.open.back();
                    known.open.pop_back();
                    break;
                }
            }
        }
        delete this;
    }

    /// Retains it for one that was found in the list, unless it is on its way out.
    bool retain_found() noexcept {
        std::size_t handles = handles_.load();
        while (handles != 0 && !handles_.compare_exchange_weak(handles, handles + 1)) {
        }
        return handles != 0;
    }

    [[nodiscard]] const opened_settings& settings() const noexcept { return settings_; }
    [[nodiscard]] const kept_objects& kept() const noexcept { return *kept_; }
    [[nodiscard]] const class_list& classes() const noexcept { return classes_; }

private:
    ~open_instance_of_thread() { shut(); }

    /// Whether the process may use the library and the thread the realm. In a forked child, and
    /// after a shutdown, the transaction is over.
    bool may_go_on(ffi::Status& status) noexcept {
        status = ffi::process_status();
        if (status.code != 0)
            cancel();
        else
            verify(status);
        return status.code == 0;
    }

    void shut() noexcept {
        if (closed_.exchange(true))
            return;
        cancel();
        realm_->close();
    }

    const std::unique_ptr<kept_objects> kept_;
    const opened_settings settings_;
    const class_list classes_;
    const rust::Box<ffi::Realm> realm_;
    recorded_transaction transaction_;
    std::atomic<bool> closed_{false};
    std::atomic<std::size_t> handles_{1};
};

bool set_options(const chosen_options* chosen, ffi::IngestOptions& out, ffi::Status& status) {
    if (chosen == nullptr)
        set_defaults(out);
    else
        chosen->put_into(out, status);
    return status.code == 0;
}

rust::Box<ffi::Realm> open_in_library(const instance_settings& by, const ffi::RealmConfig& config,
                                      ffi::Status& status) {
    std::unique_ptr<ffi::SessionObserver> observer;
    if (by.error_handler != nullptr)
        observer.reset(by.error_handler->make_observer());
    return ffi::open_realm(*by.user, config, std::move(observer), status);
}

/// The instance that is open on the thread already. Refuses what contradicts an open one.
realm_instance* find_open(const instance_settings& by, const kept_objects& kept,
                          const class_list& classes, ffi::Status& status) {
    auto& known = registry::get();
    const std::lock_guard<std::mutex> lock(known.mutex);
    open_instance_of_thread* on_this_thread = nullptr;
    for (auto* other : known.open) {
        if (other->is_closed() || by.path != plain_text(std::string_view(other->settings().path)))
            continue;
        const char* differs =
            difference(other->settings(), other->kept().options, by, kept.options);
        if (differs != nullptr) {
            set_refusal(status, logic_error_code,
                        joined({"Realm at path '", by.path, "' already opened with ", differs}));
            return nullptr;
        }
        if (other->kept().thread->is_same_as(kept.thread))
            on_this_thread = other;
    }
    if (on_this_thread != nullptr && on_this_thread->classes() != classes) {
        set_refusal(status, logic_error_code,
                    "Realm already opened on current thread with different schema.");
        return nullptr;
    }
    return on_this_thread != nullptr && on_this_thread->retain_found() ? on_this_thread : nullptr;
}

realm_instance* open(const instance_settings& by, std::unique_ptr<kept_objects> kept,
                     ffi::Status& status) {
    status = ffi::process_status();
    if (status.code != 0)
        return nullptr;
    const auto refuse_with = [&](const std::string& why) {
        set_refusal(status, logic_error_code, why);
        return nullptr;
    };
    const scheduler* thread = kept->thread;
    if (thread == nullptr || !thread->is_on_thread())
        return refuse_with(wrong_thread);
    class_list classes(by.classes, by.classes + by.class_count);
    if (const std::string refusal = refusal_of_classes(by, classes); !refusal.empty())
        return refuse_with(refusal);
    // Two opens agree also when they name the classes in another order.
    for (std::size_t end = 1; end < classes.size(); ++end) {
        for (std::size_t at = end;
             at > 0 && std::string_view(classes[at].name) < std::string_view(classes[at - 1].name);
             --at)
            std::swap(classes[at], classes[at - 1]);
    }

    auto& known = registry::get();
    const std::lock_guard<std::mutex> one_at_a_time(known.opening);
    if (auto* found = find_open(by, *kept, classes, status))
        return found;
    if (status.code != 0)
        return nullptr;
    ffi::RealmConfig config;
    name_file(*by.user, by.path, by.encryption_key, config);
    config.schema_json = bridge::schema(classes).to_json();
    config.stop_policy = by.stop_policy;
    for (const network_setting* setting : {by.headers, by.proxy}) {
        if (setting != nullptr)
            setting->put_into(config);
    }
    if (!set_options(kept->options, config.options, status))
        return nullptr;
    auto realm = open_in_library(by, config, status);
    if (status.code != 0)
        return nullptr;
    const std::lock_guard<std::mutex> lock(known.mutex);
    known.open.reserve(known.open.size() + 1); // room first, so that nothing is lost
    known.open.push_back(
        new open_instance_of_thread(by, std::move(classes), std::move(kept), std::move(realm)));
    return known.open.back();
}

} // namespace

realm_instance* ffi::open_instance(const instance_settings& by, kept_objects* kept,
                                   Status& status) noexcept {
    std::unique_ptr<kept_objects> owned(kept);
    realm_instance* opened = nullptr;
    guarded(status, [&] { opened = open(by, std::move(owned), status); });
    return opened;
}

} // namespace realm::internal
