// Lets the library send through an application's http_transport_client.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <cpprealm/internal/library.hpp>
#include <cpprealm/networking/http.hpp>

namespace realm::internal {

inline networking::request to_request(const ffi::HttpRequest& from) {
    networking::request request;
    request.method = static_cast<networking::http_method>(from.method);
    request.url = to_string(from.url);
    request.timeout_ms = from.timeout_ms;
    for (const auto& header : from.headers)
        request.headers[to_string(header.name)] = to_string(header.value);
    request.body.assign(reinterpret_cast<const char*>(from.body.data()), from.body.size());
    return request;
}

/// Text that is not UTF-8, which headers may hold, keeps its readable part.
inline rust::String to_rust(std::string_view text) {
    return rust::String::lossy(text.data(), text.size());
}

inline rust::Vec<ffi::Header> to_rust(const std::map<std::string, std::string>& headers) {
    rust::Vec<ffi::Header> out;
    out.reserve(headers.size());
    for (const auto& [name, value] : headers)
        out.push_back({to_rust(name), to_rust(value)});
    return out;
}

inline rust::Vec<std::uint8_t> to_rust_bytes(std::string_view bytes) {
    rust::Vec<std::uint8_t> out;
    out.reserve(bytes.size());
    for (char byte : bytes)
        out.push_back(static_cast<std::uint8_t>(byte));
    return out;
}

inline ffi::HttpResponse to_rust(const networking::response& from) {
    ffi::HttpResponse response;
    response.http_status = from.http_status_code;
    response.custom_status = from.custom_status_code;
    response.has_client_error = from.client_error_code.has_value();
    response.client_error = from.client_error_code.value_or(0);
    response.headers = to_rust(from.headers);
    response.body = to_rust_bytes(from.body);
    return response;
}

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
