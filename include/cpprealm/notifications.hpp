// The vocabulary of change notifications. Objects for Data Ingest leave the device, so nothing here
// is ever delivered; the types let signatures that mention them compile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace realm {

/// Stands for a registered observer. Movable, not copyable.
struct notification_token {
    /// Stands for nothing.
    notification_token() = default;
    /// Takes over.
    notification_token(notification_token&&) = default;
    /// Takes over.
    notification_token& operator=(notification_token&&) = default;
    notification_token(const notification_token&) = delete;
    notification_token& operator=(const notification_token&) = delete;

    /// Does nothing.
    void unregister() {}
};

/// What changed in a collection, by index.
struct collection_change {
    /// @{
    /// Indices in the collection.
    std::vector<std::uint64_t> deletions;
    std::vector<std::uint64_t> insertions;
    std::vector<std::uint64_t> modifications;
    /// @}

    /// Whether nothing changed.
    [[nodiscard]] bool empty() const noexcept {
        return deletions.empty() && insertions.empty() && modifications.empty();
    }
};

} // namespace realm
