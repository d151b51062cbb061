// Must be caught, or the sanitizer is not on.
#include <cstdlib>

int main() {
    auto* value = static_cast<volatile int*>(std::malloc(sizeof(int)));
    *value = 1;
    std::free(const_cast<int*>(value));
    return *value;
}
