#include <cpprealm/internal/library.hpp>

namespace realm::internal::ffi {

call_status::call_status() noexcept : status_(no_status()) {}
call_status::~call_status() = default;

void describe_dead_session(Status& status) noexcept {
    status = process_status();
    if (status.code == 0)
        set_refusal(status, runtime_error_code,
                    "Realm: Error accessing sync_session which has been destroyed.");
}

} // namespace realm::internal::ffi
