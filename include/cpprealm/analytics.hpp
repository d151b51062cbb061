// Telemetry: there is none.
#pragma once

namespace realm {

/// Kept so that programs which call it compile. Nothing is collected and nothing is sent.
struct realm_analytics {
    /// Does nothing.
    static void send() {}
};

} // namespace realm
