# Runs cargo, which knows what is stale, in targets that are always run.

find_program(REALM_INGEST_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin"
    DOC "cargo, 1.89 or later")
if(NOT REALM_INGEST_CARGO)
    message(FATAL_ERROR "cargo was not found: scripts/ensure-rust.sh installs it, "
        "or set REALM_INGEST_CARGO to one of Rust 1.89 or later")
endif()

if(DEFINED ENV{CARGO_TARGET_DIR})
    set(realm_ingest_default_target_dir "$ENV{CARGO_TARGET_DIR}")
else()
    set(realm_ingest_default_target_dir "${PROJECT_SOURCE_DIR}/target")
endif()
set(REALM_INGEST_CARGO_TARGET_DIR "${realm_ingest_default_target_dir}" CACHE PATH
    "cargo's target folder, one for all presets so that they reuse the Rust objects")

# Toolchain files set it: cpp/cmake/toolchains has some.
set(REALM_INGEST_RUST_TARGET "" CACHE STRING "What cargo builds for, such as aarch64-unknown-linux-gnu; empty for this machine")
if(CMAKE_CROSSCOMPILING AND NOT REALM_INGEST_RUST_TARGET)
    message(FATAL_ERROR "this is a cross build: name Rust's target for ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR} in "
        "REALM_INGEST_RUST_TARGET (`rustc --print target-list` shows all)")
endif()

# Without a build type the Rust half is optimised all the same: nobody who set none wants it slow.
set(realm_ingest_cargo_output "$<IF:$<CONFIG:Debug>,debug,release>")
set(realm_ingest_cargo_library_output "$<IF:$<CONFIG:Debug>,debug,device>")
set(realm_ingest_cargo_arguments "")
set(realm_ingest_cargo_environment "CARGO_TARGET_DIR=${REALM_INGEST_CARGO_TARGET_DIR}")

# Sanitizers and compilers must reach the C++ half of the bridge, which cargo compiles. Variables that would
# say nothing new stay unset: cargo builds anew what was built with another environment.
if(REALM_INGEST_RUST_TARGET)
    # Build scripts run on this machine, with compilers of its own: the variables name the target.
    string(REPLACE "-" "_" target "${REALM_INGEST_RUST_TARGET}")
    string(TOUPPER "${target}" upper_target)
    list(APPEND realm_ingest_cargo_environment
        "CC_${target}=${CMAKE_C_COMPILER}"
        "CXX_${target}=${CMAKE_CXX_COMPILER}"
        "AR_${target}=${CMAKE_AR}"
        "CARGO_TARGET_${upper_target}_LINKER=${CMAKE_C_COMPILER}")
    if(CMAKE_C_FLAGS)
        list(APPEND realm_ingest_cargo_environment "CFLAGS_${target}=${CMAKE_C_FLAGS}")
    endif()
    if(CMAKE_CXX_FLAGS)
        list(APPEND realm_ingest_cargo_environment "CXXFLAGS_${target}=${CMAKE_CXX_FLAGS}")
    endif()
    set(library_c_flags "CFLAGS_${target}=${CMAKE_C_FLAGS}")
    set(library_cxx_flags "CXXFLAGS_${target}=${CMAKE_CXX_FLAGS}")
    list(APPEND realm_ingest_cargo_arguments --target "${REALM_INGEST_RUST_TARGET}")
    string(PREPEND realm_ingest_cargo_output "${REALM_INGEST_RUST_TARGET}/")
    string(PREPEND realm_ingest_cargo_library_output "${REALM_INGEST_RUST_TARGET}/")
else()
    set(library_c_flags "CFLAGS=$ENV{CFLAGS}")
    set(library_cxx_flags "CXXFLAGS=${CMAKE_CXX_FLAGS}")
    if(CMAKE_CXX_FLAGS)
        list(APPEND realm_ingest_cargo_environment "CXXFLAGS=${CMAKE_CXX_FLAGS}")
    endif()
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        list(APPEND realm_ingest_cargo_environment "CXX=${CMAKE_CXX_COMPILER}")
    endif()
