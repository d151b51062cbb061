// The headers encode the golden documents byte for byte. The bytes are another implementation's
// (tests/golden/make.py), the values here are written down anew.
#include "golden_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "write_session.hpp"

namespace {

using namespace golden;
namespace internal = realm::internal;

/// The document that a write of `object` hands to the library.
template <typename T>
bytes written(const T& object) {
    internal::recorded_transaction transaction(internal::describe_classes<T, Place, Inner, Wide>());
    transaction.begin(nullptr);
    transaction.add(object);
    bytes document;
    finish(transaction, [&](const auto& runs, const std::uint8_t* payload, std::size_t size) {
        EXPECT_EQ(runs.size(), 1U);
        document.assign(payload, payload + size);
    });
    return document;
}

/// The same after the object was read back from its bytes, as happens when its handle is used.
template <typename T>
bytes written_again(const T& object) {
    internal::buffer first;
    internal::date_rests rests;
    internal::encoder to(first, &rests);
    internal::encode_document<T>(to, &object);
    internal::arena objects;
    T read{};
    internal::read_fields(internal::decoder(first, rests, objects),
                          internal::bson_reader(first.data(), first.size()), read);
    return written(read);
}

struct encoding {
    bytes once;
    bytes again;
};
using cases = std::map<std::string, encoding>;

template <typename T>
void put(cases& to, const std::string& name, const T& object) {
    if (!to.emplace(name, encoding{written(object), written_again(object)}).second)
        ADD_FAILURE() << "two cases are named " << name;
}

std::string difference(const bytes& made, const bytes& wanted) {
    const auto at = std::mismatch(made.begin(), made.end(), wanted.begin(), wanted.end());
    const auto from = static_cast<std::size_t>(at.first - made.begin());
    const auto text = [from](const bytes& of) {
        std::string hex;
        const std::size_t begin = from < 16 ? 0 : from - 16;
        if (begin < of.size())
            internal::append_hex(hex, of.data() + begin,
                                 std::min<std::size_t>(of.size() - begin, 64));
        return hex;
    };
    return "sizes " + std::to_string(made.size()) + " and " + std::to_string(wanted.size()) +
           ", first difference at byte " + std::to_string(from) + "\n  made   .." + text(made) +
           "..\n  wanted .." + text(wanted) + "..";
}

TEST(golden, structs_are_encoded_byte_for_byte_as_elsewhere) {
    cases made;
    put_all([&](const std::string& name, const auto& object) { put(made, name, object); });
    const auto wanted = golden_documents();
    for (const auto& [name, document] : wanted) {
        const auto found = made.find(name);
        if (found == made.end()) {
            ADD_FAILURE() << name << ": has no value in this test";
            continue;
        }
        EXPECT_TRUE(found->second.once == document)
            << name << ": " << difference(found->second.once, document);
        EXPECT_TRUE(found->second.again == document)
            << name << ", read and written again: " << difference(found->second.again, document);
    }
    for (const auto& [name, document] : made)
        EXPECT_EQ(wanted.count(name), 1U) << name << ": is not among the golden documents";
}

} // namespace
