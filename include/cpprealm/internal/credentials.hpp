// How a user proves who they are: the provider's name and the body of the login request.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cpprealm/internal/json_text.hpp>
#include <cpprealm/internal/library.hpp>

namespace realm::internal {

/// `App::credentials`. A value.
struct app_credentials {
    app_credentials() = default;

    static app_credentials anonymous() { return {"anon-user", {}}; }
    static app_credentials api_key(const std::string& key) { return {"api-key", {{"key", key}}}; }
    static app_credentials facebook(const std::string& access_token) {
        return {"oauth2-facebook", {{"accessToken", access_token}}};
    }
    static app_credentials apple(const std::string& id_token) {
        return {"oauth2-apple", {{"id_token", id_token}}};
    }
    static app_credentials google_auth_code(const std::string& auth_code) {
        return {"oauth2-google", {{"authCode", auth_code}}};
    }
    static app_credentials google_id_token(const std::string& id_token) {
        return {"oauth2-google", {{"id_token", id_token}}};
    }
    static app_credentials custom(const std::string& token) {
        return {"custom-token", {{"token", token}}};
    }
    static app_credentials username_password(const std::string& username,
                                             const std::string& password) {
        return {"local-userpass", {{"username", username}, {"password", password}}};
    }
    /// `payload` is a JSON object, the argument of the server's authentication function. Throws
    /// `std::invalid_argument` for any other text.
    static app_credentials function(const std::string& payload) {
        auto status = no_status();
        ffi::ejson_to_bson(to_str(payload), status);
        if (status.code != 0)
            throw std::invalid_argument("The payload of a function login is not JSON: " +
                                        to_string(status.message));
        auto start = payload.find_first_not_of(" \t\r\n");
        if (start == std::string::npos || payload[start] != '{')
            throw std::invalid_argument("The payload of a function login must be a JSON object.");
        app_credentials credentials;
        credentials.provider_ = "custom-function";
        credentials.body_ = payload;
        return credentials;
    }

    const std::string& provider() const noexcept { return provider_; }
    const std::string& body() const noexcept { return body_; }

private:
    app_credentials(std::string_view provider,
                    std::initializer_list<std::pair<std::string_view, std::string_view>> fields)
        : provider_(provider), body_(R"({"provider":)" + json_text(provider)) {
        for (const auto& [name, value] : fields)
            body_ += ',' + json_text(name) + ':' + json_text(value);
        body_ += '}';
    }

    std::string provider_;
    std::string body_ = "{}";
};

} // namespace realm::internal
