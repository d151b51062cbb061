// One write transaction: the BSON of every object added, back to back in one buffer per class.
//
// The library keeps the buffers (cpp/recorded_transaction.cpp); what knows the application's
// classes, and what may throw, is here. `add` only encodes. A managed object is a reference into a
// buffer; when one is used, its document is decoded into a `shadow`, an object of the application's
// class that the transaction owns and that the handles work on. The commit puts the shadows that
// were changed in the place of their documents. Nearly no program does that, so everything is laid
// out for the case of no shadow at all.
//
// Invariants:
//  1. A buffer holds whole documents only: an `add` that throws leaves its buffer as it was.
//  2. A handle outlives its transaction harmlessly: it holds a number, and the library knows which
//  numbers live.
//  3. A transaction is used by the thread that began it; handles check that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <cpprealm/internal/buffer.hpp>
#include <cpprealm/internal/class_table.hpp>
#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/object_ref.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/refuse.hpp>
#include <cpprealm/schema.hpp>

namespace realm::internal {

/// An added object in the shape of its class again.
struct shadow {
    std::size_t begin; // of its document, in the buffer of its class
    void* object;
    void (*destroy)(void* object);
    bool changed;
};

/// What a transaction holds of one class. `count` documents are in `bytes`.
struct class_buffer {
    const class_table* of;
    buffer bytes;
    date_rests rests;
    std::uint32_t count = 0;
};

/// An object whose document is to be made anew, at the end of `to`.
struct changed_object {
    const class_table* of;
    const void* object;
    buffer* to;
};

/// Why an object cannot be added.
enum class add_refusal : std::uint8_t { none, not_begun, unknown_class, not_opened };

/// Belongs to one realm on one thread and is used for one transaction after the other, which saves
/// the buffers from being made anew. Its virtual functions are the library's; they throw nothing.
class transaction {
public:
    /// Encodes a copy of the object. What it throws leaves the transaction as it was.
    template <typename T>
    object_ref add(const T& object) {
        return add(table_of<T>, &object);
    }
    template <typename = on_use>
    object_ref add(const class_table& of, const void* object) {
        class_buffer& to = buffer_of(of);
        undo unless_done{&to, to.bytes.size(), to.rests.size()};
        encoder encoding(to.bytes, &to.rests);
        of.encode(encoding, object);
        ++to.count;
        unless_done.in = nullptr;
        return {number_, unless_done.bytes};
    }

    /// The transaction of a handle.
    template <typename = on_use>
    static transaction& of(std::uint64_t number, const char* class_name);

    /// The object behind a handle. For an asymmetric class only.
    template <typename = on_use>
    shadow& shadow_at(const handle_table& by, std::uint64_t where) {
        const auto begin = static_cast<std::size_t>(where);
        if (shadow* known = find_shadow(*by.of, begin))
            return *known;
        class_buffer* in = find_buffer(*by.of);
        if (in == nullptr)
            throw_no_object(by.name);
        const std::uint8_t* from = in->bytes.data() + begin;
        const bson_reader document(from, static_cast<std::size_t>(load_le<std::int32_t>(from)));
        void* object = by.read(decoder(in->bytes, in->rests, objects()), document);
        shadow* kept = keep_shadow(*by.of, {begin, object, by.destroy, false});
        if (kept == nullptr) {
            by.destroy(object);
            throw std::bad_alloc();
        }
        return *kept;
    }

    /// Makes the documents of changed objects anew, before the commit. When it throws, the
    /// transaction is over.
    template <typename = on_use>
    void encode_changed() {
        ending unless_done{this};
        for (changed_object one{}; next_changed(one);) {
            encoder to(*one.to);
            one.of->encode(to, one.object);
        }
        unless_done.over = nullptr;
    }

    /// Gives the transaction its number. `owner` is kept for `managed<T>::get_realm` and not looked
    /// at.
    virtual void begin(void* owner) noexcept = 0;
    [[nodiscard]] bool active() const noexcept { return number_ != 0; }
    [[nodiscard]] virtual void* owner() const noexcept = 0;
    /// Where copies of embedded objects live.
    [[nodiscard]] virtual arena& objects() noexcept = 0;
    /// Ends the transaction and drops everything that was added.
    virtual void abandon() noexcept = 0;

protected:
    ~transaction() = default;

    std::uint64_t number_ = 0; // 0: none begun

    /// Ends a transaction that something may throw out of.
    struct ending {
        transaction* over;

        ~ending() {
            if (over != nullptr)
                over->abandon();
        }
    };

    /// Where objects of the class go; null, and why, where they cannot.
    virtual class_buffer* start(const class_table& of, add_refusal& why) noexcept = 0;
    /// The same for a class of which the transaction has no buffer yet.
    virtual class_buffer* introduce(const class_table& of, const bridge::object_schema& described,
                                    add_refusal& why) noexcept = 0;
    [[nodiscard]] virtual class_buffer* find_buffer(const class_table& of) noexcept = 0;
    [[nodiscard]] virtual shadow* find_shadow(const class_table& of,
                                              std::size_t begin) noexcept = 0;
    /// Null where there is no memory.
    virtual shadow* keep_shadow(const class_table& of, const shadow& one) noexcept = 0;
    virtual bool next_changed(changed_object& one) noexcept = 0;

private:
    // Takes back what an `add` has written so far.
    struct undo {
        class_buffer* in;
        std::size_t bytes;
        std::size_t rests;

        ~undo() {
            if (in == nullptr)
                return;
            in->bytes.truncate(bytes);
            in->rests.truncate(rests);
        }
    };

    template <typename = on_use>
    class_buffer& buffer_of(const class_table& of) {
        add_refusal why = add_refusal::none;
        class_buffer* found = start(of, why);
        if (found == nullptr && why == add_refusal::unknown_class)
            found = introduce(of, of.describe(), why);
        if (found == nullptr)
            refuse_object(of, why);
        return *found;
    }
    template <typename = on_use>
    [[noreturn]] static void refuse_object(const class_table& of, add_refusal why) {
        if (why == add_refusal::not_begun)
            refuse<std::logic_error>("Trying to modify database while in read transaction");
        if (why == add_refusal::not_opened)
            refuse({"Class '", of.name,
                    "' is not part of this realm: name it in realm::open<...>()."});
        throw std::bad_alloc();
    }
};

namespace ffi {

/// The live transaction with that number, null if there is none; and whether it is another
/// thread's.
transaction* find_transaction(std::uint64_t number, bool& elsewhere) noexcept;

} // namespace ffi

template <typename>
transaction& transaction::of(std::uint64_t number, const char* class_name) {
    bool elsewhere = false;
    transaction* live = ffi::find_transaction(number, elsewhere);
    if (live == nullptr)
        throw_no_object(class_name);
    if (elsewhere)
        refuse<std::logic_error>("Realm accessed from incorrect thread.");
    return *live;
}

} // namespace realm::internal
