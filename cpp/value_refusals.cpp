// Which value of an object cannot be sent, in words.
#include <string>

#include <cpprealm/internal/encoder.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm::internal {

namespace {

/// `Reading.deviceId`, `Reading.samples[3]`, `Reading.tags["room"]`, `Reading.position.name`.
std::string name_of(const char* class_name, const nesting* inside, std::string_view key) {
    if (inside == nullptr)
        return joined({class_name, ".", key});
    const std::string around = name_of(class_name, inside->outer(), inside->key());
    switch (inside->of()) {
    case nesting::kind::list:
        return joined({around, "[", key, "]"});
    case nesting::kind::map:
        return joined({around, "[\"", key, "\"]"});
    case nesting::kind::object:
        break;
    }
    return joined({around, ".", key});
}

} // namespace

void ffi::describe_refusal(const encoder& in, plain_text key, value_refusal why,
                           Status& status) noexcept {
    const nesting* inside = in.inside;
    switch (why) {
    case value_refusal::text:
        return set_refusal(
            status, invalid_argument_code,
            joined({"property '", name_of(in.class_name, inside, key), "' is not valid UTF-8"}));
    case value_refusal::map_key:
        return set_refusal(
            status, invalid_argument_code,
            joined({"a key of property '", name_of(in.class_name, inside->outer(), inside->key()),
                    "' is not valid UTF-8"}));
    case value_refusal::date:
        return set_refusal(status, overflow_error_code,
                           joined({"property '", name_of(in.class_name, inside, key),
                                   "' is a date too far from 1970 to be counted in milliseconds"}));
    case value_refusal::depth:
        while (inside->outer() != nullptr)
            inside = inside->outer();
        return set_refusal(
            status, invalid_argument_code,
            joined({"property '", name_of(in.class_name, nullptr, inside->key()),
                    "' is nested deeper than ", std::to_string(max_levels), " levels"}));
    }
}

} // namespace realm::internal
