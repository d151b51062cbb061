#include <memory>
#include <utility>

#include <cpprealm/internal/library.hpp>

namespace realm::internal::ffi::owned {

rust::Box<App> open_app(const AppConfig& config, const HttpSettings& http, HostTransport* transport,
                        Status& status) noexcept {
    return ffi::open_app(config, http, std::unique_ptr<HostTransport>(transport), status);
}

bool begin_login(const App& app, rust::Str provider, rust::Slice<const std::uint8_t> body_json,
                 LoginCompletion* completion) noexcept {
    return app.begin_login(provider, body_json, std::unique_ptr<LoginCompletion>(completion));
}

void wait_for_upload(const Session& session, Completion* completion) noexcept {
    session.wait_for_upload(std::unique_ptr<Completion>(completion));
}

void wait_for_download(const Session& session, Completion* completion) noexcept {
    session.wait_for_download(std::unique_ptr<Completion>(completion));
}

} // namespace realm::internal::ffi::owned
