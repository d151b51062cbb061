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
#include <cpprealm/schema.hpp>

namespace realm::internal {

template <typename = on_use>
[[noreturn]] void throw_wrong_thread() {
    throw std::logic_error("Realm accessed from incorrect thread.");
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
    static const std::shared_ptr<const ingest::options>& options(const config& config) {
        return config.ingest_options_;
    }
    static void set_options(config& config, std::shared_ptr<const ingest::options> options) {
        config.ingest_options_ = std::move(options);
    }
};

/// Refuses a configuration for a path that is open with another one.
template <typename = on_use>
void check_same(const bridge::realm::config& open, const bridge::realm::config& config) {
    using mode = bridge::realm::config::schema_mode;
    auto refuse = [&](std::string_view what) {
        throw std::logic_error("Realm at path '" + config.path() + "' already opened with " +
                               std::string(what));
    };
    auto read_only = [](const bridge::realm::config& c) {
        return config_access::schema_mode(c) == mode::read_only;
    };

    if (read_only(open) != read_only(config))
        refuse("different read permissions.");
    if (config_access::encryption_key(open) != config_access::encryption_key(config))
        refuse("a different encryption key.");
    if (config_access::schema_mode(open) != config_access::schema_mode(config))
        refuse("a different schema mode.");
    if (config_access::schema_version(open) != config_access::schema_version(config))
        refuse("different schema version.");
    if (!open.sync_config().settings() != !config.sync_config().settings())
        refuse("different sync configurations.");
    const auto& user = open.sync_config().settings()->user;
    const auto& other = config.sync_config().settings()->user;
    if (!user->user->same_as(*other->user))
        refuse("different sync user.");
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
    if (!config.sync_config().settings()) {
        for (const auto& c : classes)
            if (c.type == bridge::object_schema::object_type::asymmetric)
                findings.append("\n- Asymmetric table '")
                    .append(c.name)
                    .append("' not allowed in a local Realm");
        if (findings.empty())
            throw std::logic_error(
                "Data Ingest has no local databases: make the configuration with "
                "user::flexible_sync_configuration().");
    } else if (config_access::schema_mode(config) == mode::immutable) {
        throw std::logic_error("Synchronized Realms cannot be opened in immutable mode");
    } else if (!config.sync_config().settings()->user) {
        throw std::logic_error("The sync configuration has no user.");
    }
    if (config_access::schema_mode(config) == mode::additive_explicit) {
        const auto reached = reachable(classes);
        for (std::size_t i = 0; i < classes.size(); ++i) {
            if (!reached[i])
                findings.append("\n- Embedded object '")
                    .append(classes[i].name)
                    .append("' is unreachable by any link path from top level objects.");
        }
    }
    if (!findings.empty())
        throw std::logic_error("Schema validation failed due to the following errors:" + findings);
}

} // namespace realm::internal
