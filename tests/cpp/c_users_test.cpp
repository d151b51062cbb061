// The C interface: users and their data.
#include "c_api.hpp"

#include <cstring>

namespace {

using namespace c_test;

using c_users = with_gateway;

// Calls with one text, which most about credentials are.
credentials_ptr credentials(realm_ingest_code (*make)(const char*, std::size_t,
                                                      realm_ingest_error**,
                                                      realm_ingest_credentials**),
                            const std::string& text) {
    return made<credentials_ptr>(
        [&](auto e, auto out) { return make(text.data(), text.size(), e, out); });
}

user_ptr current(const app_ptr& app) {
    return made<user_ptr>(
        [&](auto e, auto user) { return realm_ingest_app_current_user(app.get(), e, user); });
}

std::string id(const user_ptr& user) {
    return user ? realm_ingest_user_id(user.get(), nullptr) : "(nobody)";
}

text_ptr access_token(const user_ptr& user) {
    return made<text_ptr>(
        [&](auto e, auto text) { return realm_ingest_user_access_token(user.get(), e, text); });
}

outcome remove(const app_ptr& app, const user_ptr& user) {
    return call([&](auto e) { return realm_ingest_app_remove_user(app.get(), user.get(), e); });
}

TEST_F(c_users, several_of_them_are_listed_switched_to_and_removed) {
    EXPECT_EQ(current(app), nullptr);
    auto one = log_in(app, "one@example.com", "correct horse");
    auto two = log_in(app, "two@example.com", "correct horse");
    EXPECT_EQ(id(current(app)), id(two));
    EXPECT_EQ(realm_ingest_app_switch_user(app.get(), one.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(id(current(app)), id(one));
    auto users = made<users_ptr>(
        [&](auto e, auto users) { return realm_ingest_app_users(app.get(), e, users); });
    ASSERT_EQ(realm_ingest_users_count(users.get()), 2U);
    auto second = made<user_ptr>(
        [&](auto e, auto user) { return realm_ingest_users_get(users.get(), 1, e, user); });
    EXPECT_EQ(id(second), id(two));
    realm_ingest_user* none = nullptr;
    auto beyond = call([&](auto e) { return realm_ingest_users_get(users.get(), 2, e, &none); });
    EXPECT_EQ(beyond.message(), "there is no user 2 among 2");

    EXPECT_EQ(realm_ingest_user_state(two.get()), REALM_INGEST_USER_LOGGED_IN);
    EXPECT_EQ(realm_ingest_user_log_out(two.get(), nullptr), REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_user_state(two.get()), REALM_INGEST_USER_LOGGED_OUT);
    auto switched =
        call([&](auto e) { return realm_ingest_app_switch_user(app.get(), two.get(), e); });
    EXPECT_EQ(switched.code, REALM_INGEST_CLIENT_USER_NOT_LOGGED_IN);
    EXPECT_EQ(remove(app, one).code, REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_user_state(one.get()), REALM_INGEST_USER_REMOVED);
    EXPECT_EQ(remove(app, one).code, REALM_INGEST_CLIENT_USER_NOT_FOUND);
    EXPECT_EQ(current(app), nullptr);
}

TEST_F(c_users, have_tokens_and_identities_and_are_refreshed) {
    auto user = log_in(app, "one@example.com", "correct horse");
    auto identities = made<text_ptr>(
        [&](auto e, auto text) { return realm_ingest_user_identities(user.get(), e, text); });
    EXPECT_NE(string(identities).find("local-userpass"), std::string::npos) << string(identities);
    EXPECT_NE(string(access_token(user)), "");
    EXPECT_EQ(realm_ingest_user_refresh_custom_data(user.get(), nullptr), REALM_INGEST_OK);
    auto custom_data = made<text_ptr>(
        [&](auto e, auto text) { return realm_ingest_user_custom_data(user.get(), e, text); });
    EXPECT_EQ(custom_data, nullptr);
    realm_ingest_text* result = nullptr;
    auto called = call([&](auto e) {
        return realm_ingest_user_call_function(user.get(), "nothing", 7, "[]", 2, e, &result);
    });
    EXPECT_NE(called.code, REALM_INGEST_OK);
    EXPECT_EQ(result, nullptr);
    realm_ingest_user_log_out(user.get(), nullptr);
    EXPECT_EQ(string(access_token(user)), "");
    auto refresh = made<text_ptr>(
        [&](auto e, auto text) { return realm_ingest_user_refresh_token(user.get(), e, text); });
    EXPECT_EQ(string(refresh), "");
}

TEST_F(c_users, log_in_with_credentials_of_every_kind) {
    auto log_in_with = [&](const credentials_ptr& credentials) {
        realm_ingest_user* user = nullptr;
        auto result = call(
            [&](auto e) { return realm_ingest_app_login(app.get(), credentials.get(), e, &user); });
        user_ptr owner(user);
        return result.code == REALM_INGEST_OK ? "logged in" : result.message();
    };
    auto anonymous = made<credentials_ptr>(
        [](auto e, auto out) { return realm_ingest_credentials_new_anonymous(e, out); });
    EXPECT_EQ(log_in_with(anonymous), "logged in");
    log_in(app, "one@example.com", "correct horse");
    auto password = made<credentials_ptr>([](auto e, auto out) {
        return realm_ingest_credentials_new_password("one@example.com", 15, "correct horse", 13, e,
                                                     out);
    });
    EXPECT_EQ(log_in_with(password), "logged in");
    // Those that this gateway does not know are refused by it, and not by the library.
    for (auto make :
         {realm_ingest_credentials_new_api_key, realm_ingest_credentials_new_custom_token,
          realm_ingest_credentials_new_google_id_token,
          realm_ingest_credentials_new_google_auth_code, realm_ingest_credentials_new_apple,
          realm_ingest_credentials_new_facebook})
        EXPECT_NE(log_in_with(credentials(make, "a.b.c")), "logged in");
    EXPECT_NE(log_in_with(credentials(realm_ingest_credentials_new_function, "{}")), "logged in");
    realm_ingest_credentials* none = nullptr;
    auto array =
        call([&](auto e) { return realm_ingest_credentials_new_function("[]", 2, e, &none); });
    EXPECT_EQ(array.message(), "the credentials are not a JSON object");
}

TEST_F(c_users, credentials_that_are_not_utf8_are_no_credentials) {
    std::string bad = "M\xfcller";
    realm_ingest_credentials* none = nullptr;
    auto refused = [&](const char* name, auto&& make) {
        auto result = call(make);
        EXPECT_EQ(result.code, REALM_INGEST_INVALID_ARGUMENT);
        EXPECT_EQ(result.message(), std::string(name) + " is not valid UTF-8");
        EXPECT_EQ(none, nullptr);
    };
    refused("password", [&](auto e) {
        return realm_ingest_credentials_new_password("a@b.c", 5, bad.data(), bad.size(), e, &none);
    });
    refused("key", [&](auto e) {
        return realm_ingest_credentials_new_api_key(bad.data(), bad.size(), e, &none);
    });
    refused("payload_json", [&](auto e) {
        return realm_ingest_credentials_new_function(bad.data(), bad.size(), e, &none);
    });
    realm_ingest_user* nobody = nullptr;
    refused("email", [&](auto e) {
        return realm_ingest_app_login_password(app.get(), bad.data(), bad.size(), "secret", 6, e,
                                               &nobody);
    });
    EXPECT_EQ(nobody, nullptr);
}

TEST_F(c_users, the_address_of_the_server_and_the_cache_of_apps) {
    auto url = made<text_ptr>(
        [&](auto e, auto text) { return realm_ingest_app_base_url(app.get(), e, text); });
    EXPECT_EQ(string(url), gateway.url());
    std::string nowhere = "http://127.0.0.1:1";
    auto moved = call([&](auto e) {
        return realm_ingest_app_update_base_url(app.get(), nowhere.data(), nowhere.size(), e);
    });
    EXPECT_EQ(moved.code, REALM_INGEST_CUSTOM_ERROR);
    auto cached = [](const std::string& id) {
        return made<app_ptr>([&](auto e, auto app) {
            return realm_ingest_app_cached(id.data(), id.size(), nullptr, 0, e, app);
        });
    };
    auto shared = open_app(app_config(gateway.url(), files.path, "shared"));
    EXPECT_NE(cached("shared"), nullptr);
    EXPECT_EQ(cached("another"), nullptr);
    realm_ingest_clear_cached_apps();
    EXPECT_EQ(cached("shared"), nullptr);
    auto config = app_config(gateway.url(), files.path, "alone");
    realm_ingest_app_config_set_caching(config.get(), false, nullptr);
    auto alone = open_app(config);
    EXPECT_EQ(cached("alone"), nullptr);
}

TEST_F(c_users, users_register_and_log_in_with_a_password) {
    std::string email = "c@example.com", password = "correct horse";
    auto enter = [&](const std::string& with, realm_ingest_user** user) {
        return call([&](auto e) {
            return realm_ingest_app_login_password(app.get(), email.data(), email.size(),
                                                   with.data(), with.size(), e, user);
        });
    };
    realm_ingest_user* user = nullptr;
    EXPECT_EQ(enter(password, &user).code, REALM_INGEST_INVALID_PASSWORD);
    EXPECT_EQ(user, nullptr);
    auto add = [&] {
        return call([&](auto e) {
            return realm_ingest_app_register(app.get(), email.data(), email.size(), password.data(),
                                             password.size(), e);
        });
    };
    EXPECT_EQ(add().code, REALM_INGEST_OK);
    EXPECT_EQ(add().code, REALM_INGEST_ACCOUNT_NAME_IN_USE);
    ASSERT_EQ(enter(password, &user).code, REALM_INGEST_OK);
    user_ptr owner(user);
    std::size_t length = 0;
    auto id = realm_ingest_user_id(user, &length);
    EXPECT_EQ(std::strlen(id), length);
    EXPECT_EQ(length, 24U);
    EXPECT_EQ(realm_ingest_user_log_out(user, nullptr), REALM_INGEST_OK);
}

TEST_F(c_users, what_nobody_sends_is_listed_exported_re_homed_and_discarded) {
    auto list = [&] {
        return made<stranded_ptr>(
            [&](auto e, auto list) { return realm_ingest_app_stranded(app.get(), e, list); });
    };
    auto leave = [&](const std::string& email) {
        auto user = log_in(app, email, "a good password");
        gateway.kill();
        auto realm = open_realm(user, make_config());
        append(realm, "CLog", log_entry(1));
        append(realm, "CLog", log_entry(2));
        realm_ingest_user_log_out(user.get(), nullptr);
        realm.reset();
        gateway.start();
        auto found = list();
        EXPECT_EQ(realm_ingest_stranded_count(found.get()), 1U);
        std::string path = realm_ingest_stranded_path(found.get(), 0, nullptr);
        std::size_t length = 0;
        realm_ingest_stranded_user_id(found.get(), 0, &length);
        EXPECT_EQ(length, 24U);
        std::string principal = realm_ingest_stranded_principal(found.get(), 0, nullptr);
        EXPECT_EQ(principal.rfind("local-userpass:", 0), 0U) << principal;
        EXPECT_EQ(realm_ingest_stranded_transactions(found.get(), 0), 2U);
        EXPECT_EQ(realm_ingest_stranded_documents(found.get(), 0), 2U);
        EXPECT_EQ(realm_ingest_stranded_path(found.get(), 1, nullptr), nullptr);
        return path;
    };
    EXPECT_EQ(realm_ingest_stranded_count(list().get()), 0U);
    auto path = leave("one@example.com");
    auto exported = (files.path / "export.json").string();
    std::uint64_t documents = 0;
    auto write_out = [&] {
        return call([&](auto e) {
            return realm_ingest_app_export(app.get(), path.data(), path.size(), exported.data(),
                                           exported.size(), nullptr, 0, e, &documents);
        });
    };
    EXPECT_EQ(write_out().code, REALM_INGEST_OK);
    EXPECT_EQ(documents, 2U);
    EXPECT_EQ(write_out().code, REALM_INGEST_INVALID_ARGUMENT) << "the file is there already";
    auto other = log_in(app, "two@example.com", "a good password");
    auto moved = call([&](auto e) {
        return realm_ingest_app_rehome(app.get(), path.data(), path.size(), other.get(), nullptr, 0,
                                       e);
    });
    EXPECT_EQ(moved.code, REALM_INGEST_OK);
    auto config = make_config();
    realm_ingest_realm_config_set_path(config.get(), path.data(), path.size(), nullptr);
    auto realm = open_realm(other, config);
    ASSERT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    EXPECT_EQ(gateway.count("CLog"), 2U);
    realm.reset();

    path = leave("three@example.com");
    auto discard = [&] {
        return call([&](auto e) {
            return realm_ingest_app_discard(app.get(), path.data(), path.size(), e, &documents);
        });
    };
    documents = 0;
    EXPECT_EQ(discard().code, REALM_INGEST_OK);
    EXPECT_EQ(documents, 2U);
    EXPECT_NE(discard().code, REALM_INGEST_OK);
    EXPECT_EQ(realm_ingest_stranded_count(list().get()), 0U);
}

} // namespace
