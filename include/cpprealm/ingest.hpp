// What this library offers beyond realm-cpp's API.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <cpprealm/app.hpp>
#include <cpprealm/internal/app_access.hpp>
#include <cpprealm/internal/ingest_keys.hpp>
#include <cpprealm/internal/ingest_options.hpp>
#include <cpprealm/internal/ingest_receipts.hpp>
#include <cpprealm/internal/ingest_status.hpp>
#include <cpprealm/internal/ingest_time.hpp>
#include <cpprealm/internal/ingest_users.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/user.hpp>

namespace realm::ingest {

/// Other addresses of the service that `base_url` leads to: one service with one state, by
/// whichever address it is reached. Requests, log-ins too, go to the next address while one cannot
/// be reached, and to `base_url` again once it answers.
///
/// To be called when `base_url` is set: they follow it there, with spaces between, as they may in
/// the environment variable REALM_INGEST_URL. Throws `std::invalid_argument` without one. Making
/// the App throws where one has no TLS and `base_url` has. `App::update_base_url` with another
/// address forgets them.
template <typename = internal::on_use>
void set_fallback_urls(App::configuration& config, const std::vector<std::string>& urls) {
    if (!config.base_url)
        throw std::invalid_argument("Set base_url before the addresses that stand in for it.");
    auto& all = *config.base_url;
    all.erase(std::min(all.find(' '), all.size()));
    for (const auto& url : urls)
        all += ' ' + url;
}

/// A file in an App's directory with data that no user who is logged in sends.
struct stranded_data {
    /// Where the file is. What `rehome`, `export_to` and `discard` take.
    std::string path;
    /// Whose data it is, by the server's id; empty where that is not known.
    std::string user_id;
    /// How that user logs in: `anon-user`, or the provider, a colon and the SHA-256 of the login
    /// name in hex, such as `local-userpass:5e88...`. Empty where that is not known.
    std::string principal;
    /// Nothing where the file is encrypted and so damaged that this cannot be seen without its key.
    pending_data pending;
};

/// The files in the App's directory with data that no user who is logged in sends: their user was
/// logged out, or is not known any more. They are sent once that user logs in, or one who logs in
/// in the same way. Of an encrypted file that is not open the user is known if the App knows that
/// one, or the file is in its folder. Reads files and asks no server. Throws a `std::exception` if
/// one cannot be read.
///
/// These functions may be called from any thread.
template <typename = internal::on_use>
std::vector<stranded_data> stranded(const App& app) {
    auto status = internal::no_status();
    auto found = internal::app_access::library(app).stranded(status);
    internal::throw_if_failed(status);
    std::vector<stranded_data> out;
    out.reserve(found.size());
    for (const auto& one : found)
        out.push_back({internal::to_string(one.path),
                       internal::to_string(one.user_id),
                       internal::to_string(one.principal),
                       {one.pending.transactions, one.pending.objects, one.pending.bytes}});
    return out;
}

/// What waits in the file goes on under this user, whoever's it was, and is sent from now on,
/// whether a database is opened there or not; an encrypted one once a database is opened there.
/// Such a one needs its key, if it is not open. The user is logged in, with this App; anything else
/// throws a `std::exception`, as does a path without such a file, or another key. May wait for the
/// disk, and for another process that is uploading it, so it throws in a callback, for which the
/// upload may be waiting.
template <typename = internal::on_use>
void rehome(const App& app, const std::string& path, const user& user,
            const std::optional<std::array<char, 64>>& key = std::nullopt) {
    internal::throw_if_failed(internal::app_access::library(app).rehome(
        internal::to_slice(path), internal::app_access::library(user), internal::to_slice(key)));
}

/// Writes what waits in the file to a new one, one line of canonical Extended JSON an object,
/// oldest first: `{"class":"Reading","document":{...}}`, or, of one that is not valid BSON,
/// `{"class":"Reading","bson":"<base64>"}`. Returns the number of objects. The new file is there as
/// a whole and outlasts a power cut, or a `std::exception` says why not. What waits stays. An
/// encrypted file needs its key, if it is not open; the new file is not encrypted.
template <typename = internal::on_use>
std::uint64_t export_to(const App& app, const std::string& path, const std::string& destination,
                        const std::optional<std::array<char, 64>>& key = std::nullopt) {
    auto status = internal::no_status();
    auto count = internal::app_access::library(app).export_to(
        internal::to_slice(path), internal::to_slice(destination), internal::to_slice(key), status);
    internal::throw_if_failed(status);
    return count;
}

/// Deletes the file with everything that waits in it, for good, and returns what that was. With
/// logging an anonymous user out and removing any this is the only act that deletes what waits.
/// Throws a `std::exception` while the file is open, in this process or in another. Needs no key.
template <typename = internal::on_use>
pending_data discard(const App& app, const std::string& path) {
    auto status = internal::no_status();
    auto gone = internal::app_access::library(app).discard(internal::to_slice(path), status);
    internal::throw_if_failed(status);
    return {gone.transactions, gone.objects, gone.bytes};
}

/// Ends the library's work in this process, so that the program can exit, or a plugin go, with
/// nothing of the library running: sessions stop, what is pending stays in its files for the next
/// start, and waits fail. After that every call throws an exception that says so, or does nothing.
/// Any thread may call it, any number of times.
///
/// True once all threads of the library have ended, and all calls that ran on a thread of their own
/// because the application's transport serves them, with their callbacks. False if some had not
/// after `limit`, as when a callback has not returned or that transport has not answered, and
/// always where a callback calls it. No callback begins after that either, but those of such calls,
/// which then end.
///
/// A program that exits without it does so safely too, also while threads write: what `write()`
/// returned for is in the file. Only what callbacks use must then live as long as the process.
inline bool shutdown(std::chrono::milliseconds limit) {
    // A negative number would mean no limit.
    return internal::ffi::shutdown(limit.count() < 0 ? 0 : limit.count());
}

} // namespace realm::ingest
