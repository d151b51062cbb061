// What must hold before a realm is opened and the library cannot know: contradictions between two
// configurations in one process, and what follows from a schema mode. Not installed.
#pragma once

#include <string>
#include <vector>

#include <cpprealm/internal/realm_instance.hpp>

namespace realm::internal {

/// What an open instance remembers of its configuration.
struct opened_settings {
    explicit opened_settings(const instance_settings& by);

    std::string path;
    std::string encryption_key; // empty, or 64 bytes
    bridge::realm::config::schema_mode schema_mode;
    std::uint64_t schema_version;
    rust::Box<ffi::User> user;
};

using class_list = std::vector<bridge::object_schema>;

/// What contradicts the open instance; null where they agree.
const char* difference(const opened_settings& open, const chosen_options* chosen,
                       const instance_settings& by, const chosen_options* chosen_now);

/// Why these classes cannot be opened so; empty where they can.
std::string refusal_of_classes(const instance_settings& by, const class_list& classes);

} // namespace realm::internal
