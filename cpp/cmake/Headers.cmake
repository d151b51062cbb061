# The public headers, relative to include/.
file(GLOB_RECURSE REALM_INGEST_CPP_HEADERS CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include"
    "${PROJECT_SOURCE_DIR}/include/cpprealm/*.hpp" "${PROJECT_SOURCE_DIR}/include/cpprealm/*.h")
