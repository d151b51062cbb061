// A user of an App.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cpprealm/bson.hpp>
#include <cpprealm/internal/app_error.hpp>
#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/bridge/sync_manager.hpp>
#include <cpprealm/internal/call.hpp>
#include <cpprealm/internal/config_access.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>

namespace realm {

/// A handle to a user; copies stand for the same one, and a later login of the same person revives
/// it. Any thread may use one. A default-constructed user stands for nobody: its members throw
/// `std::logic_error`.
struct user {
private:
    template <typename T>
    using text_only = std::enable_if_t<std::is_convertible_v<const T&, std::string> &&
                                       !std::is_same_v<T, bsoncxx>>;

public:
    /// Of a user on this device: known and without tokens, able to send, or forgotten.
    enum class state : uint8_t { logged_out, logged_in, removed };

    /// Stands for nobody.
    user() = default;
    /// For the library: `App::login` and `App::get_current_user` give them.
    explicit user(std::shared_ptr<internal::user_handle> handle) : m_user(std::move(handle)) {}

    /// Whether the state is `logged_in`.
    bool is_logged_in() const { return state() == state::logged_in; }
    /// The id that the server gave the user: 24 hexadecimal digits. Stays after logging out.
    [[nodiscard]] std::string identifier() const {
        return internal::to_string(library().identifier());
    }
    /// What this device knows; asks no server.
    [[nodiscard]] enum state state() const { return static_cast<enum state>(library().state()); }
    /// The JWT that goes with each request; empty after logging out. A secret.
    [[nodiscard]] std::string access_token() const {
        return internal::to_string(library().access_token());
    }
    /// What a new access token is asked for with; empty after logging out. A secret.
    [[nodiscard]] std::string refresh_token() const {
        return internal::to_string(library().refresh_token());
    }
    /// For the level of logs; there is nothing else to manage.
    struct internal::bridge::sync_manager sync_manager() const {
        return {};
    }

    /// How to open this user's database on the calling thread.
    template <typename = internal::on_use>
    [[nodiscard]] db_config flexible_sync_configuration() const {
        internal::ffi::call_status status;
        auto path = library().realm_path(status);
        internal::throw_if_failed(status);

        auto settings = std::make_shared<internal::sync_settings>();
        settings->user = m_user;
        db_config config(internal::to_string(path), default_scheduler::make_default());
        config.set_schema_mode(db_config::schema_mode::additive_discovered);
        internal::config_access::set_settings(config, std::move(settings));
        return config;
    }

    /// Forgets the tokens, then tells the server; the failure to do so is delivered. Objects not
    /// yet uploaded wait for the same user's next login.
    ///
    /// An anonymous user is removed, and what it has not uploaded is deleted when an App is next
    /// made. This and `realm::ingest::remove_user`, `delete_user` and `discard` are the only acts
    /// that delete what waits: a user whom the server refuses is not logged out by that. A database
    /// to which another process writes later, before it has heard of this, stays:
    /// `realm::ingest::stranded` lists it.
    template <typename = internal::on_use>
    void log_out(std::function<void(std::optional<app_error>)>&& callback) const {
        internal::callback_call(host_transport(), [user = m_user, callback = std::move(callback)] {
            internal::answer(callback, user->user->log_out());
        });
    }
    /// As above. The future throws an `app_error` where the server could not be told.
    template <typename = internal::on_use>
    [[nodiscard]] std::future<void> log_out() const {
        return internal::future_call<void>(host_transport(), [user = m_user] {
            internal::throw_app_error_if_failed(user->user->log_out());
        });
    }

    /// Custom user data as Extended JSON, as of the current access token.
    template <typename = internal::on_use>
    [[deprecated("Use get_custom_data() instead.")]] [[nodiscard]] std::optional<std::string>
    custom_data() const {
        auto text = internal::to_string(library().custom_data());
        return text.empty() ? std::nullopt : std::optional<std::string>(std::move(text));
    }
    /// Custom user data as of the current access token; none where the App has none for this user.
    template <typename Document = bsoncxx::document>
    [[nodiscard]] std::optional<Document> get_custom_data() const {
        auto text = internal::to_string(library().custom_data());
        if (text.empty())
            return std::nullopt;
        return static_cast<Document>(internal::bson_from_ejson(text));
    }

