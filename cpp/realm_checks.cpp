#include "realm_checks.hpp"

#include "schema_checks.hpp"

namespace realm::internal {

using mode = bridge::realm::config::schema_mode;
using kind = bridge::object_schema::object_type;

namespace {

std::string key_of(const instance_settings& by) {
    return by.encryption_key == nullptr ? std::string()
                                        : std::string(by.encryption_key, encryption_key_bytes);
}

/// For each class whether an asymmetric one leads to it, or it is one.
std::vector<char> reachable(const class_list& classes) {
    std::vector<char> reached(classes.size());
    for (std::size_t i = 0; i < classes.size(); ++i)
        reached[i] = classes[i].type == kind::asymmetric;
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

} // namespace

opened_settings::opened_settings(const instance_settings& by)
    : path(std::string_view(by.path)), encryption_key(key_of(by)), schema_mode(by.schema_mode),
      schema_version(by.schema_version), user(by.user->duplicate()) {}

const char* difference(const opened_settings& open, const chosen_options* chosen,
                       const instance_settings& by, const chosen_options* chosen_now) {
    if ((open.schema_mode == mode::read_only) != (by.schema_mode == mode::read_only))
        return "different read permissions.";
    if (open.encryption_key != key_of(by))
        return "a different encryption key.";
    if (open.schema_mode != by.schema_mode)
        return "a different schema mode.";
    if (open.schema_version != by.schema_version)
        return "different schema version.";
    if (!open.user->same_as(*by.user))
        return "different sync user.";
    const bool same = chosen != nullptr ? chosen->same_as(chosen_now)
                                        : chosen_now == nullptr || chosen_now->same_as(nullptr);
    return same ? nullptr : "different ingest options.";
}

std::string refusal_of_classes(const instance_settings& by, const class_list& classes) {
    if (std::string refusal = refusal_of_kinds(classes.data(), classes.size()); !refusal.empty())
        return refusal;
    std::string findings;
    if (!by.is_synced) {
        for (const auto& c : classes) {
            if (c.type == kind::asymmetric)
                findings +=
                    joined({"\n- Asymmetric table '", c.name, "' not allowed in a local Realm"});
        }
        if (findings.empty())
            return "Data Ingest has no local databases: make the configuration with "
                   "user::flexible_sync_configuration().";
    } else if (by.schema_mode == mode::immutable) {
        return "Synchronized Realms cannot be opened in immutable mode";
    } else if (by.user == nullptr) {
        return "The sync configuration has no user.";
    }
    if (by.schema_mode == mode::additive_explicit) {
        const auto reached = reachable(classes);
        for (std::size_t i = 0; i < classes.size(); ++i) {
            if (!reached[i])
                findings += joined({"\n- Embedded object '", classes[i].name,
                                    "' is unreachable by any link path from top level objects."});
        }
    }
    return findings.empty()
               ? findings
               : joined({"Schema validation failed due to the following errors:", findings});
}

} // namespace realm::internal
