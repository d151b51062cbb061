// What every door of C++ programs has in common: commands come as lines of JSON, and answers go as
// such.
#pragma once

#include <cpprealm/sdk.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace behaviour {

/// Why a command failed, for its answer. The code is empty where the door has none.
struct failure : std::runtime_error {
    failure(const std::string& message, std::string code = {})
        : std::runtime_error(message), code(std::move(code)) {}
    std::string code;
};

inline std::string quoted(const std::string& text) { return realm::internal::json_text(text); }

/// A JSON object, in the making.
class object {
public:
    object& text(const std::string& name, const std::string& value) {
        return json(name, quoted(value));
    }
    object& number(const std::string& name, std::uint64_t value) {
        return json(name, std::to_string(value));
    }
    object& flag(const std::string& name, bool value) {
        return json(name, value ? "true" : "false");
    }
    object& json(const std::string& name, const std::string& value) {
        body_ += (body_.empty() ? "" : ",") + quoted(name) + ":" + value;
        return *this;
    }
    std::string done() const { return "{" + body_ + "}"; }

private:
    std::string body_;
};

/// Texts as a JSON array of what each becomes.
template <typename Range, typename Fn>
std::string list(const Range& range, Fn&& to_json) {
    std::string body;
    for (const auto& one : range)
        body += (body.empty() ? "" : ",") + to_json(one);
    return "[" + body + "]";
}

/// One line: a command by name, and what it is given.
class command {
public:
    explicit command(const std::string& line) {
        realm::bsoncxx::document all = realm::internal::bson_from_ejson(line);
        for (auto field = all.begin(); field != all.end(); ++field) {
            auto [name, value] = *field;
            fields_.emplace(name, value);
        }
    }

    bool has(const std::string& name) const { return fields_.count(name) != 0; }
    std::string text(const std::string& name) const { return get(name).operator std::string(); }
    std::int64_t number(const std::string& name) const {
        const auto& value = get(name);
        if (value.get_type() == realm::bsoncxx::type::b_int32)
            return value.operator std::int32_t();
        return value.operator std::int64_t();
    }
    bool flag(const std::string& name) const { return has(name) && get(name).operator bool(); }
    std::vector<std::string> texts(const std::string& name) const {
        std::vector<std::string> all;
        if (has(name)) {
            realm::bsoncxx::array values = get(name);
            for (const auto& value : values)
                all.push_back(value.operator std::string());
        }
        return all;
    }
    /// Classes and documents: Extended JSON.
    std::vector<std::pair<std::string, std::string>> documents() const {
        auto flat = texts("documents");
        std::vector<std::pair<std::string, std::string>> all;
        for (std::size_t at = 0; at + 1 < flat.size(); at += 2)
            all.emplace_back(flat[at], flat[at + 1]);
        return all;
    }
    /// 64 bytes, given as hexadecimal digits.
    std::array<char, 64> key(const std::string& name) const {
        auto digits = text(name);
        std::array<char, 64> key{};
        for (std::size_t at = 0; at < key.size(); ++at)
            key[at] = static_cast<char>(std::stoi(digits.substr(2 * at, 2), nullptr, 16));
        return key;
    }

private:
    const realm::bsoncxx& get(const std::string& name) const {
        auto found = fields_.find(name);
        if (found == fields_.end())
            throw failure("the command has no " + name);
        return found->second;
    }
    std::map<std::string, realm::bsoncxx> fields_;
};

/// What callbacks leave for a command that waits for it.
template <typename T>
class inbox {
public:
    void put(T value) {
        std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    T take(std::int64_t timeout_ms) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                               [&] { return !values_.empty(); }))
            throw failure("nothing came within the time limit");
        T value = std::move(values_.front());
        values_.pop_front();
        return value;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> values_;
};

/// The names that answers have for numbers.
inline const char* const user_states[] = {"logged_out", "logged_in", "removed"};
inline const char* const session_states[] = {"active", "dying", "inactive",
                                             "waiting_for_access_token", "paused"};
inline const char* const connection_states[] = {"disconnected", "connecting", "connected"};
inline const char* const receipt_states[] = {"pending", "sent",    "persisted", "refused",
                                             "dropped", "damaged", "unknown"};
inline const char* const policies[] = {"fail", "drop_oldest", "drop_newest"};
inline const char* const stops[] = {"immediately", "never", "after_upload"};

/// Its place in such a list.
template <std::size_t Size>
std::uint8_t number_of(const char* const (&names)[Size], const std::string& name) {
    for (std::size_t at = 0; at < Size; ++at)
        if (name == names[at])
            return static_cast<std::uint8_t>(at);
    throw failure("no such name: " + name);
}

using commands = std::map<std::string, std::function<object(const command&)>>;

/// What this door has, which is everything that there is to ask for.
inline object offer(const commands& known) {
    auto names = list(known, [](const auto& one) { return quoted(one.first); });
    return object().json("commands", names).json("without", "[]");
}

/// Answers each line of the input until that ends.
inline int serve(const commands& known) {
    for (std::string line; std::getline(std::cin, line);) {
        object answer;
        try {
            command given(line);
            if (given.text("do") == "commands") {
                answer.json("ok", offer(known).done());
                std::cout << answer.done() << std::endl;
                continue;
            }
            auto found = known.find(given.text("do"));
            if (found == known.end())
                throw failure("this door has no command " + given.text("do"));
            answer.json("ok", found->second(given).done());
        } catch (const failure& failed) {
            object error;
            error.text("message", failed.what());
            if (!failed.code.empty())
                error.text("code", failed.code);
            answer.json("error", error.done());
        } catch (const realm::status_error& failed) {
            object error;
            error.text("message", failed.what()).text("code", std::string(failed.code_string()));
            answer.json("error", error.done());
        } catch (const realm::app_error& failed) {
            answer.json("error", object().text("message", std::string(failed.message())).done());
        } catch (const std::exception& failed) {
            answer.json("error", object().text("message", failed.what()).done());
        }
        std::cout << answer.done() << std::endl;
    }
    return 0;
}

} // namespace behaviour
