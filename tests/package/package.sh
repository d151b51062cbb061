#!/usr/bin/env bash
# One way to find the library, named by $1; tests/package/CMakeLists.txt sets the environment.
set -euo pipefail
way=$1
# For this script only: cargo builds anew what was built without such variables.
export -n CC CXX
fail() {
    echo "package.$way: $*" >&2
    exit 1
}

# shellcheck source=tests/package/stranger.sh
source "$SOURCE/tests/package/stranger.sh"

# Builds and runs the stranger's programs by hand, with what is installed in $1: one folder of headers, one library.
plain() {
    local folder flags
    folder=$(dirname "$(find "$1" -name 'librealm_ingest.*' -print -quit)")
    flags="-I $1/include -L $folder -lrealm_ingest"
    # What a C compiler does not link by itself, the archive needs.
    compile_stranger "$flags" "$flags -lstdc++ -lm"
    LD_LIBRARY_PATH=$folder run_stranger "$WORK/$way"
}

# Builds the library and the gateway in a folder of their own, configured with the arguments.
build_apart() {
    "$CMAKE" -S "$SOURCE" -B "$WORK/${way}_build" -G "${GENERATOR:-Ninja}" -DCMAKE_BUILD_TYPE="$CONFIG" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DREALM_INGEST_CARGO_TARGET_DIR="$CARGO_TARGET_DIR" \
        -DREALM_INGEST_BUILD_TESTS=OFF -DREALM_INGEST_BUILD_EXAMPLES=OFF "$@"
    "$CMAKE" --build "$WORK/${way}_build"
}

# Makes packages of what build_apart has built, and unpacks Debian's.
make_packages() {
    local package
    rm -rf "$WORK/deb_packages" "$WORK/deb_unpacked"
    # Compressed as fast as can be, of a commit of 2023.
    SOURCE_DATE_EPOCH=1700000000 "$CPACK" --config "$WORK/deb_build/CPackConfig.cmake" -B "$WORK/deb_packages" \
        -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip >"$WORK/deb.log"
    for package in "$WORK"/deb_packages/*.deb; do
        dpkg-deb -x "$package" "$WORK/deb_unpacked"
    done
}

# Has the packages, unpacked in $1, be what they should.
check_packages() {
    local made package packages=$WORK/deb_packages
    local -x TZ=UTC
    made=$(cd "$packages" && ls -d ./*.deb | sed 's/_.*//' | LC_ALL=C sort)
    [ "$made" = $'./librealm-ingest-dev\n./librealm-ingest0\n./realm-ingest-gateway' ] ||
        fail "other packages than there should be: $made"
    # Who builds again gets the same bytes: nothing is of the time or the user.
    for package in "$packages"/*.deb; do
        if { ar tv "$package" && dpkg-deb -c "$package" && dpkg-deb --ctrl-tarfile "$package" | tar -tv; } |
            grep -v -E '(root/root|0/0) .* (2023-11-14 22:13|Nov 14 22:13 2023) '; then
            fail "the files above of $package are of the time or the user that they were packed at"
        fi
    done
    dpkg-deb -f "$packages"/librealm-ingest-dev_*.deb Depends | grep -q '^librealm-ingest0 (= ' ||
        fail "headers of one release go with a library of another"
    dpkg-deb -f "$packages"/librealm-ingest0_*.deb Depends | grep -q 'libc6 (>= ' || fail "the library needs nothing"
    dpkg-deb -I "$packages"/realm-ingest-gateway_*.deb conffiles | grep -q '^/etc/realm-ingest/gateway.env$' ||
        fail "an upgrade would replace the settings"
    grep -q '^  rusqlite [0-9]' "$1"/usr/share/doc/{librealm-ingest0,realm-ingest-gateway}/copyright || fail "licences of libraries are missing"
    [ "$(stat -c %a "$1/etc/realm-ingest/gateway.env")" = 600 ] || fail "everybody could read the settings"
    (cd "$1" && LC_ALL=C find . -type f -path '*realm-ingest-gateway*' | grep -v 'man1/realm-ingest-gateway-' | LC_ALL=C sort) |
        diff "$SOURCE/tests/package/gateway_package_files" - || fail "the gateway's package has other files than it should"
    if grep -rIl -e "$BUILD" -e "$SOURCE" "$1"; then
        fail "the files above name a folder of the build"
    fi
}

# Has the completions for bash in file $1 name what can follow `serve --metrics-l`.
completes() (
    # shellcheck disable=SC1090
    source "$1"
    COMP_WORDS=(realm-ingest-gateway serve --metrics-l) COMP_CWORD=2 COMPREPLY=()
    "$(complete -p realm-ingest-gateway | sed 's/.*-F \([^ ]*\).*/\1/')" realm-ingest-gateway --metrics-l serve
    [ "${COMPREPLY[*]}" = --metrics-listen ] || fail "completions do not know --metrics-listen"
)

