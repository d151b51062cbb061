#include <cpprealm/ingest.hpp>
#include <cpprealm/sdk.hpp>
