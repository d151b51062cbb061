// The golden values for a real gateway: nearly all have one `_id`, and a gateway keeps one of a
// kind.
#pragma once

#include <cpprealm/sdk.hpp>

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "golden_cases.hpp"

namespace golden {

/// Gives an object an `_id` of its own, and the document that was made of it.
template <typename T>
void tell_apart(T& object, bytes& document) {
    if constexpr (std::is_same_v<decltype(object._id), realm::primary_key<realm::object_id>>) {
        if (object._id.value != same_id)
            return;
        const auto id = realm::object_id::generate();
        object._id = id;
        realm::internal::bson_element element;
        const realm::internal::bson_reader reader(document.data(), document.size());
        if (!reader.find("_id", element))
            throw std::logic_error("a golden document has no _id");
        const auto at = element.value - document.data();
        const auto to = id.to_bytes();
        std::copy(to.begin(), to.end(), document.begin() + at);
    }
}

/// A realm with all classes that have golden values.
inline realm::db open_all(const realm::db_config& config) {
    return realm::open<Inner, Place, Wide, Scalars, Optionals, Lists, OptionalLists, Sets,
                       OptionalSets, Maps, OptionalMaps, Embeddeds, WideOwner, Mixeds, OwnVariants,
                       OtherSizes, IntKey, StringKey, ObjectIdKey, UuidKey, EnumKey, OptionalIntKey,
                       OptionalStringKey, OptionalObjectIdKey, OptionalUuidKey, OptionalEnumKey,
                       KeyLast, LongName>(config);
}

} // namespace golden