# Installs build folder $1, then moves the tree: nothing in it may remember where it was.
install_and_move() {
    rm -rf "$WORK/before" "$2"
    "$CMAKE" --install "$1" --prefix "$WORK/before" --config "$CONFIG" >"$WORK/$way.log"
    mv "$WORK/before" "$2"
    if grep -rIl -e "$BUILD" -e "$SOURCE" -e "$WORK" "$2"; then
        fail "the files above name a folder of the build"
    fi
    "$2/bin/realm-ingest-gateway" --version | grep -q '^realm-ingest-gateway [0-9]' || fail "no gateway"
    "$CMAKE" --install "$1" --prefix "$WORK/server" --config "$CONFIG" --component gateway >>"$WORK/$way.log"
    # Each command has a page, of which one stands for all.
    (cd "$WORK/server" && find . -type f | sed 's|/realm-ingest-gateway-[^/]*\.1$|/realm-ingest-gateway-serve.1|' |
        LC_ALL=C sort -u) |
        diff "$SOURCE/tests/package/gateway_files" - || fail "a server gets other files than it should"
    grep -q 'metrics.*listen' "$WORK/server/share/man/man1/realm-ingest-gateway-serve.1" || fail "a page without options"
    completes "$WORK/server/share/bash-completion/completions/realm-ingest-gateway"
    rm -r "$WORK/server"
    grep -q '^  rusqlite [0-9]' "$2/share/doc/realm-ingest/third-party-licenses.txt" || fail "licences of libraries are missing"
    if readelf -d "$2"/lib*/*.so "$2"/lib*/*/*.so 2>/dev/null | grep -E 'R(UN)?PATH'; then
        fail "the library carries a run path"
    fi
}

prefix=$WORK/${way##*_}
case $way in
install_shared)
    install_and_move "$BUILD" "$prefix"
    ;;
install_static)
    build_apart -DREALM_INGEST_SHARED=OFF
    install_and_move "$WORK/${way}_build" "$prefix"
    ;;
deb)
    # As packages are built: with the folders that Debian's own have.
    build_apart -DCMAKE_INSTALL_PREFIX=/usr
    make_packages
    unpacked=$WORK/deb_unpacked
    check_packages "$unpacked"
    GATEWAY=$unpacked/usr/bin/realm-ingest-gateway
    plain "$unpacked/usr"
    stranger -DCMAKE_PREFIX_PATH="$unpacked/usr" -DFIND_BY=find_package
    ;;
archive)
    # Of the build that tests have, which is installed where every system looks; linked into programs.
    unpacked=$WORK/archive_unpacked
    rm -rf "$WORK/archive_packages" "$unpacked"
    "$CPACK" --config "$BUILD/CPackConfig.cmake" -C "$CONFIG" -B "$WORK/archive_packages" >"$WORK/archive.log"
    mkdir "$unpacked"
    tar -xzf "$WORK"/archive_packages/realm-ingest-*.tar.gz --strip-components=1 -C "$unpacked"
    [ -e "$unpacked/lib/librealm_ingest.so" ] || fail "no shared library"
    GATEWAY=$unpacked/bin/realm-ingest-gateway
    stranger -DCMAKE_PREFIX_PATH="$unpacked" -DFIND_BY=find_package -DRealmIngest_USE_STATIC_LIBS=ON
    if readelf -d "$WORK/archive/stranger" | grep -q 'NEEDED.*realm_ingest'; then
        fail "a program that asked for the archive needs the shared library"
    fi
    ;;
find_package_*)
    stranger -DCMAKE_PREFIX_PATH="$prefix" -DFIND_BY=find_package
    ;;
add_subdirectory)
    stranger -DFIND_BY=add_subdirectory -DREALM_INGEST_SOURCE_DIR="$SOURCE" \
        -DREALM_INGEST_CARGO_TARGET_DIR="$CARGO_TARGET_DIR"
    ;;
fetch_content)
    # With CMake's default generator, as strangers do.
    GENERATOR="Unix Makefiles" stranger -DFIND_BY=FetchContent -DFETCHCONTENT_SOURCE_DIR_CPPREALM="$SOURCE" \
        -DREALM_INGEST_CARGO_TARGET_DIR="$CARGO_TARGET_DIR"
    ;;
pkg_config_*)
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name cpprealm.pc)")
    export PKG_CONFIG_PATH
    compile_stranger "$(pkg-config --cflags --libs cpprealm)" "$(pkg-config --cflags --libs realm-ingest)"
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir realm-ingest) run_stranger "$WORK/$way"
    ;;
plain_*)
    plain "$prefix"
    # Beside a header of cxx's own that another library may bring.
    for first in cpprealm/sdk.hpp rust/cxx.h; do
        printf '#include <%s>\n' "$first" cpprealm/sdk.hpp rust/cxx.h >"$WORK/$way/both.cpp"
        "$CXX" -std=c++17 -fsyntax-only -I "$prefix/include" -I "$CARGO_TARGET_DIR/cxxbridge" "$WORK/$way/both.cpp"
    done
    ;;
exports)
    # The C ABI and the bridge, and nothing of the libraries inside.
    library=$(find "$WORK/shared" -name librealm_ingest.so)
    exported=$(nm -D --defined-only "$library" | awk '{print $3}' | c++filt)
    if grep -v -E '^(realm_ingest_|cxxbridge1\$|realm\$internal\$ffi\$|.*realm::internal::ffi::|.*rust::cxxbridge1::)' <<<"$exported"; then
        fail "the symbols above should be hidden"
    fi
    grep -q '^realm_ingest_version' <<<"$exported" || fail "the C ABI is not exported"
    readelf -d "$library" | grep -q 'SONAME.*librealm_ingest\.so\.[0-9]*\]' || fail "no soname with a major version"
    ;;
system_libraries)
    # What CMake links is what rustc says the archive needs.
    needed=$(cd "$SOURCE" && "$CARGO" rustc --package realm-ingest --lib --crate-type staticlib \
        -- --print native-static-libs 2>&1 | sed -n 's/.*native-static-libs: //p')
    [ -n "$needed" ] || fail "rustc named no libraries"
    sed -n 's/^set(REALM_INGEST_SYSTEM_LIBRARIES \(.*\))/\1/p' "$SOURCE/cpp/cmake/Library.cmake" | tr ' ' '\n' |
        sort -u >"$WORK/linked"
    tr ' ' '\n' <<<"$needed" | sed 's/^-l//' | grep -v '^c$' | sort -u >"$WORK/needed"
    diff "$WORK/linked" "$WORK/needed"
    ;;
*) fail "no such test" ;;
esac
