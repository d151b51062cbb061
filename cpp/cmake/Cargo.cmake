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
set(realm_ingest_cargo_arguments --profile "$<IF:$<CONFIG:Debug>,dev,release>")
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
    list(APPEND realm_ingest_cargo_arguments --target "${REALM_INGEST_RUST_TARGET}")
    string(PREPEND realm_ingest_cargo_output "${REALM_INGEST_RUST_TARGET}/")
else()
    if(CMAKE_CXX_FLAGS)
        list(APPEND realm_ingest_cargo_environment "CXXFLAGS=${CMAKE_CXX_FLAGS}")
    endif()
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        list(APPEND realm_ingest_cargo_environment "CXX=${CMAKE_CXX_COMPILER}")
    endif()
endif()
string(PREPEND realm_ingest_cargo_output "${REALM_INGEST_CARGO_TARGET_DIR}/")

# realm_ingest_add_cargo_target(<name> [ON_DEMAND] ARGUMENTS <for cargo build> COPY <from> <to> ... BYPRODUCTS <files>)
function(realm_ingest_add_cargo_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ON_DEMAND" "" "ARGUMENTS;COPY;BYPRODUCTS")
    set(copies "")
    while(arg_COPY)
        list(POP_FRONT arg_COPY from to)
        list(APPEND copies COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${from}" "${to}")
    endwhile()
    set(all ALL)
    if(arg_ON_DEMAND)
        set(all "")
    endif()
    add_custom_target(${name} ${all}
        COMMAND "${CMAKE_COMMAND}" -E env ${realm_ingest_cargo_environment}
            "${REALM_INGEST_CARGO}" build ${realm_ingest_cargo_arguments}
            --manifest-path "${PROJECT_SOURCE_DIR}/Cargo.toml" ${arg_ARGUMENTS}
        ${copies}
        BYPRODUCTS ${arg_BYPRODUCTS}
        COMMENT "cargo build"
        USES_TERMINAL VERBATIM)
endfunction()
