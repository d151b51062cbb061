#include <cpprealm/internal/library.hpp>

namespace realm::internal::ffi {

call_status::call_status() noexcept : status_(no_status()) {}
call_status::~call_status() = default;

} // namespace realm::internal::ffi