endif()
string(PREPEND realm_ingest_cargo_output "${REALM_INGEST_CARGO_TARGET_DIR}/")
string(PREPEND realm_ingest_cargo_library_output "${REALM_INGEST_CARGO_TARGET_DIR}/")

# What of C and C++ no device needs, and what it weighs in a program.

# Of zstd's strategies the library uses those of levels 1 and 3; of its decoders one will do, and no second copy for newer
# processors: a device seldom reads what it packed, and packs no slower. 0.1 MB.
foreach(strategy GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA)
    string(APPEND library_c_flags " -DZSTD_EXCLUDE_${strategy}_BLOCK_COMPRESSOR")
endforeach()
string(APPEND library_c_flags " -DHUF_FORCE_DECOMPRESS_X1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -DZSTD_STRIP_ERROR_STRINGS=1"
    " -DDYNAMIC_BMI2=0")
# What of SQLite only the gateway's statements use, or none. 0.07 MB.
foreach(part COMPILEOPTION_DIAGS DATETIME_FUNCS DESERIALIZE EXPLAIN FOREIGN_KEY INTROSPECTION_PRAGMAS JSON)
    string(APPEND library_c_flags " -DSQLITE_OMIT_${part}")
endforeach()
# Tables by which exceptions and panics find their way: none crosses C, as callbacks from it into Rust catch them. 0.13 MB.
string(APPEND library_c_flags " -fno-asynchronous-unwind-tables -fno-unwind-tables")
# <iostream>, which the C++ half of cxx includes for an operator: with GCC's library it would bring std::cout and all locales into
# programs that print by other means. 0.4 MB.
string(APPEND library_cxx_flags " -include ostream -D_GLIBCXX_IOSTREAM")
set(realm_ingest_library_environment
    "$<$<NOT:$<CONFIG:Debug>>:${library_c_flags}>" "$<$<NOT:$<CONFIG:Debug>>:${library_cxx_flags}>")

# realm_ingest_add_cargo_target(<name> [ON_DEMAND] [ARCHIVE | OF_DEVICES]
#     ARGUMENTS <for cargo> COPY <from> <to> ... BYPRODUCTS <files>)
# What runs on devices is optimised by a profile of its own, and so is the library, of which the ARCHIVE alone is made: cargo
# optimises nothing over the whole of what is there for crates as well. (For debugging it does not anyway, and tests use the crate.)
function(realm_ingest_add_cargo_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ON_DEMAND;ARCHIVE;OF_DEVICES" "" "ARGUMENTS;COPY;BYPRODUCTS")
    set(copies "")
    while(arg_COPY)
        list(POP_FRONT arg_COPY from to)
        list(APPEND copies COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${from}" "${to}")
    endwhile()
    set(all ALL)
    if(arg_ON_DEMAND)
        set(all "")
    endif()
    set(environment ${realm_ingest_cargo_environment})
    set(command build)
    set(profile release)
    set(crate_type "")
    if(arg_ARCHIVE OR arg_OF_DEVICES)
        list(APPEND environment ${realm_ingest_library_environment})
        set(profile device)
    endif()
    if(arg_ARCHIVE)
        set(command "$<IF:$<CONFIG:Debug>,build,rustc>")
        set(crate_type "$<$<NOT:$<CONFIG:Debug>>:--crate-type=staticlib>")
    endif()
    add_custom_target(${name} ${all}
        COMMAND "${CMAKE_COMMAND}" -E env ${environment}
            "${REALM_INGEST_CARGO}" "${command}" --profile "$<IF:$<CONFIG:Debug>,dev,${profile}>"
            ${realm_ingest_cargo_arguments} ${arg_ARGUMENTS} ${crate_type}
        ${copies}
        BYPRODUCTS ${arg_BYPRODUCTS}
        COMMENT "cargo build"
        # Where .cargo/config.toml is found.
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
        COMMAND_EXPAND_LISTS USES_TERMINAL VERBATIM)
endfunction()
