# The install tree. No file in it names a folder of the build, so it can be moved as a whole.
# Components: library (what programs need that are built), development (what building them needs), static (the archive beside a shared
# library), gateway.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake")
set(input_dir "${PROJECT_SOURCE_DIR}/cpp/cmake")
set(output_dir "${PROJECT_BINARY_DIR}/package")

install(TARGETS realm_ingest EXPORT RealmIngestTargets
    LIBRARY COMPONENT library NAMELINK_COMPONENT development
    ARCHIVE COMPONENT development)
install(TARGETS cpprealm EXPORT cpprealmTargets)
if(REALM_INGEST_SHARED)
    install(FILES "${realm_ingest_archive}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT static)
endif()
install(EXPORT RealmIngestTargets NAMESPACE RealmIngest:: DESTINATION "${package_dir}/RealmIngest")
install(EXPORT cpprealmTargets DESTINATION "${package_dir}/cpprealm")

install(FILES include/realm_ingest.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(header IN LISTS REALM_INGEST_CPP_HEADERS)
    cmake_path(GET header PARENT_PATH folder)
    install(FILES "include/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/${folder}")
endforeach()
install(FILES "${realm_ingest_generated}/cpprealm/version_numbers.hpp"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/cpprealm")
install(FILES "${realm_ingest_bridge_header}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/cpprealm/internal")

# With what is linked, shared or not.
set(licenses_component development)
if(REALM_INGEST_SHARED)
    set(licenses_component library)
endif()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/realm-ingest" COMPONENT ${licenses_component})
install(FILES packaging/licenses/library.txt DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/realm-ingest"
    RENAME third-party-licenses.txt COMPONENT ${licenses_component})

foreach(package IN ITEMS RealmIngest cpprealm)
    configure_package_config_file("${input_dir}/${package}Config.cmake.in"
        "${output_dir}/${package}Config.cmake" INSTALL_DESTINATION "${package_dir}/${package}"
        NO_SET_AND_CHECK_MACRO)
endforeach()
write_basic_package_version_file("${output_dir}/RealmIngestConfigVersion.cmake"
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
# realm-cpp's own package accepts every older request.
write_basic_package_version_file("${output_dir}/cpprealmConfigVersion.cmake"
    VERSION ${REALM_INGEST_API_LEVEL} COMPATIBILITY AnyNewerVersion)
foreach(package IN ITEMS RealmIngest cpprealm)
    install(FILES "${output_dir}/${package}Config.cmake" "${output_dir}/${package}ConfigVersion.cmake"
        DESTINATION "${package_dir}/${package}")
endforeach()

# pkg-config: whoever links the archive needs the system libraries too.
list(TRANSFORM REALM_INGEST_SYSTEM_LIBRARIES PREPEND -l OUTPUT_VARIABLE system_libraries)
list(JOIN system_libraries " " system_libraries)
set(realm_ingest_pc_libs "-L\${libdir} -lrealm_ingest")
set(realm_ingest_pc_private "")
if(REALM_INGEST_SHARED)
    set(realm_ingest_pc_private "Libs.private: ${system_libraries}")
else()
    string(APPEND realm_ingest_pc_libs " ${system_libraries}")
endif()
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}"
    OUTPUT_VARIABLE libdir)
cmake_path(APPEND libdir pkgconfig OUTPUT_VARIABLE pc_dir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${pc_dir}"
    OUTPUT_VARIABLE realm_ingest_pc_prefix)
foreach(package IN ITEMS realm-ingest cpprealm)
    configure_file("${input_dir}/${package}.pc.in" "${output_dir}/${package}.pc" @ONLY)
    install(FILES "${output_dir}/${package}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
