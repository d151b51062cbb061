#include <cpprealm/sdk.hpp>

#define READING Reading1
#include "reading.hpp"
#define READING Reading2
#include "reading.hpp"
#define READING Reading3
#include "reading.hpp"
#define READING Reading4
#include "reading.hpp"
#define READING Reading5
#include "reading.hpp"
