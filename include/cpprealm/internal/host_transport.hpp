// Lets the library send through an application's http_transport_client.
#pragma once

#include <memory>
#include <utility>

#include <cpprealm/internal/http_messages.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/networking/http.hpp>

namespace realm::internal {

class host_transport final : public ffi::HostTransport {
public:
    explicit host_transport(std::shared_ptr<networking::http_transport_client> client)
        : client_(std::move(client)) {}

    void send(const ffi::HttpRequest& request, rust::Box<ffi::ResponseSlot> slot) const override {
        // Shared, because the completion is a std::function and may be copied.
        auto shared = std::make_shared<rust::Box<ffi::ResponseSlot>>(std::move(slot));
        client_->send_request_to_server(to_request(request),
                                        [shared](const networking::response& response) {
                                            (*shared)->complete(to_rust(response));
                                        });
    }

private:
    std::shared_ptr<networking::http_transport_client> client_;
};

} // namespace realm::internal
