# What `cpack` makes. Below /usr libraries lie where Debian has them: Debian packages, one for each component. Elsewhere they lie
# in lib, where every system looks: an archive of everything.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(CPACK_GENERATOR DEB)
else()
    set(CPACK_GENERATOR TGZ)
endif()
string(TOLOWER "${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}" system)
set(CPACK_PACKAGE_FILE_NAME "realm-ingest-${REALM_INGEST_VERSION_STRING}-${system}")
set(CPACK_PACKAGE_VENDOR "realm-ingest")
# Whoever gives packages to others says here who answers for them.
set(CPACK_PACKAGE_CONTACT "realm-ingest maintainers <maintainers@realm-ingest.invalid>" CACHE STRING
    "Maintainer of the packages, as Name <address>")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
# For the script: a cross build has one of its own.
set(CPACK_REALM_INGEST_STRIP "${CMAKE_STRIP}")
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/packaging/debian/pre_build.cmake")

set(CPACK_COMPONENTS_ALL development)
if(REALM_INGEST_SHARED)
    list(APPEND CPACK_COMPONENTS_ALL library)
endif()
if(REALM_INGEST_BUILD_GATEWAY)
    list(APPEND CPACK_COMPONENTS_ALL gateway)
endif()

set(debian "${PROJECT_SOURCE_DIR}/packaging/debian")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(release "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")

# The first line of a description is read in lists, the rest by who wants to know more.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME "librealm-ingest${PROJECT_VERSION_MAJOR}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${debian}/triggers")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "durable outbox and uploader for Data Ingest (library)
Streams objects from applications to a gateway, one way. Objects wait in
an outbox on the device, survive crash and power loss, and leave it when
the gateway has them.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME librealm-ingest-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
if(REALM_INGEST_SHARED)
    set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${CPACK_DEBIAN_LIBRARY_PACKAGE_NAME} (= ${release})")
endif()
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "durable outbox and uploader for Data Ingest (development)
C++ headers that are source compatible with realm-cpp for Data Ingest, the
C header, CMake packages (cpprealm, RealmIngest) and pkg-config files.")

set(CPACK_DEBIAN_GATEWAY_PACKAGE_NAME realm-ingest-gateway)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SECTION net)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_GATEWAY_PACKAGE_CONTROL_EXTRA
    "${debian}/conffiles;${debian}/postinst;${debian}/prerm;${debian}/postrm")
set(CPACK_COMPONENT_GATEWAY_DESCRIPTION "server for Data Ingest from realm-ingest and Realm SDKs
Authenticates devices, checks what they stream, and stores it: in MongoDB, or
in a store of its own with nothing to set up. The service is neither enabled
nor started before /etc/realm-ingest/gateway.env is filled in.")

include(CPack)
