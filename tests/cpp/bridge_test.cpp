// The bridge itself: what the headers above it take for granted.
#include <cpprealm/internal/bridge.hpp>

#include <gtest/gtest.h>

namespace ffi = realm::internal::ffi;

TEST(bridge, the_version_is_that_of_the_headers) {
    EXPECT_EQ(std::string(ffi::version()), "0.1.0");
}

TEST(bridge, extended_json_comes_back_as_it_was) {
    ffi::Status status{0, {}, {}, {}};
    auto bytes = ffi::ejson_to_bson("{\"a\":{\"$numberInt\":\"1\"}}", status);
    ASSERT_EQ(status.code, 0U);
    auto text = ffi::bson_to_ejson({bytes.data(), bytes.size()}, status);
    EXPECT_EQ(std::string(text), "{\"v\":{\"a\":{\"$numberInt\":\"1\"}}}");
}

TEST(bridge, what_is_not_json_comes_back_as_a_status) {
    ffi::Status status{0, {}, {}, {}};
    auto bytes = ffi::ejson_to_bson("{", status);
    EXPECT_NE(status.code, 0U);
    EXPECT_FALSE(status.message.empty());
    EXPECT_TRUE(bytes.empty());
}
