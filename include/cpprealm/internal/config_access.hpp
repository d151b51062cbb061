// What the rest of the headers needs of a configuration and applications do not.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/chosen_options.hpp>

namespace realm::internal {

/// The settings of a configuration that have no public reader.
struct config_access {
    using config = bridge::realm::config;

    static const std::optional<std::array<char, 64>>& encryption_key(const config& config) {
        return config.encryption_key_;
    }
    static config::schema_mode schema_mode(const config& config) { return config.schema_mode_; }
    static uint64_t schema_version(const config& config) { return config.schema_version_; }
    static bool has_schema(const config& config) { return config.schema_.has_value(); }
    static const std::vector<bridge::object_schema>& schema(const config& config) {
        return *config.schema_;
    }
    static const std::string& path(const config& config) { return config.path_; }
    static const std::shared_ptr<::realm::scheduler>& scheduler(const config& config) {
        return config.scheduler_;
    }
    static const std::shared_ptr<sync_settings>& settings(const config& config) {
        return config.sync_config_.settings();
    }
    static const std::shared_ptr<const chosen_options>& options(const config& config) {
        return config.options_;
    }
    template <typename Options>
    static void set_options(config& config, Options options) {
        config.options_ = std::move(options);
    }
};

} // namespace realm::internal
