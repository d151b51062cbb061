// Classes whose macros reach two files through one header.
#pragma once

#include <cstdint>

#include <cpprealm/macros.hpp>

namespace units {

struct Part {
    double value = 0;
};
REALM_EMBEDDED_SCHEMA(Part, value)

struct Whole {
    realm::primary_key<std::int64_t> _id;
    Part* part = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Whole, _id, part)

/// Adds a Whole from the other file.
realm::managed<Whole> add_elsewhere(realm::internal::transaction& to, std::int64_t id);
/// What the other file sees registered.
std::size_t registered_elsewhere();

} // namespace units
