// The way of a session's errors to the application's handler.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/sync_error.hpp>
#include <cpprealm/internal/bridge/sync_session.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

/// The handler wants the session, which exists only once the realm is open, while the first error
/// may come before: such an error waits until `start`.
template <typename Error>
class basic_session_errors {
public:
    using handler = std::function<void(const bridge::sync_session&, const Error&)>;

    explicit basic_session_errors(handler call) : handler_(std::move(call)) {}

    void start(bridge::sync_session session) {
        decltype(early_) early;
        {
            std::lock_guard lock(mutex_);
            session_ = std::move(session);
            early.swap(early_);
        }
        for (const auto& error : early)
            call(*error);
    }

    void report(Error error) {
        {
            std::lock_guard lock(mutex_);
            if (!session_) {
                early_.push_back(std::make_unique<Error>(std::move(error)));
                return;
            }
        }
        call(error);
    }

    struct observer final : ffi::SessionObserver {
        explicit observer(std::shared_ptr<basic_session_errors> to) : to_(std::move(to)) {}
        void error(const ffi::SyncError& error) const override { to_->report(Error(error)); }

    private:
        std::shared_ptr<basic_session_errors> to_;
    };

private:
    void call(const Error& error) const {
        if (handler_)
            handler_(*session_, error);
    }

    const handler handler_;
    std::mutex mutex_;
    std::optional<bridge::sync_session> session_; // set once
    std::vector<std::unique_ptr<const Error>> early_;
};
using session_errors = basic_session_errors<bridge::sync_error>;

} // namespace realm::internal
