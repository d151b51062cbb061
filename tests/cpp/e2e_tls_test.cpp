// Over TLS to a real gateway: whom a device trusts, and the certificate it shows.
#include <cpprealm/sdk.hpp>

#include <gtest/gtest.h>

#include "gateway_fixture.hpp"

namespace {

struct Reading {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    int64_t value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)

using realm::app_error;
using transport = realm::networking::default_http_transport;

std::string file(const std::string& name) {
    return std::string(std::getenv("REALM_INGEST_SOURCE_DIR")) + "/gateway/tests/data/tls/" + name;
}

/// A gateway whose clients have to show a certificate.
struct Tls : testing::Test {
    test::gateway gateway{{"--dev", "--tls-cert", file("server.pem"), "--tls-key",
                           file("server.key"), "--client-ca", file("authority.pem")}};
    test::temporary_directory files;

    static transport::configuration trusting() {
        transport::configuration settings;
        settings.ssl_trust_certificate_path = file("authority.pem");
        settings.client_certificate = {file("client.pem"), file("client.key")};
        return settings;
    }

    realm::user log_in(const transport::configuration& settings) {
        auto config = test::configuration(files, "test-app", gateway.url());
        config.http_transport_client = std::make_shared<transport>(settings);
        return realm::App(config).login(realm::App::credentials::anonymous()).get();
    }

    std::string refusal(const transport::configuration& settings) {
        try {
            log_in(settings);
        } catch (const app_error& error) {
            EXPECT_TRUE(error.is_custom_error()) << error.message();
            return std::string(error.message());
        }
        return "(logged in)";
    }
};

TEST_F(Tls, a_device_with_a_certificate_logs_in_and_uploads) {
    auto user = log_in(trusting());
    auto db = realm::open<Reading>(user.flexible_sync_configuration());
    db.write([&] { db.add(Reading{}); });
    db.get_sync_session()->wait_for_upload_completion().get();
    EXPECT_EQ(gateway.count("Reading"), 1u);
}

TEST_F(Tls, a_device_without_one_and_one_that_trusts_nobody_do_not) {
    auto settings = trusting();
    settings.client_certificate.reset();
    EXPECT_NE(refusal(settings), "(logged in)");
    settings = trusting();
    settings.ssl_trust_certificate_path.reset();
    EXPECT_NE(refusal(settings).find("certificate"), std::string::npos);
}

TEST_F(Tls, the_callback_has_the_last_word) {
    struct shown {
        std::string address;
        unsigned port;
        int preverify_ok, depth;
    };
    std::mutex mutex;
    std::vector<shown> seen;
    bool answer = true;
    auto settings = trusting();
    settings.ssl_trust_certificate_path.reset();
    settings.ssl_verify_callback = [&](const std::string& address, auto port, const char* pem,
                                       std::size_t size, int preverify_ok, int depth) {
        std::lock_guard lock(mutex);
        EXPECT_EQ(std::string(pem, size).rfind("-----BEGIN CERTIFICATE-----\n", 0), 0u);
        seen.push_back({address, static_cast<unsigned>(port), preverify_ok, depth});
        return answer;
    };
    // A server that the library would not trust.
    EXPECT_TRUE(log_in(settings).is_logged_in());
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back().depth, 0);
    EXPECT_EQ(seen.back().preverify_ok, 0);
    EXPECT_EQ(gateway.url().substr(gateway.url().rfind('/') + 1),
              seen.back().address + ":" + std::to_string(seen.back().port));

    // And one that it would.
    test::temporary_directory others;
    std::swap(files.path, others.path);
    answer = false;
    settings.ssl_trust_certificate_path = file("authority.pem");
    EXPECT_NE(refusal(settings), "(logged in)");
    EXPECT_EQ(seen.back().preverify_ok, 1);
    settings.ssl_verify_callback = [](auto&&...) -> bool { throw std::runtime_error("no idea"); };
    EXPECT_NE(refusal(settings), "(logged in)");
    settings.client_validate_ssl = false;
    EXPECT_EQ(refusal(settings), "(logged in)") << "nobody is asked then";
}

} // namespace
