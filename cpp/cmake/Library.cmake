# The targets: realm_ingest (the C ABI, alias RealmIngest::c) and cpprealm (the C++ headers over it).

# Generated headers: the version, and the bridge, from the cxx release that made the archive.
set(realm_ingest_generated "${PROJECT_BINARY_DIR}/include")
configure_file("${PROJECT_SOURCE_DIR}/cpp/cmake/version_numbers.hpp.in"
    "${realm_ingest_generated}/cpprealm/version_numbers.hpp" @ONLY)
set(realm_ingest_bridge_header "${realm_ingest_generated}/cpprealm/internal/bridge.hpp")
set(realm_ingest_archive "${PROJECT_BINARY_DIR}/cargo/librealm_ingest.a")

realm_ingest_add_cargo_target(realm_ingest_cargo ARCHIVE
    ARGUMENTS --package realm-ingest --lib
    COPY "${realm_ingest_cargo_library_output}/librealm_ingest.a" "${realm_ingest_archive}"
         "${REALM_INGEST_CARGO_TARGET_DIR}/cxxbridge/realm-ingest/src/ffi/bridge.rs.h"
         "${realm_ingest_bridge_header}"
    BYPRODUCTS "${realm_ingest_archive}" "${realm_ingest_bridge_header}")

# Cargo's archive as it is, or linked into a shared object that shows its two doors only.
if(REALM_INGEST_SHARED)
    add_library(realm_ingest SHARED "${PROJECT_SOURCE_DIR}/cpp/anchor.cpp")
    set(exports "${PROJECT_SOURCE_DIR}/cpp/cmake/exports.map")
    target_link_options(realm_ingest PRIVATE
        "LINKER:--whole-archive,${realm_ingest_archive},--no-whole-archive"
        "LINKER:--version-script=${exports}" LINKER:--gc-sections LINKER:-z,nodelete)
    set_target_properties(realm_ingest PROPERTIES LINK_DEPENDS "${realm_ingest_archive};${exports}")
    set(system_libraries_scope PRIVATE)
else()
    add_library(realm_ingest STATIC "${PROJECT_SOURCE_DIR}/cpp/anchor.cpp")
    set_source_files_properties("${PROJECT_SOURCE_DIR}/cpp/anchor.cpp" PROPERTIES OBJECT_DEPENDS "${realm_ingest_archive}")
    add_custom_command(TARGET realm_ingest POST_BUILD
        COMMAND "${CMAKE_COMMAND}" -E copy "${realm_ingest_archive}" "$<TARGET_FILE:realm_ingest>" VERBATIM)
    set(system_libraries_scope INTERFACE)
endif()
add_library(RealmIngest::c ALIAS realm_ingest)
add_dependencies(realm_ingest realm_ingest_cargo)
set_target_properties(realm_ingest PROPERTIES
    EXPORT_NAME c
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR})
target_include_directories(realm_ingest INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")

# What `rustc --print native-static-libs` names (a test compares), -lc aside.
set(REALM_INGEST_SYSTEM_LIBRARIES stdc++ gcc_s util rt pthread m dl)
target_link_libraries(realm_ingest ${system_libraries_scope} ${REALM_INGEST_SYSTEM_LIBRARIES})

add_library(cpprealm INTERFACE)
add_library(cpprealm::cpprealm ALIAS cpprealm)
add_dependencies(cpprealm realm_ingest_cargo)
target_link_libraries(cpprealm INTERFACE realm_ingest)
target_include_directories(cpprealm INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include;${realm_ingest_generated}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
