// Flexible Sync subscriptions. Data Ingest needs none: the set is always empty and takes nothing
// in.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>

#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/results.hpp>
#include <cpprealm/types.hpp>

namespace realm {

/// One subscription. Never made.
struct sync_subscription {
    /// @{
    /// As realm-cpp names it.
    object_id identifier;
    std::optional<std::string> name;
    std::chrono::time_point<std::chrono::system_clock> created_at;
    std::chrono::time_point<std::chrono::system_clock> updated_at;
    std::string query_string;
    std::string object_class_name;
    /// @}
};

/// What `sync_subscription_set::update` hands to its function.
struct mutable_sync_subscription_set {
    /// Does not compile.
    template <typename T, typename... Query>
    void add(const std::string&, Query&&...) {
        static_assert(internal::never<T>, "Data Ingest uses no subscriptions: objects are sent by "
                                          "adding them.");
    }
    /// Does not compile.
    template <typename T, typename... Query>
    void update_subscription(const std::string&, Query&&...) {
        static_assert(internal::never<T>, "Data Ingest uses no subscriptions: objects are sent by "
                                          "adding them.");
    }
    /// Whether there was one to remove: there never is.
    bool remove(const std::string&) { return false; }
    /// Nothing.
    template <typename Subscription = sync_subscription>
    std::optional<Subscription> find(const std::string&) {
        return std::nullopt;
    }
    /// Does nothing.
    void clear() {}
};

/// The subscriptions of a db: none.
struct sync_subscription_set {
    /// 0.
    [[nodiscard]] std::size_t size() const { return 0; }
    /// Nothing.
    template <typename Subscription = sync_subscription>
    std::optional<Subscription> find(const std::string&) {
        return std::nullopt;
    }

    /// Calls `fn`; since nothing can be added, there is nothing to wait for.
    template <typename Done = bool>
    std::future<Done> update(std::function<void(mutable_sync_subscription_set& subs)>&& fn) {
        std::promise<Done> promise;
        auto future = promise.get_future();
        try {
            mutable_sync_subscription_set subscriptions;
            fn(subscriptions);
            promise.set_value(true);
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
        return future;
    }
};

} // namespace realm
