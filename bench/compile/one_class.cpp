#include <cpprealm/sdk.hpp>

#define READING Reading1
#include "reading.hpp"
