// What any C++ program weighs, for `make bench`.
#include <iostream>

int main() { std::cout << "Hello, world!\n"; }
