// What an application chooses for a database beyond realm-cpp's configuration.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/chosen_options.hpp>
#include <cpprealm/internal/config_access.hpp>
#include <cpprealm/internal/library.hpp>

namespace realm::ingest {

/// What a commit that returned has survived.
enum class durability : std::uint8_t {
    /// The loss of power.
    full,
    /// The end of the process. The loss of power may take the last moments, newest first.
    relaxed
};

/// What becomes of a write beyond the cap.
enum class cap_policy : std::uint8_t {
    /// It throws, and what is stored stays.
    fail,
    /// The oldest transactions are dropped for it, and those that are too old in any case.
    drop_oldest,
    /// It returns as others do and is dropped.
    drop_newest
};

/// How much may wait in a file. What is dropped is told to the error handler.
struct cap {
    /// As stored, compressed.
    std::optional<std::uint64_t> max_bytes;
    /// Objects, of all write transactions.
    std::optional<std::uint64_t> max_objects;
    /// Since the oldest was written, by the device's clock.
    std::optional<std::chrono::milliseconds> max_age;
    /// What becomes of a write beyond it.
    cap_policy policy = cap_policy::fail;
};

/// A time of the day in which uploads are allowed, in minutes since midnight by the device's local
/// time. It may go over midnight: from 22:00 to 6:00 is {1320, 360}.
struct time_window {
    /// Its first minute, below 1440.
    std::uint16_t from_minute = 0;
    /// The first minute behind it, up to 1440.
    std::uint16_t to_minute = 0;
};

/// When the network may be used, and how much of it; who waits for an upload waits for that, too.
/// While a window is closed or `may_upload` has said no, nothing touches the network for the
/// database, and its connection is disconnected. With either of them or a rate, what an earlier run
/// left is sent once the database is opened, and not before.
struct upload_policy {
    /// How long the first transaction that waits is kept for more to come, so that the network is
    /// used less often. Not where its classes are urgent, a batch is full, a thread waits for the
    /// upload or for a receipt, or the database was closed.
    std::chrono::milliseconds batch_delay{0};
    /// The most bytes of request bodies a second, over a while. Urgent classes come first.
    std::optional<std::uint64_t> bytes_per_second;
    /// When uploads are allowed; always, if there is none.
    std::vector<time_window> windows;
    /// Asked before each connection and each batch, on the library's thread for callbacks: return
    /// soon. An exception counts as no.
    std::function<bool()> may_upload;
    /// How long after a no it is asked again, at least a second and at most a year;
    /// `sync_session::reconnect()` ends that.
    std::chrono::milliseconds ask_again{internal::default_ask_again_ms};
};

/// What is chosen here is the same for all that have a path open: opening it throws for a
/// configuration that says otherwise.
struct options {
    /// What a commit that returned has survived.
    enum durability durability = durability::full;
    /// How much may wait; no limit by default.
    struct cap cap;
    /// The classes that overtake the others. They wait in a file of their own beside the
    /// database's, `default.urgent.realm` beside `default.realm`, with a cap as large. A write
    /// transaction with objects of urgent classes and of others throws, and nothing of it is kept.
    /// Each class keeps its order; one that a new release makes urgent, or does not any more, may
    /// overtake what it wrote before.
    std::vector<std::string> urgent;
    /// Of callbacks it counts for the comparison whether there is one; that of the first open
    /// stays.
    upload_policy upload;
};

} // namespace realm::ingest

namespace realm::internal {

template <typename>
struct upload_check final : ffi::UploadCheck {
    explicit upload_check(std::function<bool()> ask) : ask_(std::move(ask)) {}
    bool allows() const override { return ask_(); }

private:
    std::function<bool()> ask_;
};

template <typename = on_use>
bool same(const ingest::upload_policy& a, const ingest::upload_policy& b) {
    auto same_window = [](const ingest::time_window& x, const ingest::time_window& y) {
        return x.from_minute == y.from_minute && x.to_minute == y.to_minute;
    };
    return a.batch_delay == b.batch_delay && a.bytes_per_second == b.bytes_per_second &&
           std::equal(a.windows.begin(), a.windows.end(), b.windows.begin(), b.windows.end(),
                      same_window) &&
           !a.may_upload == !b.may_upload && a.ask_again == b.ask_again;
}

template <typename = on_use>
bool same(const ingest::options& a, const ingest::options& b) {
    return same(a.upload, b.upload) && a.durability == b.durability &&
           a.cap.max_bytes == b.cap.max_bytes && a.cap.max_objects == b.cap.max_objects &&
           a.cap.max_age == b.cap.max_age && a.cap.policy == b.cap.policy &&
           std::set(a.urgent.begin(), a.urgent.end()) == std::set(b.urgent.begin(), b.urgent.end());
}

template <typename Use = on_use>
void put_options(const ingest::options& chosen, ffi::IngestOptions& out) {
    out.durability = static_cast<std::uint8_t>(chosen.durability);
    out.max_bytes = chosen.cap.max_bytes.value_or(no_limit);
    out.max_objects = chosen.cap.max_objects.value_or(no_limit);
    auto milliseconds = [](std::chrono::milliseconds time, const char* name) {
        if (time.count() < 0)
            throw std::invalid_argument(std::string(name) + " is negative.");
        return static_cast<std::uint64_t>(time.count());
    };
    out.max_age_ms = no_limit;
    if (chosen.cap.max_age)
        out.max_age_ms = milliseconds(*chosen.cap.max_age, "max_age");
    out.cap_policy = static_cast<std::uint8_t>(chosen.cap.policy);
    for (const auto& name : chosen.urgent)
        out.urgent.push_back(to_rust(name));
    const auto& upload = chosen.upload;
    out.batch_delay_ms = milliseconds(upload.batch_delay, "batch_delay");
    out.bytes_per_second = upload.bytes_per_second.value_or(no_limit);
    for (const auto& window : upload.windows)
        out.windows.push_back({window.from_minute, window.to_minute});
    if (upload.may_upload)
        out.may_upload = std::make_shared<upload_check<Use>>(upload.may_upload);
    out.ask_again_ms = milliseconds(upload.ask_again, "ask_again");
}

template <typename Use>
struct kept_options final : chosen_options {
    explicit kept_options(ingest::options&& chosen) : options(std::move(chosen)) {}

    void put_into(ffi::IngestOptions& out, ffi::Status& status) const noexcept override {
        try {
            put_options<Use>(options, out);
        } catch (const std::exception& e) {
            set_refusal(status, invalid_argument_code, e.what());
        }
    }
    [[nodiscard]] bool same_as(const chosen_options* other) const override {
        const auto* kept = static_cast<const kept_options*>(other);
        return same(options, kept == nullptr ? ingest::options() : kept->options);
    }

    const ingest::options options;
};

} // namespace realm::internal

namespace realm::ingest {

/// Chooses for the databases that are opened with this configuration, or a copy of it made later.
template <typename Use = internal::on_use>
void set_options(db_config& config, options chosen) {
    internal::config_access::set_options(
        config, std::make_shared<const internal::kept_options<Use>>(std::move(chosen)));
}

} // namespace realm::ingest
