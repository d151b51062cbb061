// One realm, opened on one thread: what the `db` handles of that thread share.
//
// Instances of one path, on whatever threads, lead to one session and one outbox in the library. An
// instance adds what belongs to a thread: its transaction, and the checks of who uses it and when.
// Its virtual functions are the library's (cpp/realm_instance.cpp), and throw nothing: a failure is
// a status, which what is here throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/chosen_options.hpp>
#include <cpprealm/internal/config_access.hpp>
#include <cpprealm/internal/instance_handle.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/realm_file.hpp>
#include <cpprealm/internal/transaction.hpp>

namespace realm::internal {

/// Used by its own thread; any thread may ask whether it is closed, and for its library.
class realm_instance : public counted_instance {
public:
    template <typename = on_use>
    void begin() {
        ffi::call_status status;
        begin(status);
        throw_if_failed(status);
    }

    /// Durable on return. When it throws, the transaction is over and nothing of it is kept.
    /// Returns its number; 0 for one without objects.
    template <typename = on_use>
    std::uint64_t commit() {
        ffi::call_status status;
        if (transaction* open = check_commit(status)) {
            open->encode_changed();
            const std::uint64_t number = commit(status);
            if (status.is_ok())
                return number;
        }
        throw_status(status);
    }

    /// Where objects are added. Throws unless this thread may use the realm.
    template <typename = on_use>
    transaction& writable() {
        if (transaction* found = writing())
            return *found;
        ffi::call_status status;
        verify(status);
        throw_status(status);
    }

    /// Throws unless the realm is open and this is its thread.
    template <typename = on_use>
    void verify() const {
        ffi::call_status status;
        verify(status);
        throw_if_failed(status);
    }

    template <typename = on_use>
    void close() {
        ffi::call_status status;
        close(status);
        throw_if_failed(status);
    }

    template <typename Session = bridge::sync_session>
    std::optional<Session> session() const {
        if (is_closed())
            return std::nullopt;
        return Session(library().session());
    }

    /// What waits to be uploaded, of all threads and processes that write to the path.
    std::uint64_t pending_objects() const { return library().pending_objects(); }

    /// Drops what an open transaction holds; without one it does nothing.
    virtual void cancel() noexcept = 0;
    [[nodiscard]] virtual bool is_closed() const noexcept = 0;
    /// The realm in the library, for what any thread may ask.
    [[nodiscard]] virtual const ffi::Realm& library() const noexcept = 0;

protected:
    ~realm_instance() = default;

    virtual void begin(ffi::Status& status) noexcept = 0;
    /// The transaction to be committed; null, and why, where there is none.
    virtual transaction* check_commit(ffi::Status& status) noexcept = 0;
    virtual std::uint64_t commit(ffi::Status& status) noexcept = 0;
    /// Null where this thread may not use the realm, for the reason that `verify` gives.
    virtual transaction* writing() noexcept = 0;
    virtual void verify(ffi::Status& status) const noexcept = 0;
    virtual void close(ffi::Status& status) noexcept = 0;
};

inline realm_instance* instance_handle::operator->() const noexcept {
    return static_cast<realm_instance*>(instance_);
}
inline realm_instance& instance_handle::operator*() const noexcept {
    return static_cast<realm_instance&>(*instance_);
}

/// What an instance keeps of the application's objects, which it calls and destroys, but does not
/// know.
struct kept_objects {
    virtual ~kept_objects() = default;

    const scheduler* thread = nullptr;
    const chosen_options* options = nullptr;
};

/// A configuration in plain terms. Valid during `open_instance`.
struct instance_settings {
    plain_text path;
    const char* encryption_key = nullptr; // 64 bytes
    bridge::realm::config::schema_mode schema_mode{};
    std::uint64_t schema_version = 0;
    bool is_synced = false;
    const ffi::User* user = nullptr;
    std::uint8_t stop_policy = 0;
    const network_setting* headers = nullptr;
    const network_setting* proxy = nullptr;
    const session_error_handler* error_handler = nullptr;
    const bridge::object_schema* classes = nullptr;
    std::size_t class_count = 0;
};

namespace ffi {

/// The instance that is open on this thread already, or a new one, retained for the caller; null,
/// and why, for a configuration that contradicts an open one, for a schema that is not valid, and
/// when the file does not open. Takes `kept` over.
realm_instance* open_instance(const instance_settings& by, kept_objects* kept,
                              Status& status) noexcept;

} // namespace ffi

/// Throws what `ffi::open_instance` tells of.
template <typename Use = on_use>
instance_handle open_instance(const bridge::realm::config& by, const bridge::object_schema* classes,
                              std::size_t class_count) {
    struct kept final : kept_objects {
        std::shared_ptr<scheduler> thread_owner;
        std::shared_ptr<const chosen_options> options_owner;
    };
    using access = config_access;

    auto* keeping = new kept(); // nothing throws before it is taken over
    keeping->thread_owner = access::scheduler(by);
    keeping->thread = keeping->thread_owner.get();
    keeping->options_owner = access::options(by);
    keeping->options = keeping->options_owner.get();

    instance_settings settings;
    settings.path = std::string_view(access::path(by));
    settings.schema_mode = access::schema_mode(by);
    settings.schema_version = access::schema_version(by);
    settings.encryption_key = access::encryption_key(by);
    if (const sync_settings* sync = access::settings(by).get()) {
        settings.is_synced = true;
        settings.user = sync->user ? &*sync->user->user : nullptr;
        settings.stop_policy = static_cast<std::uint8_t>(sync->stop_policy);
        settings.headers = sync->custom_http_headers;
        settings.proxy = sync->proxy;
        settings.error_handler = sync->error_handler;
    }
    settings.classes = classes;
    settings.class_count = class_count;

    ffi::call_status status;
    realm_instance* opened = ffi::open_instance(settings, keeping, status);
    throw_if_failed(status);
    return instance_handle(opened);
}

} // namespace realm::internal
