// The C interface in a form that tests can read: owners of its objects, and its calls with what
// they give.
#pragma once

#include <realm_ingest.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "gateway_fixture.hpp"

namespace c_test {

/// Ends what the library gave.
template <auto Free>
struct freed {
    template <typename T>
    void operator()(T* pointer) const {
        Free(pointer);
    }
};
template <typename T, auto Free>
using owned = std::unique_ptr<T, freed<Free>>;
using error_ptr = owned<realm_ingest_error, realm_ingest_error_free>;
using app_ptr = owned<realm_ingest_app, realm_ingest_app_free>;
using user_ptr = owned<realm_ingest_user, realm_ingest_user_free>;
using realm_ptr = owned<realm_ingest_realm, realm_ingest_realm_free>;
using transaction_ptr = owned<realm_ingest_transaction, realm_ingest_transaction_free>;
using app_config_ptr = owned<realm_ingest_app_config, realm_ingest_app_config_free>;
using stranded_ptr = owned<realm_ingest_stranded, realm_ingest_stranded_free>;
using credentials_ptr = owned<realm_ingest_credentials, realm_ingest_credentials_free>;
using users_ptr = owned<realm_ingest_users, realm_ingest_users_free>;
using text_ptr = owned<realm_ingest_text, realm_ingest_text_free>;
using outcome_ptr = owned<realm_ingest_outcome, realm_ingest_outcome_free>;
using status_ptr = owned<realm_ingest_status, realm_ingest_status_free>;
using realm_config_ptr = owned<realm_ingest_realm_config, realm_ingest_realm_config_free>;

/// Calls with the place for an error last of `arguments`, and the output, if any, behind it.
struct outcome {
    realm_ingest_code code;
    error_ptr error;

