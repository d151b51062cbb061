#include <cpprealm/version_numbers.hpp>

int main() { return REALMCXX_VERSION_MINOR == 2 ? 0 : 1; }
