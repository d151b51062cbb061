// What every file of an application pays, whatever it calls.
#include <cpprealm/sdk.hpp>
