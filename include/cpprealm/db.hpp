// A database for Data Ingest: objects go in and leave for the server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cpprealm/accessors.hpp>
#include <cpprealm/client_reset.hpp>
#include <cpprealm/flex_sync.hpp>
#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/managed_object.hpp>
#include <cpprealm/internal/realm_instance.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/results.hpp>
#include <cpprealm/scheduler.hpp>
#include <cpprealm/schema.hpp>
#include <cpprealm/thread_safe_reference.hpp>

namespace realm {

namespace internal {

/// The classes that the schema macros of the program declare, in the shape of a vector.
struct declared_schemas {
    template <typename = on_use>
    operator std::vector<bridge::object_schema>() const {
        return describe_declared();
    }
    template <typename = on_use>
    [[nodiscard]] std::size_t size() const {
        return describe_declared().size();
    }
};

/// With all classes that a schema macro declared.
template <typename = on_use>
instance_handle open_declared(const bridge::realm::config& config) {
    const auto classes = describe_classes<>();
    return open_instance(config, classes.data(), classes.size());
}
/// With the classes that the configuration names, or all.
template <typename = on_use>
instance_handle open_chosen(const bridge::realm::config& config) {
    const auto* classes = config_access::schema(config);
    return classes == nullptr ? open_declared(config)
                              : open_instance(config, classes->data(), classes->size());
}

template <typename T>
using plain = std::remove_cv_t<std::remove_reference_t<T>>;

template <typename T>
struct is_vector : std::false_type {};
template <typename T>
struct is_vector<std::vector<T>> : std::true_type {};

} // namespace internal

/// An open database. A handle: copies stand for the same one, and so does every open of its path on
/// its thread. Only the thread of its configuration's scheduler may use it; other threads open the
/// path for themselves. It closes with its last handle; what is not uploaded by then stays in the
/// file and, unless the stop policy says otherwise, goes on being uploaded.
///
/// What is done on another thread, or after `close()`, throws `std::logic_error`.
struct db {
    /// The classes that schema macros of the program declare, as `db_config::set_schema` takes
    /// them.
    static inline const internal::declared_schemas schemas{};

    internal::bridge::realm m_realm;

    /// Opens all classes that were declared by a schema macro, unless the configuration names some.
    template <typename = internal::on_use>
    explicit db(realm::db_config config) : m_realm(internal::open_chosen(config)) {}

    /// Starts a transaction that `commit_write` ends. Throws `std::logic_error` within one.
    template <typename = internal::on_use>
    void begin_write() const {
        writable().begin();
    }
    /// Durable on return. When it throws, nothing of the transaction is kept: a
    /// `realm::status_error` where it cannot be stored, as on a full disk; `std::logic_error`
    /// without a transaction.
    template <typename = internal::on_use>
    void commit_write() const {
        writable().commit();
    }

    /// Calls `fn` inside a transaction and returns its value; durable on return. An exception from
    /// `fn` passes through and leaves nothing of the transaction. Otherwise throws as `begin_write`
    /// and `commit_write` do.
    template <typename Fn>
    std::decay_t<std::invoke_result_t<Fn>> write(Fn&& fn) const {
        const auto instance = m_realm.instance(); // `fn` may drop the last handle
        writable().begin();
        rollback<> on_exception{*instance};
        if constexpr (std::is_void_v<std::invoke_result_t<Fn>>) {
            std::forward<Fn>(fn)();
            instance->commit();
            on_exception.armed = false;
        } else {
            std::decay_t<std::invoke_result_t<Fn>> result = std::forward<Fn>(fn)();
            instance->commit();
            on_exception.armed = false;
            return result;
        }
    }

    /// Adds a copy of the object to the open transaction. What it returns may be read and changed
    /// until the commit. Throws a `std::exception` that names class and property for what cannot be
    /// sent, such as text that is not UTF-8, for a class that the database was not opened with, and
    /// outside of a transaction; the transaction stays as it was.
    template <typename U>
    managed<internal::plain<U>> add(U&& v) {
        using T = internal::plain<U>;
        internal::check_addable<T>();
        return managed<T>(added(internal::table_of<T>, &v));
    }

    /// Adds each object of the vector.
    template <typename T>
    void insert(const std::vector<T>& v) {
        for (const auto& object : v)
            add(object);
    }
    /// Adds each argument.
    template <typename... Ts,
              typename = std::enable_if_t<!(
                  sizeof...(Ts) == 1 && (internal::is_vector<internal::plain<Ts>>::value || ...))>>
    std::tuple<managed<internal::plain<Ts>>...> insert(Ts&&... v) {
        return std::tuple<managed<internal::plain<Ts>>...>{add(std::forward<Ts>(v))...};
    }

