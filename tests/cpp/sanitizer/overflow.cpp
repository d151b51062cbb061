// Must be caught, or the sanitizer is not on.
#include <limits>

int main(int count, char**) {
    int value = std::numeric_limits<int>::max();
    value += count;
    return value == 0 ? 1 : 0;
}
