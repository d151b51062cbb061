// Managed strings.
#pragma once

#include <cstddef>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <cpprealm/internal/managed_value.hpp>

namespace realm::internal {

/// One character of a managed string.
template <typename Place>
class character_handle {
public:
    character_handle(const Place& of, std::size_t at) : of_(of), at_(at) {}
    character_handle(const character_handle&) = default;
    character_handle& operator=(const character_handle& other) {
        return *this = static_cast<char>(other);
    }
    operator char() const { return of_.realm_peek().at(at_); } // NOLINT: implicit on purpose
    character_handle& operator=(char c) {
        of_.realm_edit().at(at_) = c;
        return *this;
    }

private:
    Place of_;
    std::size_t at_;
};

[[nodiscard]] inline char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

template <typename D>
struct operations<D, std::string> : assignable<D, std::string> {
private:
    [[nodiscard]] const std::string& peek() const { return this->self().realm_peek(); }
    [[nodiscard]] std::string& edit() { return this->self().realm_edit(); }
    [[nodiscard]] auto character(std::size_t index) const {
        if (index >= peek().size())
            throw std::out_of_range("'" + this->self().realm_name() + "' has no character " +
                                    std::to_string(index));
        using place = std::decay_t<decltype(this->self().realm_place())>;
        return character_handle<place>(this->self().realm_place(), index);
    }

public:
    using assignable<D, std::string>::operator=;
    using size_type = std::string::size_type;

    D& operator=(const char* value) {
        this->self().realm_assign(std::string(value));
        return this->self();
    }
    D& operator+=(std::string_view more) {
        edit().append(more);
        return this->self();
    }
    D& operator+=(char more) {
        edit().push_back(more);
        return this->self();
    }
    D& append(std::string_view more) { return *this += more; }
    void push_back(char more) { edit().push_back(more); }
    void pop_back() {
        if (empty())
            throw std::out_of_range("Cannot take a character from '" + this->self().realm_name() +
                                    "': it is empty");
        edit().pop_back();
    }
    void clear() { edit().clear(); }

    [[nodiscard]] size_type size() const { return peek().size(); }
    [[nodiscard]] size_type length() const { return peek().size(); }
    [[nodiscard]] bool empty() const { return peek().empty(); }
    [[nodiscard]] auto at(size_type index) const { return character(index); }
    [[nodiscard]] auto operator[](size_type index) const { return character(index); }
    [[nodiscard]] auto front() const { return character(0); }
    [[nodiscard]] auto back() const { return character(empty() ? 0 : size() - 1); }
    /// Valid until the string is changed or the transaction ends.
    [[nodiscard]] const char* data() const { return peek().data(); }
    [[nodiscard]] const char* c_str() const { return peek().c_str(); }
    /// Without `case_sensitive`, the letters A to Z equal a to z.
    [[nodiscard]] rbool contains(std::string_view part, bool case_sensitive = true) const {
        if (case_sensitive)
            return peek().find(part) != std::string::npos;
        std::string whole = peek();
        std::string wanted(part);
        for (char& c : whole)
            c = lower(c);
        for (char& c : wanted)
            c = lower(c);
        return whole.find(wanted) != std::string::npos;
    }
};

template <typename D>
std::enable_if_t<std::is_base_of_v<operations<D, std::string>, D>, std::ostream&>
operator<<(std::ostream& to, const D& text) {
    return to << text.realm_peek();
}

} // namespace realm::internal