    /// Calls a function of the App. `args_ejson` is text, a JSON array that is sent as it is; the
    /// result is the answer as it came. A template, so that arguments in braces are always BSON.
    template <typename Text, typename = text_only<Text>>
    [[deprecated("Use call_function with bsoncxx arguments instead.")]] void call_function(
        const std::string& name, const Text& args_ejson,
        std::function<void(std::optional<std::string>, std::optional<app_error>)> callback) const {
        call(name, std::string(args_ejson), std::move(callback), as_it_came);
    }
    /// As above; the future throws the `app_error`.
    template <typename Text, typename Answer = std::string, typename = text_only<Text>>
    [[deprecated("Use call_function with bsoncxx arguments instead.")]] [[nodiscard]] std::future<
        std::optional<Answer>>
    call_function(const std::string& name, const Text& args_ejson) const {
        return call<Answer>(name, std::string(args_ejson), as_it_came);
    }
    /// Calls a function of the App with BSON arguments and gives its result. An answer that is not
    /// Extended JSON is an error.
    template <typename = internal::on_use>
    void call_function(
        const std::string& name, const std::vector<bsoncxx>& args_bson,
        std::function<void(std::optional<bsoncxx>, std::optional<app_error>)> callback) const {
        call(name, internal::arguments_to_ejson(args_bson), std::move(callback), read_result<>);
    }
    /// As above; the future throws the `app_error`.
    template <typename Value = bsoncxx>
    [[nodiscard]] std::future<std::optional<Value>>
    call_function(const std::string& name, const std::vector<bsoncxx>& args_bson) const {
        return call<Value>(name, internal::arguments_to_ejson(args_bson), read_result<>);
    }

    /// Asks the server for a new access token, which carries the custom user data of that moment.
    template <typename = internal::on_use>
    void refresh_custom_user_data(std::function<void(std::optional<app_error>)> callback) {
        internal::callback_call(host_transport(), [user = m_user, callback = std::move(callback)] {
            internal::answer(callback, user->user->refresh_custom_data());
        });
    }
    /// As above; the future throws the `app_error`.
    template <typename = internal::on_use>
    [[nodiscard]] std::future<void> refresh_custom_user_data() const {
        return internal::future_call<void>(host_transport(), [user = m_user] {
            internal::throw_app_error_if_failed(user->user->refresh_custom_data());
        });
    }

    std::shared_ptr<internal::user_handle> m_user;

private:
    const internal::ffi::User& library() const {
        if (!m_user)
            internal::refuse<std::logic_error>(
                "This user is empty: it does not come from a login.");
        return *m_user->user;
    }
    bool host_transport() const {
        static_cast<void>(library());
        return m_user->host_transport;
    }

    static std::string as_it_came(std::string&& text) { return std::move(text); }
    template <typename = internal::on_use>
    static bsoncxx read_result(std::string&& text) {
        if (text.empty())
            throw app_error(internal::unreadable_answer("Empty response from server", 4351));
        try {
            return internal::bson_from_ejson(text);
        } catch (const std::runtime_error& e) {
            throw app_error(internal::unreadable_answer(e.what(), 4203));
        }
    }

    /// The answer to a function call; throws app_error.
    template <typename = internal::on_use>
    static std::string answer(const internal::user_handle& user, const std::string& name,
                              const std::string& args) {
        auto status = internal::no_status();
        auto text =
            user.user->call_function(internal::to_str(name), internal::to_str(args), status);
        internal::throw_app_error_if_failed(status);
        return internal::to_string(text);
    }

    template <typename Result, typename Read>
    void call(const std::string& name, const std::string& args,
              std::function<void(std::optional<Result>, std::optional<app_error>)>&& callback,
              Read read) const {
        internal::callback_call(host_transport(), [=, user = m_user] {
            std::optional<Result> result;
            std::optional<internal::later<Result, app_error>> error;
            try {
                result = read(answer(*user, name, args));
            } catch (const app_error& e) {
                error = e;
            }
            callback(std::move(result), std::move(error));
        });
    }
    template <typename Result, typename Read>
    std::future<std::optional<Result>> call(const std::string& name, const std::string& args,
                                            Read read) const {
        return internal::future_call<std::optional<Result>>(
            host_transport(), [=, user = m_user]() -> std::optional<Result> {
                return read(answer(*user, name, args));
            });
    }
};

inline bool operator==(const user& a, const user& b) {
    if (!a.m_user || !b.m_user)
        return a.m_user == b.m_user;
    return a.m_user->user->same_as(*b.m_user->user);
}
inline bool operator!=(const user& a, const user& b) { return !(a == b); }

} // namespace realm
