# cmake -DHEADERS=<list> -DFOLDER=<include folder> -P headers_listed.cmake
file(GLOB_RECURSE present RELATIVE "${FOLDER}" "${FOLDER}/cpprealm/*")
list(SORT present)
list(SORT HEADERS)
if(NOT present STREQUAL HEADERS)
    message(FATAL_ERROR "cpp/cmake/Headers.cmake lists\n${HEADERS}\nand the folder holds\n${present}")
endif()