    std::string message() const { return realm_ingest_error_message(error.get(), nullptr); }
};

template <typename Fn>
outcome call(Fn&& fn) {
    realm_ingest_error* error = nullptr;
    auto code = fn(&error);
    EXPECT_EQ(code, realm_ingest_error_code(error));
    return {code, error_ptr(error)};
}

/// The output of a call that must succeed.
template <typename Owned, typename Fn>
Owned made(Fn&& fn) {
    typename Owned::pointer output = nullptr;
    auto result = call([&](auto error) { return fn(error, &output); });
    if (result.code != REALM_INGEST_OK)
        throw std::runtime_error(result.message());
    return Owned(output);
}

inline const std::string schema = R"({"classes":[
    {"name":"CReading","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"int"},{"name":"value","type":"double"}]},
    {"name":"CLog","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"int"}]}]})";

inline std::string number(std::int64_t value) {
    return {reinterpret_cast<char*>(&value), sizeof value};
}
inline std::string number(double value) { return {reinterpret_cast<char*>(&value), sizeof value}; }

inline std::string document(const std::string& fields) {
    auto length = static_cast<std::int32_t>(fields.size() + 5);
    return std::string(reinterpret_cast<char*>(&length), 4) + fields + '\0';
}
inline std::string log_entry(std::int64_t id) {
    return document(std::string("\x12_id\0", 5) + number(id));
}
inline std::string reading(std::int64_t id, double value) {
    return document(std::string("\x12_id\0", 5) + number(id) + std::string("\x01value\0", 7) +
                    number(value));
}

inline const std::uint8_t* bytes(const std::string& text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

inline app_config_ptr app_config(const std::string& url, const std::filesystem::path& files,
                                 const std::string& id = "c-app") {
    auto config = made<app_config_ptr>([&](auto error, auto config) {
        return realm_ingest_app_config_new(id.data(), id.size(), error, config);
    });
    auto path = files.string();
    realm_ingest_app_config_set_base_url(config.get(), url.data(), url.size(), nullptr);
    realm_ingest_app_config_set_path(config.get(), path.data(), path.size(), nullptr);
    return config;
}

inline app_ptr open_app(const app_config_ptr& config) {
    return made<app_ptr>(
        [&](auto error, auto app) { return realm_ingest_app_new(config.get(), error, app); });
}

/// An app of its own: one of an earlier test may live on, and its gateway may have had this
/// address.
inline app_ptr open_app(const std::string& url, const std::filesystem::path& files) {
    auto config = app_config(url, files);
    realm_ingest_app_config_set_caching(config.get(), false, nullptr);
    return open_app(config);
}

inline user_ptr log_in(const app_ptr& app) {
    return made<user_ptr>([&](auto error, auto user) {
        return realm_ingest_app_login_anonymous(app.get(), error, user);
    });
}

inline realm_config_ptr make_config(const std::string& classes = schema) {
    return made<realm_config_ptr>([&](auto error, auto config) {
        return realm_ingest_realm_config_new(classes.data(), classes.size(), error, config);
    });
}

inline realm_ptr open_realm(const user_ptr& user, const realm_config_ptr& config) {
    return made<realm_ptr>([&](auto error, auto realm) {
        return realm_ingest_realm_new(user.get(), config.get(), error, realm);
    });
}

inline outcome append(const realm_ptr& realm, const std::string& name, const std::string& documents,
                      std::uint64_t* number = nullptr) {
    return call([&](auto error) {
        return realm_ingest_realm_append(realm.get(), name.data(), name.size(), bytes(documents),
                                         documents.size(), error, number);
    });
}

inline outcome append(const transaction_ptr& transaction, const std::string& name,
                      const std::string& documents) {
    return call([&](auto error) {
        return realm_ingest_transaction_append(transaction.get(), name.data(), name.size(),
                                               bytes(documents), documents.size(), error);
    });
}

inline transaction_ptr begin(const realm_ptr& realm) {
    return made<transaction_ptr>([&](auto error, auto transaction) {
        return realm_ingest_transaction_new(realm.get(), error, transaction);
    });
}

inline outcome commit(const transaction_ptr& transaction, std::uint64_t* number = nullptr) {
    return call([&](auto error) {
        return realm_ingest_transaction_commit(transaction.get(), error, number);
    });
}

inline std::uint64_t pending(const realm_ptr& realm) {
    std::uint64_t documents = 0;
    EXPECT_EQ(realm_ingest_realm_pending(realm.get(), nullptr, &documents), 0U);
    return documents;
}

inline outcome wait(const realm_ptr& realm, std::int64_t timeout_ms) {
    return call([&](auto error) {
        return realm_ingest_realm_wait_for_upload(realm.get(), timeout_ms, error);
    });
}

inline std::string string(const text_ptr& text) {
    std::size_t length = 0;
    auto data = realm_ingest_text_data(text.get(), &length);
    return data ? std::string(data, length) : "(none)";
}

inline user_ptr log_in(const app_ptr& app, const std::string& email, const std::string& password) {
    realm_ingest_app_register(app.get(), email.data(), email.size(), password.data(),
                              password.size(), nullptr);
    return made<user_ptr>([&](auto error, auto user) {
        return realm_ingest_app_login_password(app.get(), email.data(), email.size(),
                                               password.data(), password.size(), error, user);
    });
}

/// What a program may well do anywhere, with objects that the library may be working on.
inline void use(const app_ptr& app, const user_ptr& user, const realm_ptr& realm) {
    std::uint64_t documents = 0;
    realm_ingest_realm_pending(realm.get(), nullptr, &documents);
    realm_ingest_status* status = nullptr;
    realm_ingest_realm_status(realm.get(), nullptr, &status);
    realm_ingest_status_free(status);
    std::uint8_t state = 0;
    realm_ingest_realm_state(realm.get(), nullptr, &state);
    realm_ingest_realm_connection_state(realm.get(), nullptr, &state);
    realm_ingest_realm_state_of(realm.get(), 1, nullptr, &state);
    realm_ingest_realm_remove_progress(realm.get(), 7, nullptr);
    realm_ingest_realm_remove_connection_change(realm.get(), 7, nullptr);
    realm_ingest_realm_reconnect(realm.get(), nullptr);
    static_cast<void>(realm_ingest_user_state(user.get()));
    realm_ingest_users* users = nullptr;
    realm_ingest_app_users(app.get(), nullptr, &users);
    realm_ingest_users_free(users);
    append(realm, "CLog", log_entry(1000));
}

/// A gateway and an app of it.
struct with_gateway : testing::Test {
    explicit with_gateway(std::vector<std::string> options = {"--dev"})
        : gateway(std::move(options)) {}

    test::gateway gateway;
    test::temporary_directory files;
    app_ptr app = open_app(gateway.url(), files.path);
};

} // namespace c_test
