// A primary key as the server names it in a refusal: canonical Extended JSON.
#pragma once

#include <string>

#include <cpprealm/internal/bridge/mixed.hpp>
#include <cpprealm/internal/library.hpp>

namespace realm::internal {

/// The value; null for text that is no Extended JSON, since an error must reach its handler
/// whatever the server wrote into it.
template <typename = on_use>
bridge::mixed primary_key_from_json(const rust::String& json) {
    if (json.empty())
        return {};
    auto status = no_status();
    auto document = ffi::ejson_to_bson(rust::Str(json.data(), json.size()), status);
    return status.code == 0 ? bridge::mixed(to_string(document)) : bridge::mixed();
}

} // namespace realm::internal
