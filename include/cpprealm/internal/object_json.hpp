// An object as JSON text, for `managed<T>::to_json`.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <cpprealm/internal/class_traits.hpp>
#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/hex.hpp>
#include <cpprealm/internal/json_text.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

/// Days since 1970 as year, month and day of the Gregorian calendar.
struct civil_date {
    std::int64_t year;
    unsigned month;
    unsigned day;

    // Years that begin in March put the leap day last, so that months have fixed places: day 0 is
    // 0000-03-01.
    explicit civil_date(std::int64_t days) {
        days += 719468;
        const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097; // 400 years
        const auto of_era = static_cast<unsigned>(days - era * 146097);
        const unsigned year_of_era =
            (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        const unsigned from_march = (5 * of_year + 2) / 153;
        day = of_year - (153 * from_march + 2) / 5 + 1;
        month = from_march < 10 ? from_march + 3 : from_march - 9;
        year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
    }
};

/// `2024-02-29 12:30:00`, in UTC and without fractions, as Realm prints dates.
template <typename Date>
[[nodiscard]] std::string date_text(const Date& at) {
    using seconds = std::chrono::duration<std::int64_t>;
    static_cast<void>(to_millis(at)); // throws for a date that cannot be sent either
    const std::int64_t since = std::chrono::floor<seconds>(at.time_since_epoch()).count();
    const std::int64_t days = (since >= 0 ? since : since - 86399) / 86400;
    const auto of_day = static_cast<unsigned>(since - days * 86400);
    const civil_date date(days);
    char text[64];
    const int n = std::snprintf(text, sizeof(text), "%04lld-%02u-%02u %02u:%02u:%02u",
                                static_cast<long long>(date.year), date.month, date.day,
                                of_day / 3600, of_day / 60 % 60, of_day % 60);
    return {text, static_cast<std::size_t>(n)};
}

/// As `%g` prints it with so many digits, and what JSON has no number for as text.
template <typename = on_use>
[[nodiscard]] std::string number_text(double value, int digits) {
    constexpr double largest = std::numeric_limits<double>::max();
    if (!(value == value))
        return "\"NaN\"";
    if (value > largest)
        return "\"Infinity\"";
    if (value < -largest)
        return "\"-Infinity\"";
    char printed[40];
    std::snprintf(printed, sizeof(printed), "%.*g", digits, value);
    // The decimal point is that of the application's locale, which may be of several bytes.
    std::string text;
    for (const char* at = printed; *at != 0; ++at) {
        const bool is_number = (*at >= '0' && *at <= '9') || *at == '-' || *at == '+' || *at == 'e';
        if (is_number)
            text += *at;
        else if (text.back() != '.')
            text += '.';
    }
    return text;
}

template <typename T>
void write_json(std::ostream& to, const T& value);

template <typename T>
void write_json_object(std::ostream& to, const T& object) {
    char before = '{';
    each_property<T>([&](auto property) {
        using P = decltype(property);
        to << before << json_text(P::key.text()) << ':';
        before = ',';
        write_json(to, object.*P::member);
    });
    to << '}';
}

template <typename T>
void write_json(std::ostream& to, const T& value) {
    if constexpr (is_primary_key<T>::value) {
        write_json(to, value.value);
    } else if constexpr (has_codec_of<T, optional_codec>()) {
        if (value)
            write_json(to, *value);
        else
            to << "null";
    } else if constexpr (is_mixed_v<T>) {
        std::visit([&](const auto& held) { write_json(to, held); }, value);
    } else if constexpr (std::is_same_v<T, std::monostate>) {
        to << "null";
    } else if constexpr (has_codec_of<T, object_codec>()) {
        if (value == nullptr)
            to << "null";
        else
            write_json_object(to, *value);
    } else if constexpr (std::is_same_v<T, bool>) {
        to << (value ? "true" : "false");
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        to << std::to_string(static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
        to << number_text(static_cast<double>(value), std::numeric_limits<T>::max_digits10);
    } else if constexpr (std::is_same_v<T, std::string>) {
        to << json_text(value);
    } else if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>) {
        to << '"' << to_base64(value.data(), value.size()) << '"';
    } else if constexpr (has_codec_of<T, collection_codec>()) {
        constexpr bool is_map =
            std::is_same_v<T, std::map<std::string, typename codec<T>::element>>;
        to << (is_map ? '{' : '[');
        bool first = true;
        for (const auto& each : value) {
            if (!first)
                to << ',';
            first = false;
            if constexpr (is_map) {
                to << json_text(each.first) << ':';
                write_json(to, each.second);
            } else {
                write_json<typename codec<T>::element>(to, each);
            }
        }
        to << (is_map ? '}' : ']');
    } else if constexpr (std::is_same_v<T, uuid> || std::is_same_v<T, object_id> ||
                         std::is_same_v<T, decimal128>) {
        to << '"' << value.to_string() << '"';
    } else {
        to << '"' << date_text(value) << '"';
    }
}

} // namespace realm::internal
