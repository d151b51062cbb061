# What packages have that an install does not. CPack runs it for each generator, once the files are laid out: for Debian in a
# folder for each component, for an archive in one.

# CMake strips what it has linked itself. An archive gets neither times nor users, whatever strip's default.
file(GLOB archives "${CPACK_TEMPORARY_DIRECTORY}/lib*/librealm_ingest.a")
foreach(archive IN LISTS archives)
    execute_process(COMMAND "${CPACK_REALM_INGEST_STRIP}" --strip-debug --enable-deterministic-archives "${archive}"
        COMMAND_ERROR_IS_FATAL ANY)
endforeach()
foreach(program IN ITEMS gateway/usr/bin/realm-ingest-gateway bin/realm-ingest-gateway)
    if(EXISTS "${CPACK_TEMPORARY_DIRECTORY}/${program}")
        execute_process(COMMAND "${CPACK_REALM_INGEST_STRIP}" "${CPACK_TEMPORARY_DIRECTORY}/${program}" COMMAND_ERROR_IS_FATAL ANY)
    endif()
endforeach()

if(NOT CPACK_GENERATOR STREQUAL "DEB")
    return()
endif()

# Compresses a file, without a time that would differ from build to build.
function(compress file)
    execute_process(COMMAND gzip -9 -n -f "${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(version "${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    set(root "${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share")
    string(TOUPPER "${component}" upper)
    set(package "${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
    set(documents "${root}/doc/${package}")
    # Debian wants all of it in one file.
    set(part library)
    if(component STREQUAL "gateway")
        set(part gateway)
    endif()
    file(READ "${CMAKE_CURRENT_LIST_DIR}/copyright" ours)
    file(READ "${CMAKE_CURRENT_LIST_DIR}/../licenses/${part}.txt" theirs)
    file(WRITE "${documents}/copyright" "${ours}" "${theirs}")
    file(REMOVE_RECURSE "${root}/doc/realm-ingest")
    file(REMOVE "${documents}/LICENSE" "${documents}/third-party-licenses.txt")
    file(WRITE "${documents}/changelog.Debian" "${package} (${version}) unstable; urgency=medium\n\n"
        "  * Release ${CPACK_PACKAGE_VERSION}; what changed is in changelog.gz.\n\n"
        " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
    configure_file("${CMAKE_CURRENT_LIST_DIR}/../../CHANGELOG.md" "${documents}/changelog" COPYONLY)
    compress("${documents}/changelog.Debian")
    compress("${documents}/changelog")
endforeach()

set(root "${CPACK_TEMPORARY_DIRECTORY}/gateway")
if(NOT EXISTS "${root}")
    return()
endif()
file(GLOB pages "${root}/usr/share/man/man1/*.1")
foreach(page IN LISTS pages)
    compress("${page}")
endforeach()
# Where Debian's zsh looks.
file(RENAME "${root}/usr/share/zsh/site-functions" "${root}/usr/share/zsh/vendor-completions")
# It will hold passwords.
file(COPY "${CMAKE_CURRENT_LIST_DIR}/../systemd/realm-ingest-gateway.env" DESTINATION "${root}/etc/realm-ingest"
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE)
file(RENAME "${root}/etc/realm-ingest/realm-ingest-gateway.env" "${root}/etc/realm-ingest/gateway.env")
file(MAKE_DIRECTORY "${root}/etc/realm-ingest/apps")
