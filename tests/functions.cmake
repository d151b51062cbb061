# What the test folders call.

# realm_ingest_add_test(<name> <sources>... [CXX20] [TIMEOUT <seconds>] [LIBRARIES <targets>] [ARGUMENTS ...])
# A GoogleTest program, ctest name `cpp.<name>`; with CXX20 a second one, `cpp.<name>.cxx20`, but not in builds with
# sanitizers, which would learn nothing from it and take twice as long. Its environment names the gateway's
# binary in REALM_INGEST_GATEWAY and the repository in REALM_INGEST_SOURCE_DIR.
function(realm_ingest_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "CXX20" "TIMEOUT" "LIBRARIES;ARGUMENTS")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(standards 17)
    if(arg_CXX20 AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
        list(APPEND standards 20)
    endif()
    foreach(standard IN LISTS standards)
        set(test cpp.${name})
        if(standard EQUAL 20)
            string(APPEND test .cxx20)
        endif()
        string(REPLACE . _ target ${test})
        add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
        target_link_libraries(${target} PRIVATE
            cpprealm realm_ingest_warnings GTest::gtest_main ${arg_LIBRARIES})
        set_target_properties(${target} PROPERTIES
            CXX_STANDARD ${standard} CXX_STANDARD_REQUIRED ON)
        add_test(NAME ${test} COMMAND ${target} ${arg_ARGUMENTS})
        realm_ingest_test_environment(${test} ${arg_TIMEOUT})
    endforeach()
endfunction()

function(realm_ingest_test_environment test timeout)
    set_tests_properties(${test} PROPERTIES
        TIMEOUT ${timeout}
        ENVIRONMENT
        "REALM_INGEST_GATEWAY=${realm_ingest_gateway};REALM_INGEST_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# The include folders of cpprealm as compiler flags, for tests that call the compiler themselves.
set(realm_ingest_include_flags
    "-I${PROJECT_SOURCE_DIR}/include" "-I${realm_ingest_generated}")

# realm_ingest_add_compile_fail_test(<name> <source> <regex> [STANDARD <17|20>])
# ctest `compile_fail.<name>`: the source must not compile, and the compiler must say what the regex matches.
# With -DOK defined the same source must compile, so that it fails for no other reason.
function(realm_ingest_add_compile_fail_test name source regex)
    # No sanitizer has a say in it.
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
        return()
    endif()
    cmake_parse_arguments(PARSE_ARGV 3 arg "" "STANDARD" "")
    if(NOT arg_STANDARD)
        set(arg_STANDARD 17)
    endif()
    add_test(NAME compile_fail.${name}
        COMMAND "${CMAKE_COMMAND}"
            "-DCOMPILE=${CMAKE_CXX_COMPILER};-std=c++${arg_STANDARD};-fsyntax-only;${realm_ingest_include_flags}"
            "-DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/${source}" "-DREGEX=${regex}"
            -P "${PROJECT_SOURCE_DIR}/tests/compile_fail.cmake")
    set_tests_properties(compile_fail.${name} PROPERTIES TIMEOUT 120)
endfunction()
