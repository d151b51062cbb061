// HTTP requests, answers and settings in the headers' terms and in the library's; the function
// bodies of networking/http.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/proxy_address.hpp>
#include <cpprealm/networking/http.hpp>

namespace realm::internal {

template <typename = on_use>
networking::request to_request(const ffi::HttpRequest& from) {
    networking::request request;
    request.method = static_cast<networking::http_method>(from.method);
    request.url = to_string(from.url);
    request.timeout_ms = from.timeout_ms;
    for (const auto& header : from.headers)
        request.headers[to_string(header.name)] = to_string(header.value);
    request.body.assign(reinterpret_cast<const char*>(from.body.data()), from.body.size());
    return request;
}

template <typename = on_use>
ffi::HttpResponse to_rust(const networking::response& from) {
    ffi::HttpResponse response;
    response.http_status = from.http_status_code;
    response.custom_status = from.custom_status_code;
    response.has_client_error = from.client_error_code.has_value();
    response.client_error = from.client_error_code.value_or(0);
    set_headers(from.headers, response.headers);
    set_bytes(from.body, response.body);
    return response;
}

template <typename = on_use>
ffi::HttpRequest to_rust(const networking::request& from) {
    ffi::HttpRequest request;
    request.method = static_cast<std::uint8_t>(from.method);
    request.url = to_rust(from.url);
    request.timeout_ms = from.timeout_ms;
    set_headers(from.headers, request.headers);
    set_bytes(from.body, request.body);
    return request;
}

template <typename = on_use>
networking::response to_response(const ffi::HttpResponse& from) {
    networking::response response;
    response.http_status_code = from.http_status;
    response.custom_status_code = from.custom_status;
    if (from.has_client_error)
        response.client_error_code = from.client_error;
    for (const auto& header : from.headers)
        response.headers[to_string(header.name)] = to_string(header.value);
    response.body.assign(reinterpret_cast<const char*>(from.body.data()), from.body.size());
    return response;
}

/// Lets the library ask an application's callback about certificates.
template <typename Use>
class certificate_check final : public ffi::CertificateCheck {
public:
    using callback = typename bridge::default_http_transport<Use>::configuration::SSLVerifyCallback;

    explicit certificate_check(std::function<callback> ask) : ask_(std::move(ask)) {}

    bool accepts(rust::Str server, std::uint16_t port, rust::Str pem, bool is_trusted,
                 std::size_t depth) const override {
        // Existing callbacks may read up to a NUL.
        std::string text(pem.data(), pem.size());
        return ask_(std::string(server.data(), server.size()), port, text.c_str(), text.size(),
                    is_trusted ? 1 : 0, static_cast<int>(depth));
    }

private:
    std::function<callback> ask_;
};

/// Sends through an application's client.
template <typename Use>
class host_transport final : public ffi::HostTransport {
public:
    explicit host_transport(std::shared_ptr<networking::http_transport_client> client)
        : client_(std::move(client)) {}

    void send(const ffi::HttpRequest& request, rust::Box<ffi::ResponseSlot> slot) const override {
        // Shared, because the completion is a std::function and may be copied.
        using shared_slot = rust::Box<later<Use, ffi::ResponseSlot>>;
        auto shared = std::make_shared<shared_slot>(std::move(slot));
        client_->send_request_to_server(to_request(request),
                                        [shared](const networking::response& response) {
                                            (*shared)->complete(to_rust(response));
                                        });
    }

private:
    std::shared_ptr<networking::http_transport_client> client_;
};

template <typename Use>
ffi::HostTransport*
own_client<Use>::realm_internal_take(std::shared_ptr<networking::http_transport_client> self,
                                     ffi::HttpSettings&) const {
    return new host_transport<Use>(std::move(self));
}

/// What the settings leave open stays as it is.
template <typename Use>
void add_settings(const typename bridge::default_http_transport<Use>::configuration& from,
                  ffi::HttpSettings& to) {
    if (from.custom_http_headers)
        set_headers(*from.custom_http_headers, to);
    if (from.proxy_config)
        to.set_proxy(to_address(*from.proxy_config));
    if (from.ssl_trust_certificate_path)
        to.trust_certificates(to_slice(*from.ssl_trust_certificate_path));
    if (!from.client_validate_ssl)
        to.accept_any_certificate();
    if (from.client_certificate)
        to.set_client_certificate(to_slice(from.client_certificate->chain_path),
                                  to_slice(from.client_certificate->key_path));
    if (from.ssl_verify_callback)
        to.set_certificate_check(
            std::make_shared<certificate_check<Use>>(from.ssl_verify_callback));
}

template <typename Use>
void bridge::default_http_transport<Use>::send_request_to_server(
    const networking::request& request,
    std::function<void(const networking::response&)>&& completion) {
    auto settings = ffi::new_http_settings();
    add_settings<Use>(m_configuration, *settings);
    completion(to_response(ffi::send_http(*settings, to_rust(request))));
}

template <typename Use>
ffi::HostTransport* bridge::default_http_transport<Use>::realm_internal_take(
    std::shared_ptr<networking::http_transport_client> self, ffi::HttpSettings& settings) const {
    if (!exact)
        return new host_transport<Use>(std::move(self));
    add_settings<Use>(m_configuration, settings);
    return nullptr;
}

} // namespace realm::internal
