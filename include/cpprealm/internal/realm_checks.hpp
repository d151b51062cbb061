// What must hold before a realm is opened and the library cannot know: contradictions between two
// configurations in one process, and what follows from a schema mode.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/chosen_options.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

template <typename = on_use>
[[noreturn]] void throw_wrong_thread() {
    internal::refuse<std::logic_error>("Realm accessed from incorrect thread.");
}

/// The settings of a configuration that have no public reader.
struct config_access {
    using config = bridge::realm::config;

    static const std::optional<std::array<char, 64>>& encryption_key(const config& config) {
        return config.encryption_key_;
    }
    static config::schema_mode schema_mode(const config& config) { return config.schema_mode_; }
    static uint64_t schema_version(const config& config) { return config.schema_version_; }
    static bool has_schema(const config& config) { return config.schema_.has_value(); }
    static const std::vector<bridge::object_schema>& schema(const config& config) {
        return *config.schema_;
    }
    static const std::string& path(const config& config) { return config.path_; }
    static const std::shared_ptr<::realm::scheduler>& scheduler(const config& config) {
        return config.scheduler_;
    }
    static const std::shared_ptr<sync_settings>& settings(const config& config) {
        return config.sync_config_.settings();
    }
    static const chosen_options* options(const config& config) { return config.options_.get(); }
    template <typename Options>
    static void set_options(config& config, Options options) {
        config.options_ = std::move(options);
    }
};

/// Refuses a configuration for a path that is open with another one.
template <typename = on_use>
void check_same(const bridge::realm::config& open, const bridge::realm::config& config) {
    using mode = bridge::realm::config::schema_mode;
    const char* differs = nullptr;
    auto unless_same = [&](bool same, const char* what) {
        if (!same && differs == nullptr)
            differs = what;
    };
    auto read_only = [](const bridge::realm::config& c) {
        return config_access::schema_mode(c) == mode::read_only;
    };

    using access = config_access;
    unless_same(read_only(open) == read_only(config), "different read permissions.");
    unless_same(access::encryption_key(open) == access::encryption_key(config),
                "a different encryption key.");
    unless_same(access::schema_mode(open) == access::schema_mode(config),
                "a different schema mode.");
    unless_same(access::schema_version(open) == access::schema_version(config),
                "different schema version.");
    const auto& settings = access::settings(open);
    const auto& other = access::settings(config);
    unless_same(!settings == !other, "different sync configurations.");
    unless_same(!settings || !other || settings->user->user->same_as(*other->user->user),
                "different sync user.");
    const chosen_options* chosen = access::options(open);
    const chosen_options* chosen_now = access::options(config);
    unless_same(chosen != nullptr ? chosen->same_as(chosen_now)
                                  : chosen_now == nullptr || chosen_now->same_as(nullptr),
                "different ingest options.");
    if (differs != nullptr)
        refuse({"Realm at path '", access::path(config), "' already opened with ", differs});
}

/// For each class whether an asymmetric one leads to it, or it is one.
template <typename = on_use>
std::vector<char> reachable(const std::vector<bridge::object_schema>& classes) {
    std::vector<char> reached(classes.size());
    for (std::size_t i = 0; i < classes.size(); ++i)
        reached[i] = classes[i].type == bridge::object_schema::object_type::asymmetric;
    for (bool more = true; more;) {
        more = false;
        for (std::size_t from = 0; from < classes.size(); ++from) {
            for (const auto& property : classes[from].properties) {
                for (std::size_t to = 0; reached[from] && to < classes.size(); ++to) {
                    if (reached[to] || classes[to].name != property.object)
                        continue;
                    reached[to] = 1;
                    more = true;
                }
            }
        }
    }
    return reached;
}

/// Refuses classes that the configuration does not allow, and configurations without a server.
template <typename = on_use>
void check_classes(const bridge::realm::config& config,
                   const std::vector<bridge::object_schema>& classes) {
    using mode = bridge::realm::config::schema_mode;
    std::string findings;

    check_kinds(classes);
    if (!config_access::settings(config)) {
        for (const auto& c : classes)
            if (c.type == bridge::object_schema::object_type::asymmetric)
                findings +=
                    joined({"\n- Asymmetric table '", c.name, "' not allowed in a local Realm"});
        if (findings.empty())
            internal::refuse<std::logic_error>(
                "Data Ingest has no local databases: make the configuration with "
                "user::flexible_sync_configuration().");
    } else if (config_access::schema_mode(config) == mode::immutable) {
        internal::refuse<std::logic_error>(
            "Synchronized Realms cannot be opened in immutable mode");
    } else if (!config_access::settings(config)->user) {
        internal::refuse<std::logic_error>("The sync configuration has no user.");
    }
    if (config_access::schema_mode(config) == mode::additive_explicit) {
        const auto reached = reachable(classes);
        for (std::size_t i = 0; i < classes.size(); ++i) {
            if (!reached[i])
                findings += joined({"\n- Embedded object '", classes[i].name,
                                    "' is unreachable by any link path from top level objects."});
        }
    }
    if (!findings.empty())
        refuse({"Schema validation failed due to the following errors:", findings});
}

} // namespace realm::internal
