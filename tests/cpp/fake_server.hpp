// App Services in the test's own process: a transport that answers logins, so that databases can be
// opened without a network. It takes no objects: uploads fail as if the server could not be
// reached.
#pragma once

#include <cpprealm/sdk.hpp>

#include <atomic>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace test {

/// A directory of its own, gone with the test.
struct temporary_directory {
    temporary_directory() {
        auto pattern = (std::filesystem::temp_directory_path() / "realm-ingest-XXXXXX").string();
        if (!mkdtemp(pattern.data()))
            throw std::runtime_error("cannot make a temporary directory");
        path = pattern;
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;

    std::filesystem::path path;
};

/// An app of its own: in this directory, not shared by way of the cache.
inline realm::App::configuration configuration(const temporary_directory& directory,
                                               const std::string& app_id, const std::string& url) {
    realm::App::configuration config;
    config.app_id = app_id;
    config.base_url = url;
    config.path = directory.path.string();
    config.enable_caching = false;
    return config;
}

/// The built-in transport, with a number.
struct counting_transport : realm::networking::default_http_transport {
    void send_request_to_server(
        const realm::networking::request& request,
        std::function<void(const realm::networking::response&)>&& completion) override {
        ++sent;
        default_http_transport::send_request_to_server(request, std::move(completion));
    }
    std::atomic<int> sent{0};
};

/// A token that says nothing true but can be read.
inline std::string make_token(const std::string& claims) {
    auto base64url = [](const std::string& text) {
        auto out =
            realm::internal::to_base64(reinterpret_cast<const uint8_t*>(text.data()), text.size());
        std::string url;
        for (char c : out)
            if (c != '=')
                url += c == '+' ? '-' : c == '/' ? '_' : c;
        return url;
    };
    return base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(claims) + ".c2lnbmF0dXJl";
}

class fake_server : public realm::networking::http_transport_client {
public:
    using request = realm::networking::request;
    using response = realm::networking::response;

    /// Answers instead of the server when it returns something.
    std::function<std::optional<response>(const request&)> instead;
    std::string user_data = R"({"favourite":"blue"})";

    static response json(int status, const std::string& body) {
        response answer;
        answer.http_status_code = status;
        answer.headers["Content-Type"] = "application/json";
        answer.body = body;
        return answer;
    }
    static response unreachable() {
        response answer;
        answer.custom_status_code = 1;
        return answer;
    }

    void send_request_to_server(const request& request,
                                std::function<void(const response&)>&& completion) override {
        {
            std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        auto own = instead ? instead(request) : std::nullopt;
        completion(own ? *own : answer(request));
    }

    std::vector<request> requests() const {
        std::lock_guard lock(mutex_);
        return requests_;
    }
    /// The last request whose URL ends so.
    std::optional<request> last(const std::string& end) const {
        std::lock_guard lock(mutex_);
        for (auto it = requests_.rbegin(); it != requests_.rend(); ++it)
            if (ends_with(it->url, end))
                return *it;
        return std::nullopt;
    }

    static bool ends_with(const std::string& text, const std::string& end) {
        return text.size() >= end.size() &&
               text.compare(text.size() - end.size(), end.size(), end) == 0;
    }

private:
    response answer(const request& request) {
        if (ends_with(request.url, "/location"))
            return json(200, R"({"deployment_model":"GLOBAL","location":"US-VA",)"
                             R"("hostname":"http://fake","ws_hostname":"ws://fake"})");
        if (ends_with(request.url, "/login")) {
            // One user for each e-mail address, and a new one for each anonymous login.
            std::lock_guard lock(mutex_);
            auto at = request.body.find(R"("username":")");
            auto& id = at == std::string::npos ? ids_["anonymous " + std::to_string(++anonymous_)]
                                               : ids_[request.body.substr(at, 40)];
            if (id.empty())
                id = "65000000000000000000000" + std::to_string(ids_.size());
            current_ = id;
            provider_ = at == std::string::npos ? "anon-user" : "local-userpass";
            return json(200, R"({"access_token":")" + access_token(id) + R"(","refresh_token":")" +
                                 make_token(R"({"exp":4102444800,"iat":1,"sub":")" + id + "\"}") +
                                 R"(","user_id":")" + id + R"(","device_id":"0"})");
        }
        if (ends_with(request.url, "/auth/profile"))
            return json(200, R"({"user_id":")" + current() +
                                 R"(","identities":[{"id":"1","provider_type":")" + provider() +
                                 R"("}],"data":{}})");
        if (ends_with(request.url, "/register"))
            return json(201, "{}");
        if (ends_with(request.url, "/auth/session"))
            return request.method == realm::networking::http_method::del
                       ? json(204, "")
                       : json(201, R"({"access_token":")" + access_token(current()) + "\"}");
        if (ends_with(request.url, "/functions/call"))
            return json(200, R"({"called":{"$numberInt":"1"}})");
        return unreachable();
    }

    std::string access_token(const std::string& id) {
        return make_token(R"({"exp":4102444800,"iat":1,"sub":")" + id + R"(","user_data":)" +
                          user_data + "}");
    }
    std::string provider() const {
        std::lock_guard lock(mutex_);
        return provider_;
    }
    std::string current() const {
        std::lock_guard lock(mutex_);
        return current_;
    }

    mutable std::mutex mutex_;
    std::vector<request> requests_;
    std::map<std::string, std::string> ids_;
    int anonymous_ = 0;
    std::string current_;
    std::string provider_;
};

/// An App with that server and files of its own.
struct fake_app {
    temporary_directory directory;
    std::shared_ptr<fake_server> server = std::make_shared<fake_server>();
    realm::App app = make();

    realm::App make() {
        realm::App::configuration config;
        config.app_id = "fake-app";
        config.base_url = "http://fake";
        config.path = directory.path.string();
        config.enable_caching = false;
        config.http_transport_client = server;
        return realm::App(config);
    }
    realm::user log_in() { return app.login(realm::App::credentials::anonymous()).get(); }
    realm::user log_in(const std::string& name) {
        return app.login(realm::App::credentials::username_password(name, "password")).get();
    }
    /// Without the messages of a session that finds no server.
    static realm::db_config quiet(const realm::user& user) {
        auto config = user.flexible_sync_configuration();
        config.sync_config().set_error_handler(
            [](const realm::sync_session&, const realm::sync_error&) {});
        return config;
    }
};

/// The text of the exception that `fn` throws.
template <typename Fn>
std::string message_of(Fn&& fn) {
    try {
        fn();
    } catch (const realm::app_error& error) {
        return "app_error: " + std::string(error.message());
    } catch (const std::exception& error) {
        return error.what();
    }
    return "(nothing was thrown)";
}

} // namespace test
