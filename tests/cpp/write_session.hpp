// What the tests of the object model share: a transaction without a library behind it, and the
// objects it sent.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/macros.hpp>

#include "recorded_transaction.hpp"

/// Ends the transaction; `take(runs, payload, size)` gets what it holds.
template <typename Take>
void finish(realm::internal::recorded_transaction& transaction, Take&& take) {
    struct sink final : realm::internal::payload_sink {
        explicit sink(Take& called) : taking(called) {}
        void take(const std::vector<realm::internal::ffi::Run>& runs, const std::uint8_t* payload,
                  std::size_t size) override {
            taking(runs, payload, size);
        }
        Take& taking;
    } to(take);
    transaction.encode_changed();
    transaction.finish(to);
}

/// A transaction over the classes Ts, begun, and what its commit hands on.
template <typename... Ts>
class write_session {
public:
    write_session() : transaction_(realm::internal::describe_classes<Ts...>()) { begin(); }

    void begin() { transaction_.begin(nullptr); }

    template <typename T>
    realm::managed<T> add(const T& object) {
        realm::internal::check_addable<T>();
        return realm::managed<T>(transaction_.add(object));
    }

    /// The payload; empty if the transaction was.
    const realm::internal::buffer& commit() {
        sent_.clear();
        finish(transaction_, [&](const auto& runs, const std::uint8_t* payload, std::size_t size) {
            runs_.clear();
            for (const auto& run : runs)
                runs_.emplace_back(run.class_name, run.count);
            sent_.append(payload, size);
        });
        return sent_;
    }
    [[nodiscard]] const std::vector<std::pair<std::string, std::uint32_t>>& runs() const {
        return runs_;
    }

    /// Commits, and reads the only document as a T again.
    template <typename T>
    T commit_one() {
        commit();
        T object{};
        read(0, object);
        return object;
    }
    template <typename T>
    std::size_t read(std::size_t from, T& object) {
        const auto size =
            static_cast<std::size_t>(realm::internal::load_le<std::int32_t>(sent_.data() + from));
        const realm::internal::decoder decoder(sent_, no_rests_, objects_);
        realm::internal::read_fields(
            decoder, realm::internal::bson_reader(sent_.data() + from, size), object);
        return from + size;
    }

    [[nodiscard]] realm::internal::recorded_transaction& transaction() { return transaction_; }

private:
    realm::internal::recorded_transaction transaction_;
    realm::internal::buffer sent_;
    std::vector<std::pair<std::string, std::uint32_t>> runs_;
    realm::internal::date_rests no_rests_;
    realm::internal::arena objects_;
};

/// The text of what `call` throws; empty if it throws nothing.
template <typename Call>
std::string thrown_by(Call&& call) {
    try {
        call();
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}
