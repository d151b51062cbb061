// One realm, opened on one thread: what the `db` handles of that thread share.
//
// Instances of one path, on whatever threads, lead to one session and one outbox in the library. An
// instance adds what belongs to a thread: its transaction, and the checks of who uses it and when.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/chosen_options.hpp>
#include <cpprealm/internal/http_messages.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/realm_checks.hpp>
#include <cpprealm/internal/realm_file.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/internal/session_errors.hpp>
#include <cpprealm/internal/transaction.hpp>

namespace realm::internal {

using receipts_handle = rust::Box<ffi::Receipts>;

/// Used by its own thread; any thread may ask whether it is closed and for its session.
template <typename Use>
class basic_realm_instance : public std::enable_shared_from_this<basic_realm_instance<Use>> {
public:
    using config = bridge::realm::config;

    /// The instance that is open on this thread already, or a new one. Throws for a configuration
    /// that contradicts an open one, for a schema that is not valid, and when the file does not
    /// open.
    static std::shared_ptr<basic_realm_instance> open(const config& by,
                                                      std::vector<bridge::object_schema> classes);

    basic_realm_instance(const config& by, std::vector<bridge::object_schema> classes,
                         rust::Box<ffi::Realm> realm)
        : config_(by), classes_(std::move(classes)), realm_(std::move(realm)),
          receipts_(std::make_shared<const receipts_handle>(realm_->receipts())),
          transaction_(classes_) {}
    ~basic_realm_instance() { shut(); }
    basic_realm_instance(const basic_realm_instance&) = delete;
    basic_realm_instance& operator=(const basic_realm_instance&) = delete;

    void begin() {
        check_process();
        verify();
        if (transaction_.active())
            internal::refuse<std::logic_error>("The Realm is already in a write transaction");
        transaction_.begin(this);
    }

    /// Durable on return. When it throws, the transaction is over and nothing of it is kept.
    /// Returns its number; 0 for one without objects.
    std::uint64_t commit() {
        check_process();
        verify();
        if (!transaction_.active())
            internal::refuse<std::logic_error>("Can't commit a non-existing write transaction");
        std::uint64_t number = 0;
        auto status = no_status();
        transaction_.finish([&](const auto& runs, const std::uint8_t* payload, std::size_t size) {
            number = realm_->append({runs.data(), runs.size()}, {payload, size}, status);
        });
        throw_if_failed(status);
        return number;
    }

    /// Drops what an open transaction holds; without one it does nothing.
    void cancel() noexcept {
        if (ffi::is_forked_child())
            transaction_.forget();
        transaction_.abandon();
    }

    /// Where objects are added. Throws unless this thread may use the realm.
    basic_transaction<Use>& writable() {
        verify();
        return transaction_;
    }

    /// Throws unless the realm is open and this is its thread.
    void verify() const {
        if (!config_access::scheduler(config_)->is_on_thread())
            throw_wrong_thread();
        if (closed_)
            internal::refuse<std::logic_error>("Cannot access realm that has been closed.");
    }

    void close() {
        if (closed_)
            return;
        verify();
        shut();
    }
    bool is_closed() const noexcept { return closed_; }

    /// What waits to be uploaded, of all threads and processes that write to the path.
    std::uint64_t pending_objects() const { return realm_->pending_objects(); }

    /// What became of transactions. Any thread may ask; it does not keep the realm.
    const std::shared_ptr<const receipts_handle>& receipts() const noexcept { return receipts_; }

    /// The realm in the library, for what any thread may ask.
    const ffi::Realm& library() const noexcept { return *realm_; }

    std::optional<bridge::sync_session> session() const {
        if (closed_)
            return std::nullopt;
        return bridge::sync_session(realm_->session());
    }

private:
    /// Instances by path, so that a thread finds its own and contradictions are seen.
    struct registry {
        std::mutex mutex;
        std::vector<std::weak_ptr<basic_realm_instance>> open;

        static registry& get() {
            // Never destroyed: a db with static storage may be closed after it otherwise.
            static auto* all = new registry();
            return *all;
        }
        /// In the place of one that is gone, where there is one.
        void keep(const std::shared_ptr<basic_realm_instance>& one) {
            for (auto& known : open) {
                if (known.expired()) {
                    known = one;
                    return;
                }
            }
            open.emplace_back(one);
        }
    };

    /// Throws in a forked child, and after a shutdown.
    void check_process() {
        auto status = ffi::process_status();
        if (status.code == 0)
            return;
        cancel();
        throw_if_failed(status);
    }

    void shut() noexcept {
        if (closed_.exchange(true))
            return;
        cancel();
        realm_->close();
    }

    static rust::Box<ffi::Realm> open_in_library(const config& by, const bridge::schema& schema);

    const config config_;
    const std::vector<bridge::object_schema> classes_;
    const rust::Box<ffi::Realm> realm_;
    const std::shared_ptr<const receipts_handle> receipts_;
    basic_transaction<Use> transaction_;
    std::atomic<bool> closed_{false};
};

template <typename Use>
std::shared_ptr<basic_realm_instance<Use>>
basic_realm_instance<Use>::open(const config& by, std::vector<bridge::object_schema> classes) {
    throw_if_failed(ffi::process_status());
    const auto& scheduler = config_access::scheduler(by);
    if (!scheduler || !scheduler->is_on_thread())
        throw_wrong_thread();
    check_classes(by, classes);
    // Two opens agree also when they name the classes in another order.
    for (std::size_t end = 1; end < classes.size(); ++end) {
        for (std::size_t at = end; at > 0 && classes[at].name < classes[at - 1].name; --at)
            std::swap(classes[at], classes[at - 1]);
    }

    auto& registry = registry::get();
    std::lock_guard lock(registry.mutex);
    std::shared_ptr<basic_realm_instance> on_this_thread;
    for (const auto& weak : registry.open) {
        auto other = weak.lock();
        if (!other || other->closed_ ||
            config_access::path(other->config_) != config_access::path(by))
            continue;
        check_same(other->config_, by);
        if (config_access::scheduler(other->config_)->is_same_as(scheduler.get()))
            on_this_thread = std::move(other);
    }
    if (on_this_thread) {
        if (on_this_thread->classes_ != classes)
            internal::refuse<std::logic_error>(
                "Realm already opened on current thread with different schema.");
        return on_this_thread;
    }

    auto opened = open_in_library(by, bridge::schema(classes));
    auto instance =
        std::make_shared<basic_realm_instance>(by, std::move(classes), std::move(opened));
    registry.keep(instance);
    return instance;
}

template <typename Use>
rust::Box<ffi::Realm> basic_realm_instance<Use>::open_in_library(const config& by,
                                                                 const bridge::schema& schema) {
    const auto& settings = *config_access::settings(by);

    ffi::RealmConfig out;
    name_file(by, out);
    out.schema_json = schema.to_json();
    out.stop_policy = static_cast<std::uint8_t>(settings.stop_policy);
    set_headers(settings.custom_http_headers, out.headers);
    if (settings.proxy)
        out.proxy = to_url(*settings.proxy);
    const chosen_options* chosen = config_access::options(by);
    if (chosen == nullptr)
        set_defaults(out.options);
    else
        chosen->put_into(out.options);

    auto errors = std::make_shared<session_errors>(settings.error_handler);
    auto status = no_status();
    auto realm = ffi::open_realm(*settings.user->user, out,
                                 std::make_unique<session_errors::observer>(errors), status);
    throw_if_failed(status);
    errors->start(bridge::sync_session(realm->session()));
    return realm;
}

} // namespace realm::internal
