# The stranger's project of tests/consumer, built and run; a part of scripts. They set `way`, the name of the folder in $WORK that it
# is built in, and $STRANGER, $SOURCE, $WORK, $CMAKE, $CONFIG, $CC, $CXX, $PYTHON and $GATEWAY.
# shellcheck shell=bash

# Runs a stranger's programs, built in folder $1, against a gateway that must hold their documents afterwards.
run_stranger() {
    "$PYTHON" "$SOURCE/tests/with_gateway.py" --find StrangerReading=1 --find StrangerLog=1 "$GATEWAY" \
        bash -c "'$1/stranger' && '$1/stranger_c'"
    run_plugin "$1/plugin_host" "$(find "$1" -name '*stranger_plugin.so')"
}

# Has host $1 load, use and unload plugin $2, many times.
run_plugin() {
    "$PYTHON" "$SOURCE/tests/with_gateway.py" --find StrangerPlugin=10 "$GATEWAY" \
        "$SOURCE/tests/repeat.sh" 10 "$1" "$2"
}

# Builds and runs the stranger's project in a folder of its own.
stranger() {
    rm -rf "$WORK/$way"
    "$CMAKE" -S "$STRANGER" -B "$WORK/$way" -G "${GENERATOR:-Ninja}" -DCMAKE_BUILD_TYPE="$CONFIG" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" "$@"
    "$CMAKE" --build "$WORK/$way"
    run_stranger "$WORK/$way"
    run_plugin "$WORK/$way/visible_host" "$(find "$WORK/$way" -name '*visible_plugin.so')"
}

# Compiles the stranger's programs without CMake, the C++ ones with flags $1, the C one with flags $2.
compile_stranger() {
    rm -rf "$WORK/$way"
    mkdir "$WORK/$way"
    # shellcheck disable=SC2086
    "$CXX" -std=c++17 "$STRANGER/stranger.cpp" -o "$WORK/$way/stranger" $1
    # shellcheck disable=SC2086
    "$CXX" -std=c++17 -fPIC -shared -fvisibility=hidden "$STRANGER/plugin.cpp" -o "$WORK/$way/stranger_plugin.so" $1
    "$CXX" -std=c++17 "$STRANGER/plugin_host.cpp" -o "$WORK/$way/plugin_host" -ldl
    # shellcheck disable=SC2086
    "$CC" "$STRANGER/stranger.c" -o "$WORK/$way/stranger_c" $2
}
