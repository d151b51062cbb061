// The bridge itself: what the headers above it take for granted.
#include <cpprealm/internal/bridge.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

namespace ffi = realm::internal::ffi;

TEST(bridge, the_version_is_that_of_the_headers) {
    EXPECT_EQ(std::string(ffi::version()), REALM_INGEST_VERSION_STRING);
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

namespace {

struct BridgeProbe {
    realm::primary_key<std::int64_t> _id;
};
REALM_ASYMMETRIC_SCHEMA(BridgeProbe, _id)

struct collecting_logger : realm::logger {
    void do_log(level, const std::string& text) override {
        std::lock_guard lock(mutex);
        all += text + "\n";
    }
    std::mutex mutex;
    std::string all;
};

} // namespace

TEST(bridge, what_callbacks_throw_becomes_a_log_line) {
    auto logger = std::make_shared<collecting_logger>();
    logger->set_level_threshold(realm::logger::level::all);
    realm::set_default_logger(logger);
    test::with_gateway server;
    auto db = realm::open<BridgeProbe>(server.config(server.log_in()));
    auto session = *db.get_sync_session();
    session.observe_connection_change([](auto, auto) { throw std::runtime_error("an observer"); });
    session.wait_for_upload_completion([](auto) { throw 42; });
    session.wait_for_upload_completion().get();
    session.wait_for_upload_completion().get();
    realm::set_default_logger(nullptr);
    std::lock_guard lock(logger->mutex);
    EXPECT_NE(
        logger->all.find("the end of a wait threw: an exception that is not a std::exception"),
        std::string::npos)
        << logger->all;
}
