// What a managed object consists of. Trivial, so that one that nobody looks at costs nothing.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace realm::internal {

/// Names an object of a transaction. `where` is, for an asymmetric object, where its bytes begin in
/// the buffer of its class; for an embedded one, the address of the transaction's copy. Only good
/// while the transaction of that number lives, which every use checks.
struct object_ref {
    std::uint64_t transaction;
    std::uint64_t where;
};

[[noreturn]] inline void throw_no_object(const char* class_name) {
    throw std::logic_error(std::string("No object with key '0' in 'class_") + class_name + "'");
}

} // namespace realm::internal
