// How a user proves who they are: the provider's name and the body of the login request.
#pragma once

#include <stdexcept>
#include <string>

#include <cpprealm/internal/json_text.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm::internal::bridge {

/// `App::credentials`: how a user proves who they are. A value; nothing is checked before the
/// login.
struct app_credentials {
    /// None, which no server accepts.
    app_credentials() = default;

    /// This device's anonymous user; a new one where there is none.
    static app_credentials anonymous() { return app_credentials("anon-user"); }
    /// A key that a server or a user made for this purpose.
    static app_credentials api_key(const std::string& key) {
        return app_credentials("api-key").with("key", key);
    }
    /// An access token of Facebook.
    static app_credentials facebook(const std::string& access_token) {
        return app_credentials("oauth2-facebook").with("accessToken", access_token);
    }
    /// An ID token of Apple.
    static app_credentials apple(const std::string& id_token) {
        return app_credentials("oauth2-apple").with("id_token", id_token);
    }
    /// An authorisation code of Google.
    static app_credentials google_auth_code(const std::string& auth_code) {
        return app_credentials("oauth2-google").with("authCode", auth_code);
    }
    /// An ID token of Google.
    static app_credentials google_id_token(const std::string& id_token) {
        return app_credentials("oauth2-google").with("id_token", id_token);
    }
    /// A JWT by an issuer that the App trusts.
    static app_credentials custom(const std::string& token) {
        return app_credentials("custom-token").with("token", token);
    }
    /// An e-mail address and its password.
    static app_credentials username_password(const std::string& username,
                                             const std::string& password) {
        return app_credentials("local-userpass")
            .with("username", username)
            .with("password", password);
    }
    /// `payload` is a JSON object, the argument of the server's authentication function. Throws
    /// `std::invalid_argument` for any other text.
    template <typename = on_use>
    static app_credentials function(const std::string& payload) {
        auto status = no_status();
        ffi::ejson_to_bson(to_str(payload), status);
        if (status.code != 0)
            throw std::invalid_argument("The payload of a function login is not JSON: " +
                                        to_string(status.message));
        auto start = payload.find_first_not_of(" \t\r\n");
        if (start == std::string::npos || payload[start] != '{')
            internal::refuse<std::invalid_argument>(
                "The payload of a function login must be a JSON object.");
        app_credentials credentials;
        credentials.provider_ = "custom-function";
        credentials.body_ = payload;
        return credentials;
    }

    /// The name of the way to log in, such as `anon-user`.
    const std::string& provider() const noexcept { return provider_; }
    /// What is sent, as JSON. A secret.
    const std::string& body() const noexcept { return body_; }

private:
    explicit app_credentials(const char* provider) : provider_(provider) {
        body_.assign("{\"provider\":\"").append(provider_).append("\"}");
    }

    app_credentials& with(const char* name, const std::string& value) {
        body_.pop_back();
        body_.append(",\"").append(name).append("\":").append(json_text(value)).append("}");
        return *this;
    }

    std::string provider_;
    std::string body_ = "{}";
};

} // namespace realm::internal::bridge
