// A proxy as the library takes it.
#pragma once

#include <cpprealm/internal/library.hpp>

namespace realm::internal {

/// Refers to the proxy, which must outlive it.
template <typename Proxy>
ffi::ProxyAddress to_address(const Proxy& proxy) noexcept {
    ffi::ProxyAddress address{};
    address.address = to_slice(proxy.address);
    address.port = proxy.port;
    if (proxy.username_password) {
        address.has_login = true;
        address.user = to_slice(proxy.username_password->first);
        address.password = to_slice(proxy.username_password->second);
    }
    return address;
}

} // namespace realm::internal
