// Managed binary data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

template <typename D>
struct operations<D, std::vector<std::uint8_t>> : assignable<D, std::vector<std::uint8_t>> {
    using assignable<D, std::vector<std::uint8_t>>::operator=;

    void push_back(std::uint8_t byte) { this->self().realm_edit().push_back(byte); }
    [[nodiscard]] std::size_t size() const { return this->self().realm_peek().size(); }
    [[nodiscard]] std::uint8_t operator[](std::size_t index) const {
        if (index >= size())
            throw std::out_of_range("'" + this->self().realm_name() + "' has no byte " +
                                    std::to_string(index));
        return this->self().realm_peek()[index];
    }
};

template <>
inline constexpr bool changes_in_place_v<std::vector<std::uint8_t>> = true;

template <typename D>
struct operations<D, std::optional<std::vector<std::uint8_t>>>
    : optional_in_place<D, std::vector<std::uint8_t>> {
    using optional_in_place<D, std::vector<std::uint8_t>>::operator=;

    void push_back(std::uint8_t byte) { (**this).push_back(byte); }
    [[nodiscard]] std::size_t size() const { return (**this).size(); }
    [[nodiscard]] std::uint8_t operator[](std::size_t index) const { return (**this)[index]; }
};

} // namespace realm::internal
