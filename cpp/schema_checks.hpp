// What Realm refuses of classes, and the macros cannot see. Not installed.
#pragma once

#include <cstddef>
#include <string>

#include <cpprealm/internal/bridge/object_schema.hpp>

namespace realm::internal {

/// Why a Data Ingest library can do nothing of these classes; empty where it can.
std::string refusal_of_kinds(const bridge::object_schema* classes, std::size_t count);

} // namespace realm::internal
