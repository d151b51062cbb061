// What the rest of the headers needs of a configuration and applications do not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/chosen_options.hpp>

namespace realm::internal {

/// The settings of a configuration that have no public reader.
struct config_access {
    using config = bridge::realm::config;

    /// 64 bytes; null without a key.
    static const char* encryption_key(const config& config) {
        const auto* rare = config.rare_.get();
        return rare != nullptr && rare->has_encryption_key ? rare->encryption_key.data() : nullptr;
    }
    static config::schema_mode schema_mode(const config& config) { return config.schema_mode_; }
    static uint64_t schema_version(const config& config) { return config.schema_version_; }
    /// Null where none is set.
    static const std::vector<bridge::object_schema>* schema(const config& config) {
        const auto* rare = config.rare_.get();
        return rare != nullptr && rare->has_schema ? &rare->schema : nullptr;
    }
    static const std::string& path(const config& config) { return config.path_; }
    static const std::shared_ptr<::realm::scheduler>& scheduler(const config& config) {
        return config.scheduler_;
    }
    static const std::shared_ptr<sync_settings>& settings(const config& config) {
        return config.sync_config_.settings();
    }
    static std::shared_ptr<const chosen_options> options(const config& config) {
        return config.rare_ ? config.rare_->options : nullptr;
    }
    template <typename Options>
    static void set_options(config& config, Options options) {
        config.own_rare().options = std::move(options);
    }
    static void set_settings(config& config, std::shared_ptr<sync_settings> settings) {
        config.sync_config_ = bridge::realm::sync_config(std::move(settings));
    }
};

} // namespace realm::internal
