// A primary key as the server names it in a refusal: canonical Extended JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <cpprealm/internal/bridge/mixed.hpp>
#include <cpprealm/internal/bson_reader.hpp>
#include <cpprealm/internal/library.hpp>

namespace realm::internal {

/// The value; null for what no primary key can be. Does not throw for text that is no Extended
/// JSON, since an error must reach its handler whatever the server wrote into it.
inline bridge::mixed::value_type primary_key_from_json(const rust::String& json) {
    if (json.empty())
        return {};
    auto status = no_status();
    auto document = ffi::ejson_to_bson(rust::Str(json.data(), json.size()), status);
    if (status.code != 0)
        return {};

    bson_element value;
    if (!bson_reader(document.data(), document.size()).next(value))
        return {};
    switch (value.type) {
    case bson_type::int32:
        return static_cast<std::int64_t>(value.as_int32());
    case bson_type::int64:
        return value.as_int64();
    case bson_type::boolean:
        return value.as_bool();
    case bson_type::float64:
        return value.as_double();
    case bson_type::string:
        return std::string(value.as_string());
    case bson_type::object_id:
        return value.as_object_id();
    case bson_type::decimal128:
        return value.as_decimal128();
    case bson_type::datetime:
        return value.as_datetime();
    case bson_type::binary:
        if (value.is_uuid())
            return value.as_uuid();
        return value.as_binary();
    default:
        return {};
    }
}

} // namespace realm::internal
