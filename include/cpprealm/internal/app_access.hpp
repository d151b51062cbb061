// The library's handles behind an application's, for what is offered beyond realm-cpp's API.
#pragma once

#include <future>
#include <memory>
#include <stdexcept>
#include <utility>

#include <cpprealm/app.hpp>
#include <cpprealm/internal/call.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/internal/user.hpp>

namespace realm::internal {

struct app_access {
    static const ffi::App& library(const App& app) { return *app.app_.app; }
    static const ffi::User& library(const user& user) { return *handle(user)->user; }

    static const std::shared_ptr<user_handle>& handle(const user& user) {
        if (!user.m_user)
            internal::refuse<std::logic_error>("This user stands for nobody.");
        return user.m_user;
    }

    template <typename = on_use>
    static user to_user(const App& app, rust::Box<ffi::User>&& from) {
        return app.app_.to_user(std::move(from));
    }

    /// A call that waits for the server, as those of App do.
    template <typename Call>
    static std::future<void> call(const App& app, Call call) {
        return future_call<void>(app.app_.host_transport, [app = app.app_, call = std::move(call)] {
            throw_app_error_if_failed(call(*app.app));
        });
    }
};

} // namespace realm::internal
