# Our version, read from Cargo.toml, and the API level of realm-cpp that the headers follow.

file(READ "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml" realm_ingest_manifest)
if(NOT realm_ingest_manifest MATCHES
        "\\[workspace\\.package\\]\nversion = \"(([0-9]+)\\.([0-9]+)\\.([0-9]+)[^\"]*)\"")
    message(FATAL_ERROR "Cargo.toml states no version at the head of [workspace.package]")
endif()
set(REALM_INGEST_VERSION_STRING "${CMAKE_MATCH_1}")
set(REALM_INGEST_VERSION "${CMAKE_MATCH_2}.${CMAKE_MATCH_3}.${CMAKE_MATCH_4}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS Cargo.toml)

set(REALM_INGEST_API_LEVEL 2.2.0)
