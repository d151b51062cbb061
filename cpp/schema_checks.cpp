#include "schema_checks.hpp"

#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

std::string refusal_of_kinds(const bridge::object_schema* classes, std::size_t count) {
    using type = bridge::object_schema::object_type;
    const bridge::object_schema* regular = nullptr;
    const bridge::object_schema* asymmetric = nullptr;
    for (const auto* one = classes; one != classes + count; ++one) {
        if (one->type == type::regular && regular == nullptr)
            regular = one;
        if (one->type == type::asymmetric && asymmetric == nullptr)
            asymmetric = one;
    }
    if (regular == nullptr)
        return {};
    if (asymmetric != nullptr)
        return joined({"A realm cannot hold both kinds of objects: '", asymmetric->name,
                       "' is asymmetric (REALM_ASYMMETRIC_SCHEMA) and '", regular->name,
                       "' is a regular class (REALM_SCHEMA); name the classes to open in "
                       "realm::open<...>()."});
    return joined({"Class '", regular->name,
                   "' is a regular class (REALM_SCHEMA), and Data Ingest opens asymmetric and "
                   "embedded classes only."});
}

void ffi::check_kinds(const bridge::object_schema* classes, std::size_t count,
                      Status& status) noexcept {
    if (const std::string refusal = refusal_of_kinds(classes, count); !refusal.empty())
        set_refusal(status, logic_error_code, refusal);
}

void ffi::complete(bridge::object_schema& described, Status& status) noexcept {
    constexpr std::string_view invalid =
        "Schema validation failed due to the following errors:\n- ";
    if (described.name.size() > max_class_name_bytes)
        return set_refusal(status, invalid_argument_code,
                           joined({"Name too long: class_", described.name}));
    for (const auto& one : described.properties) {
        if (one.name.size() > max_property_name_bytes)
            return set_refusal(status, invalid_argument_code,
                               joined({"Name too long: ", one.name}));
        for (const auto* before = described.properties.begin(); before != &one; ++before) {
            if (before->name == one.name)
                return set_refusal(status, logic_error_code,
                                   joined({invalid, "Property '", one.name,
                                           "' appears more than once in the schema for type '",
                                           described.name, "'."}));
        }
        if (!one.is_primary_key)
            continue;
        if (!described.primary_key.empty())
            return set_refusal(
                status, logic_error_code,
                joined({invalid, "Properties '", described.primary_key, "' and '", one.name,
                        "' are both marked as the primary key of '", described.name, "'."}));
        described.primary_key = one.name;
    }
}

} // namespace realm::internal
