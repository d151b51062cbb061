# The public headers.
file(GLOB_RECURSE REALM_INGEST_CPP_HEADERS CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/cpprealm/*.hpp"
    "${CMAKE_CURRENT_SOURCE_DIR}/include/cpprealm/*.h")
