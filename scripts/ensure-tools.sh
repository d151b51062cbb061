#!/usr/bin/env bash
# Sees to the tools that building and testing need: as root on Debian it installs what is missing, otherwise it says
# what to install. Rust it installs for everybody.
#
#     scripts/ensure-tools.sh [build|docs|check|test]  `build` leaves out what only tests use, and `check` goes on without what
#                                                      the MongoDB server for tests is built with; `docs` is `build`, and what
#                                                      makes the documentation
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
purpose=${1:-test}
docs="doxygen python3-sphinx python3-myst-parser"

# Whether the MongoDB server for tests is there, or cannot be built anyway; `scripts/mongodb.sh` says then what else serves.
builds_no_mongodb() {
    [ "$(id -u)" != 0 ] || "$root/scripts/mongodb.sh" built
}

# Whether a Debian package's purpose is served, however it came here.
has() {
    case $1 in
    cmake) command -v cmake ;;
    ninja-build) command -v ninja ;;
    g++) command -v g++ && command -v gcc ;;
    clang) command -v clang++ ;;
    clang-format) command -v clang-format ;;
    libgtest-dev) [ -e /usr/include/gtest/gtest.h ] || [ -e /usr/local/include/gtest/gtest.h ] ;;
    python3) command -v python3 ;;
    python3-venv) python3 -c 'import ensurepip' ;;
    mono-mcs) command -v mcs ;;
    mono-runtime) command -v mono ;;
    python3-bson) /usr/bin/python3 -c 'import bson; bson.Int64' ;;
    python3-pymongo) /usr/bin/python3 -c 'import pymongo' ;;
    python3-yaml) /usr/bin/python3 -c 'import yaml' ;;
    python3-cffi) /usr/bin/python3 -c 'import cffi' ;;
    nginx) command -v nginx || [ -x /usr/sbin/nginx ] ;;
    systemd) command -v systemd-analyze ;;
    pkg-config) command -v pkg-config ;;
    zstd) command -v zstd ;;
    nodejs) command -v node ;;
    npm) command -v npm ;;
    default-jdk-headless) command -v javac ;;
    maven) command -v mvn ;;
    curl) command -v curl ;;
    ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] ;;
    mmdebstrap) [ "$(id -u)" != 0 ] || command -v mmdebstrap ;;
    dpkg-dev) command -v dpkg-shlibdeps ;;
    file) command -v file ;;
    doxygen) command -v doxygen ;;
    python3-sphinx) /usr/bin/python3 -c 'import sphinx' ;;
    python3-myst-parser) /usr/bin/python3 -c 'import myst_parser' ;;
    util-linux) [ "$(id -u)" != 0 ] || { command -v unshare && command -v flock; } ;;
    esac >/dev/null 2>&1
}

packages="cmake ninja-build g++ python3 curl ca-certificates"
if [ "$purpose" = docs ]; then
    packages="$packages $docs"
    purpose=build
fi
if [ "$purpose" != build ]; then
    packages="$packages clang clang-format libgtest-dev python3-bson pkg-config zstd nodejs npm mmdebstrap util-linux"
    packages="$packages nginx python3-pymongo python3-yaml python3-cffi systemd default-jdk-headless maven dpkg-dev file"
    packages="$packages python3-venv mono-mcs mono-runtime"
    packages="$packages $docs"
fi
missing=
for package in $packages; do
    has "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing:$missing"
        apt-get update -qq
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
        # Tests start one of their own.
        case $missing in *nginx*) systemctl disable --now nginx >/dev/null 2>&1 || true ;; esac
    else
        echo "Some tools are missing. As root on Debian: apt-get install$missing" >&2
        exit 1
    fi
fi

# Debian has it in the package of a server, which would be started: 19 MB, of which this one program is taken.
get_promtool() {
    local directory got=1
    directory=$(mktemp -d) || return 1
    (cd "$directory" && apt-get download -qq prometheus &&
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool &&
        install -m 755 usr/bin/promtool /usr/local/bin/promtool) && got=0
    rm -r "$directory"
    return $got
}

# The alerts are checked where it is.
if [ "$purpose" != build ] && ! command -v promtool >/dev/null && [ "$(id -u)" = 0 ] &&
    command -v apt-get dpkg-deb >/dev/null; then
    echo "installing: promtool"
    get_promtool 2>/dev/null || { apt-get update -qq && get_promtool; } || echo "promtool cannot be had; alerts are not checked" >&2
fi

"$root/scripts/ensure-rust.sh" "$purpose"

# Go, for its binding and for the MongoDB server: Debian's when it is new enough.
has_go() {
    (cd "$root/tests/mongodb" && go list -m) >/dev/null 2>&1
}
if [ "$purpose" != build ] && ! has_go && { [ "$purpose" = test ] || ! builds_no_mongodb; }; then
    wanted=$(sed -n 's/^go //p' "$root/tests/mongodb/go.mod")
    missing="Go $wanted or later is missing, for its binding and the MongoDB server of the tests: install it"
    candidate=
    if [ "$purpose" = test ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        candidate=$(apt-cache policy golang-go | sed -n 's/^ *Candidate: \([0-9]*:\)\?//p')
    fi
    if [ "$purpose" = check ]; then
        echo "$missing. What does not need it is checked" >&2
    elif [ -n "$candidate" ] && dpkg --compare-versions "$candidate" ge "$wanted"; then
        echo "installing: golang-go"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go
    else
        echo "$missing" >&2
        exit 1
    fi
fi