    /// Does not compile.
    template <typename T>
    void remove(T&) {
        static_assert(internal::never<T>,
                      "Objects for Data Ingest cannot be removed: once added, they "
                      "are sent.");
    }
    /// Does not compile.
    template <typename T>
    results<T> objects() {
        return {};
    }
    /// Does not compile.
    template <typename T>
    managed<T> resolve(thread_safe_reference<T>&&) {
        static_assert(internal::never<T>, "Objects for Data Ingest cannot be handed to another "
                                          "thread.");
    }

    /// Whether there is a newer version to read: there is nothing to read.
    template <typename = internal::on_use>
    bool refresh() {
        m_realm.instance()->verify();
        return false;
    }
    /// Always empty: Data Ingest needs no subscriptions.
    template <typename = internal::on_use>
    ::realm::sync_subscription_set subscriptions() {
        m_realm.instance()->verify();
        return {};
    }

    /// The session that uploads this database; none once it is closed. Any thread may ask.
    template <typename Session = sync_session>
    std::optional<Session> get_sync_session() const {
        return m_realm.instance()->template session<Session>();
    }

    /// Whether this handle comes from `freeze()`.
    bool is_frozen() const { return m_realm.is_frozen(); }
    /// A handle that refuses transactions.
    template <typename = internal::on_use>
    db freeze() {
        m_realm.instance()->verify();
        return db(internal::bridge::realm(m_realm.instance(), true));
    }
    /// A handle that takes transactions again.
    template <typename = internal::on_use>
    db thaw() {
        m_realm.instance()->verify();
        return db(internal::bridge::realm(m_realm.instance(), false));
    }

    /// Rolls back the open transaction, if there is one.
    template <typename = internal::on_use>
    void invalidate() {
        m_realm.instance()->verify();
        m_realm.instance()->cancel();
    }

    /// Closes all handles of this thread to the database; closing again does nothing.
    template <typename = internal::on_use>
    void close() {
        m_realm.instance()->close();
    }
    /// Whether it was closed, through this handle or another of this thread.
    template <typename = internal::on_use>
    bool is_closed() {
        return m_realm.instance()->is_closed();
    }

    friend bool operator==(const db& a, const db& b) {
        return a.m_realm.instance() == b.m_realm.instance() && a.is_frozen() == b.is_frozen();
    }
    friend bool operator!=(const db& a, const db& b) { return !(a == b); }

    /// For `managed<T>::get_realm`.
    template <typename = internal::on_use>
    friend db realm_of_transaction(db*, void* owner) {
        auto* instance = static_cast<internal::realm_instance*>(owner);
        instance->retain();
        return db(internal::bridge::realm(internal::instance_handle(instance)));
    }

private:
    template <typename... Ts>
    friend db open(const db_config& config);

    template <typename = internal::on_use>
    struct rollback {
        internal::realm_instance& instance;
        bool armed = true;
        ~rollback() {
            if (armed)
                instance.cancel();
        }
    };

    explicit db(internal::bridge::realm realm) : m_realm(std::move(realm)) {}

    template <typename = internal::on_use>
    internal::object_ref added(const internal::class_table& of, const void* object) const {
        return writable().writable().add(of, object);
    }

    template <typename = internal::on_use>
    internal::realm_instance& writable() const {
        if (is_frozen())
            internal::refuse<std::logic_error>("Can't perform transactions on a frozen Realm");
        return *m_realm.instance();
    }
};

/// Opens a database with exactly the classes `Ts`, which include every embedded class they use;
/// with none named, with all classes that a schema macro declared. Does not wait for the network.
/// Throws a `std::exception`: for classes that Realm refuses, for a path that is open with another
/// configuration, and where the file cannot be used, as with another key.
template <typename... Ts>
db open(const db_config& config) {
    if constexpr (sizeof...(Ts) == 0) {
        return db(internal::bridge::realm(internal::open_declared(config)));
    } else {
        const internal::bridge::object_schema classes[] = {internal::describe_class<Ts>()...};
        return db(internal::bridge::realm(internal::open_instance(config, classes, sizeof...(Ts))));
    }
}

/// For local databases, which there are not: throws `std::logic_error`.
template <typename... Ts>
[[deprecated("Open with a configuration from user::flexible_sync_configuration().")]] db
open(const std::string& path, const std::shared_ptr<scheduler>& scheduler) {
    return open<Ts...>(db_config(path, scheduler));
}

} // namespace realm
