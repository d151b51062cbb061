// Several users of one App, and e-mail addresses: what this library offers beyond realm-cpp's API.
// Part of <cpprealm/ingest.hpp>.
#pragma once

#include <future>
#include <string>
#include <vector>

#include <cpprealm/app.hpp>
#include <cpprealm/bson.hpp>
#include <cpprealm/internal/app_access.hpp>
#include <cpprealm/internal/app_error.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/user.hpp>

namespace realm::ingest {

/// Every user this device knows, logged in or out, in the order in which they first logged in. Asks
/// no server.
///
/// These functions may be called from any thread. Those with a future wait for the server, as
/// `App::login` does, and the future throws an `app_error` where it refused or could not be
/// reached.
template <typename = internal::on_use>
std::vector<user> all_users(const App& app) {
    std::vector<user> users;
    for (const auto& known : internal::app_access::library(app).users())
        users.push_back(internal::app_access::to_user(app, known.duplicate()));
    return users;
}

/// Makes a user of this App who is logged in the one that `App::get_current_user` gives, also after
/// a restart. Asks no server. Throws an `app_error` for any other user.
template <typename = internal::on_use>
void switch_user(const App& app, const user& user) {
    internal::throw_app_error_if_failed(
        internal::app_access::library(app).switch_user(internal::app_access::library(user)));
}

/// Forgets a user of this App; one who is logged in is logged out first. The state becomes
/// `removed`, also where the server cannot be told, which is an error. What the user has not
/// uploaded is deleted with its files when an App is next made. The account at the server stays.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> remove_user(const App& app, const user& user) {
    return internal::app_access::call(
        app, [user = internal::app_access::handle(user)](const auto& library) {
            return library.remove_user(*user->user);
        });
}

/// Deletes the account of a user who is logged in at the server, and then the user with all files,
/// and with what was not uploaded, from this device. Files that are still open go when an App is
/// next made. What was uploaded stays at the server. On an error nothing was deleted, unless it is
/// one of this device's files.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> delete_user(const App& app, const user& user) {
    return internal::app_access::call(
        app, [user = internal::app_access::handle(user)](const auto& library) {
            return library.delete_user(*user->user);
        });
}

/// One way in which a user logs in.
struct user_identity {
    /// The provider's name for the user.
    std::string id;
    /// `local-userpass`, `anon-user`, `custom-token` ...
    std::string provider_type;
};

/// How the user logs in, as the server said last.
template <typename = internal::on_use>
std::vector<user_identity> identities(const user& user) {
    std::vector<user_identity> found;
    for (const auto& one : internal::app_access::library(user).identities())
        found.push_back({internal::to_string(one.id), internal::to_string(one.provider_type)});
    return found;
}

/// Adds another way of logging in to a user who is logged in. The user's id stays; an anonymous
/// user is not anonymous any more.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> link_user(const user& user, const App::credentials& credentials) {
    const auto& handle = internal::app_access::handle(user);
    return internal::future_call<void>(handle->host_transport, [user = handle, credentials] {
        internal::throw_app_error_if_failed(user->user->link(
            internal::to_str(credentials.provider()), internal::to_str(credentials.body())));
    });
}

/// Confirms an e-mail address with what its mail held.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> confirm_user(const App& app, const std::string& token,
                                             const std::string& token_id) {
    return internal::app_access::call(app, [token, token_id](const auto& library) {
        return library.confirm_user(internal::to_str(token), internal::to_str(token_id));
    });
}

/// Has the mail that asks for a confirmation sent again.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> resend_confirmation_email(const App& app,
                                                          const std::string& email) {
    return internal::app_access::call(app, [email](const auto& library) {
        return library.resend_confirmation_email(internal::to_str(email));
    });
}

/// Has the app's own confirmation function run again.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> retry_custom_confirmation(const App& app,
                                                          const std::string& email) {
    return internal::app_access::call(app, [email](const auto& library) {
        return library.retry_custom_confirmation(internal::to_str(email));
    });
}

/// Has a mail sent with which the password can be set anew.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> send_reset_password_email(const App& app,
                                                          const std::string& email) {
    return internal::app_access::call(app, [email](const auto& library) {
        return library.send_reset_password_email(internal::to_str(email));
    });
}

/// Sets a password with what that mail held.
template <typename = internal::on_use>
[[nodiscard]] std::future<void> reset_password(const App& app, const std::string& password,
                                               const std::string& token,
                                               const std::string& token_id) {
    return internal::app_access::call(app, [password, token, token_id](const auto& library) {
        return library.reset_password(internal::to_str(password), internal::to_str(token),
                                      internal::to_str(token_id));
    });
}

/// Has the app's own function set the password.
template <typename = internal::on_use>
[[nodiscard]] std::future<void>
call_reset_password_function(const App& app, const std::string& email, const std::string& password,
                             const std::vector<bsoncxx>& arguments) {
    return internal::app_access::call(
        app, [email, password,
              arguments = internal::arguments_to_ejson(arguments)](const auto& library) {
            return library.call_reset_password_function(
                internal::to_str(email), internal::to_str(password), internal::to_str(arguments));
        });
}

} // namespace realm::ingest
