// Every golden value goes from its struct through the library and a real gateway, and is stored as
// another implementation encodes it.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway_fixture.hpp"
#include "golden_apart.hpp"

namespace {

using namespace golden;

/// As the gateway prints it: what turns the direction of writing is escaped, which is the same
/// value in JSON.
std::string printed(std::string text) {
    const std::string right_to_left = "\xE2\x80\x8F";
    for (auto at = text.find(right_to_left); at != std::string::npos; at = text.find(right_to_left))
        text.replace(at, right_to_left.size(), "\\u200f");
    return text;
}

std::string canonical(const bytes& document) {
    namespace ffi = realm::internal::ffi;
    ffi::Status status;
    const rust::Slice<const std::uint8_t> slice(document.data(), document.size());
    std::string text(ffi::bson_to_ejson(slice, status));
    EXPECT_EQ(status.code, 0) << std::string(status.message);
    return printed(std::move(text));
}

TEST(e2e_types, every_golden_value_is_stored_as_it_was_written) {
    test::with_gateway with;
    auto db = open_all(with.config(with.log_in()));
    auto documents = golden_documents();
    std::map<std::string, std::vector<std::string>> wanted;
    put_all([&](const std::string& name, auto object) {
        auto& document = documents.at(name);
        tell_apart(object, document);
        db.write([&] { db.add(object); });
        wanted[std::string(realm::managed<decltype(object)>::schema.name)].push_back(
            canonical(document));
    });
    db.get_sync_session()->wait_for_upload_completion().get();

    EXPECT_TRUE(with.gateway.dead_letters().empty()) << with.gateway.dead_letters().front();
    EXPECT_TRUE(with.errors().empty());
    EXPECT_EQ(wanted.size(), 25u) << "every class has a document";
    for (const auto& [name, expected] : wanted)
        EXPECT_EQ(with.gateway.ask({"find", name, "--canonical"}), expected) << name;
}

} // namespace
