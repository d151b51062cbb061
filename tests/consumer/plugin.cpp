// A stranger's plugin: it uses the library, is unloaded at once, and leaves the library with work
// to do.
#include <cpprealm/sdk.hpp>

#include <atomic>

namespace realm {
struct StrangerPlugin {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
};
REALM_ASYMMETRIC_SCHEMA(StrangerPlugin, _id)
} // namespace realm

namespace {
/// Code of the plugin's that runs, and is destroyed, on threads of the library.
struct own_transport : realm::networking::default_http_transport {
    explicit own_transport(std::atomic<bool>* gone) : gone_(gone) {}
    ~own_transport() override { *gone_ = true; }
    void send_request_to_server(
        const realm::networking::request& request,
        std::function<void(const realm::networking::response&)>&& completion) override {
        default_http_transport::send_request_to_server(request, std::move(completion));
    }
    std::atomic<bool>* gone_;
};
} // namespace

/// `gone` becomes true when the library has let go of everything of the plugin's.
extern "C" __attribute__((visibility("default"))) void use_plugin(std::atomic<bool>* gone) {
    realm::App::configuration config;
    config.app_id = "stranger-plugin";
    config.enable_caching = false;
    config.http_transport_client = std::make_shared<own_transport>(gone);
    auto app = realm::App(config);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto settings = user.flexible_sync_configuration();
    settings.sync_config().set_error_handler([](const auto&, const auto&) {});
    auto db = realm::open<realm::StrangerPlugin>(settings);
    db.get_sync_session()->observe_connection_change([](auto, auto) {});
    db.write([&] { db.add(realm::StrangerPlugin()); });
}
