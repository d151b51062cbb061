# An overlay port, of the tree that it lies in. Needs cargo on the PATH.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" "dynamic" shared)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DREALM_INGEST_SHARED=${shared}
        -DREALM_INGEST_BUILD_GATEWAY=OFF
        -DREALM_INGEST_BUILD_TESTS=OFF
        -DREALM_INGEST_BUILD_EXAMPLES=OFF
        "-DREALM_INGEST_CARGO_TARGET_DIR=${CURRENT_BUILDTREES_DIR}/cargo")
vcpkg_cmake_install()
foreach(package IN ITEMS cpprealm RealmIngest)
    vcpkg_cmake_config_fixup(PACKAGE_NAME ${package} CONFIG_PATH lib/cmake/${package} DO_NOT_DELETE_PARENT_CONFIG_PATH)
endforeach()
file(REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
    "${CURRENT_PACKAGES_DIR}/debug/lib/cmake"
    "${CURRENT_PACKAGES_DIR}/lib/cmake")
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/packaging/licenses/library.txt")
