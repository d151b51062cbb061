// A set of classes, and the JSON by which the library and the gateway know it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/object_schema.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm::internal::bridge {

/// The classes a database is opened with. A value.
struct schema {
    /// No classes.
    schema() = default;
    /// Of these classes.
    schema(std::vector<object_schema> classes) : classes_(std::move(classes)) {}

    /// The classes.
    const std::vector<object_schema>& classes() const noexcept { return classes_; }

    /// As the library and the gateway know it.
    template <typename = on_use>
    std::string to_json() const {
        std::string out = R"({"classes":[)";
        for (const auto& c : classes_) {
            if (&c != &classes_.front())
                out += ',';
            append_class(out, c);
        }
        return out += "]}";
    }

    template <typename = on_use>
    friend bool operator==(const schema& a, const schema& b) {
        return a.classes_ == b.classes_;
    }
    template <typename = on_use>
    friend bool operator!=(const schema& a, const schema& b) {
        return !(a == b);
    }

private:
    // Names are identifiers of C++, and need no escapes.

    template <typename = on_use>
    static void append_class(std::string& out, const object_schema& c) {
        append(out, R"({"name":")", c.name);
        out += c.type == object_schema::object_type::embedded ? R"(,"kind":"embedded")"
                                                              : R"(,"kind":"asymmetric")";
        if (!c.primary_key.empty())
            append(out, R"(,"primary_key":")", c.primary_key);
        out += R"(,"properties":[)";
        for (const auto& p : c.properties) {
            if (&p != &c.properties.front())
                out += ',';
            append_property(out, p);
        }
        out += "]}";
    }

    template <typename = on_use>
    static void append_property(std::string& out, const object_schema::property& p) {
        static constexpr std::string_view collections[] = {"", "list", "set", "dictionary"};

        append(out, R"({"name":")", p.name);
        append(out, R"(,"type":")", p.type);
        if (p.optional)
            out += R"(,"optional":true)";
        if (p.collection != object_schema::collection_type::none)
            append(out, R"(,"collection":")", collections[static_cast<size_t>(p.collection)]);
        if (!p.object.empty())
            append(out, R"(,"object":")", p.object);
        out += '}';
    }

    template <typename = on_use>
    static void append(std::string& out, const char* before, std::string_view name) {
        out.append(before).append(name.data(), name.size()).push_back('"');
    }

    std::vector<object_schema> classes_;
};

} // namespace realm::internal::bridge
