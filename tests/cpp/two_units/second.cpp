// The other file: see first.cpp.
#include "classes.hpp"

namespace units {

realm::managed<Whole> add_elsewhere(realm::internal::transaction& to, std::int64_t id) {
    return realm::managed<Whole>(to.add(Whole{id, nullptr}));
}

std::size_t registered_elsewhere() { return realm::internal::describe_declared().size(); }

} // namespace units
