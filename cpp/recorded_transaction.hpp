// The library's half of internal/transaction.hpp: the buffers of a transaction and what becomes of
// them. Not installed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <cpprealm/internal/transaction.hpp>

namespace realm::internal {

/// Takes what a transaction holds at its end: documents of `runs`, back to back.
struct payload_sink {
    virtual void take(const std::vector<ffi::Run>& runs, const std::uint8_t* payload,
                      std::size_t size) = 0;

protected:
    ~payload_sink() = default;
};

class recorded_transaction final : public transaction {
public:
    /// The classes are those that the realm was opened with; they are copied.
    explicit recorded_transaction(std::vector<bridge::object_schema> opened)
        : opened_(std::move(opened)) {}
    recorded_transaction(const recorded_transaction&) = delete;
    recorded_transaction& operator=(const recorded_transaction&) = delete;
    ~recorded_transaction() { abandon(); }

    void begin(void* owner) noexcept override;
    [[nodiscard]] void* owner() const noexcept override { return owner_; }
    [[nodiscard]] arena& objects() noexcept override { return objects_; }
    void abandon() noexcept override;

    /// Of the documents as they were added.
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& one : classes_)
            sum += one->bytes.size();
        return sum;
    }
    /// Ends the transaction. The sink is called unless nothing was added; whatever it throws, the
    /// transaction is over and its handles are dead.
    void finish(payload_sink& sink);
    /// Ends it in a forked child, where the lock of the live ones may be held for ever.
    void forget() noexcept { number_ = 0; }

protected:
    class_buffer* start(const class_table& of, add_refusal& why) noexcept override;
    class_buffer* introduce(const class_table& of, const bridge::object_schema& described,
                            add_refusal& why) noexcept override;
    [[nodiscard]] class_buffer* find_buffer(const class_table& of) noexcept override {
        return find(of);
    }
    [[nodiscard]] shadow* find_shadow(const class_table& of, std::size_t begin) noexcept override;
    shadow* keep_shadow(const class_table& of, const shadow& one) noexcept override;
    bool next_changed(changed_object& one) noexcept override;

private:
    friend class live_transactions;

    struct recorded_class final : class_buffer {
        explicit recorded_class(const class_table& table) noexcept
            : class_buffer{&table, {}, {}, 0} {}
        recorded_class(const recorded_class&) = delete;
        recorded_class& operator=(const recorded_class&) = delete;
        ~recorded_class() { destroy_shadows(); }

        void destroy_shadows() noexcept;
        /// Puts the documents that were made anew in the place of the former ones; one pass over
        /// the bytes, however many changed.
        void splice();
        /// Keeps the memory for the next transaction, unless this one used little of much.
        void reset() noexcept;

        std::vector<shadow> shadows; // ascending
        buffer changed;              // documents of those that changed, in their order
    };

    [[nodiscard]] recorded_class* find(const class_table& of) noexcept {
        for (const auto& one : classes_) {
            if (one->of == &of)
                return one.get();
        }
        return nullptr;
    }

    std::vector<bridge::object_schema> opened_;
    std::vector<std::unique_ptr<recorded_class>> classes_; // few: a realm has few classes
    arena objects_;
    std::thread::id thread_;
    void* owner_ = nullptr;
    // How far `next_changed` has come.
    std::size_t class_ = 0;
    std::size_t shadow_ = 0;
    recorded_transaction* next_ = nullptr; // of those that live
};

} // namespace realm::internal
