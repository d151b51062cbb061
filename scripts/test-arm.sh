#!/usr/bin/env bash
# The library on ARM: cross-built for arm64 and armhf in a Debian root of its own, then the examples in C++ and C run there
# on an emulated processor (qemu-user), and stream into a gateway of this machine, which must hold their documents. So do some
# tests of the headers and of the C ABI (tests/arm/CMakeLists.txt).
#
#     scripts/test-arm.sh GATEWAY [ARCHITECTURE...]   GATEWAY is a program within this tree
#
# Needs root on Debian, mmdebstrap and unshare. The root is made once for this user: three minutes, 2.2 GB in
# ~/.cache/realm-ingest. A build from nothing takes some minutes an architecture, in build/arm.
set -euo pipefail
sources=$(cd "$(dirname "$0")/.." && pwd)
gateway=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- arm64 armhf

# Counted up when what make_root asks for changes.
root=${XDG_CACHE_HOME:-$HOME/.cache}/realm-ingest/arm-1
release=forky
observations=examples/data/seattle-weather-hourly.csv

say() { echo "test-arm: $* ($SECONDS s)"; }

[ "$(id -u)" = 0 ] || {
    echo "test-arm: making a Debian root, and mounting in it, needs root" >&2
    exit 1
}
[ "${gateway#"$sources"/}" != "$gateway" ] || {
    echo "test-arm: $gateway is not within $sources, where the emulated machine could see it" >&2
    exit 1
}

make_root() {
    local tool packages=rustc,cargo,cmake,ninja-build,qemu-user
    for tool in mmdebstrap unshare; do
        command -v "$tool" >/dev/null || {
            echo "test-arm: $tool is missing: apt-get install mmdebstrap util-linux" >&2
            exit 1
        }
    done
    packages+=,libstd-rust-dev:arm64,g++-aarch64-linux-gnu,libstdc++6:arm64,libgtest-dev:arm64
    packages+=,libstd-rust-dev:armhf,g++-arm-linux-gnueabihf,libstdc++6:armhf,libgtest-dev:armhf
    say "making a Debian $release with Rust, cross compilers and qemu: three minutes, 2.2 GB"
    "$sources/scripts/debian-root.sh" "$root" "$release" "$packages" --architectures=amd64,arm64,armhf --skip=output/dev \
        --dpkgopt='path-exclude=/usr/bin/qemu-*' --dpkgopt='path-include=/usr/bin/qemu-arm*' \
        --dpkgopt='path-include=/usr/bin/qemu-aarch64'
}

inside() { "$sources/tests/arm/inside.sh" "$root" "$sources" "$@"; }

build() { # architecture
    say "building for $1"
    inside cmake -S /src/tests/arm -B "/src/build/arm/$1" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_TOOLCHAIN_FILE="/src/cpp/cmake/toolchains/$1-linux-gnu.cmake" \
        -DCMAKE_CROSSCOMPILING_EMULATOR="/usr/bin/qemu-$1" -DGATEWAY="/src/${gateway#"$sources"/}" \
        -DREALM_INGEST_CARGO_TARGET_DIR=/src/build/arm/cargo
    inside cmake --build "/src/build/arm/$1"
}

# Runs an example against a gateway that must hold its documents afterwards.
run_example() { # architecture, what the gateway must hold, example, its arguments
    local emulator=/usr/bin/qemu-$1 held=$2 program=/src/build/arm/$1/realm-ingest/examples/$3
    shift 3
    # shellcheck disable=SC2086
    python3 "$sources/tests/with_gateway.py" $held "$gateway" \
        "$sources/tests/arm/inside.sh" "$root" "$sources" "$emulator" "$program" "$@"
}

[ -e "$root" ] || make_root
mkdir -p "$root/src" "$root/work" "$root/root/.cargo/registry"
# Crates come from this machine's folder of them: the root has no network of its own.
(cd "$sources" && cargo fetch --locked)
for architecture in "$@"; do
    build "$architecture"
    say "running on an emulated $architecture"
    run_example "$architecture" "--find WeatherSensorReading=1" quickstart
    run_example "$architecture" "--observations $sources/$observations" weather_station_c "/src/$observations"
    inside ctest --test-dir "/src/build/arm/$architecture" --output-on-failure
done
say "the examples streamed from: $*"
