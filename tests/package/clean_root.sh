#!/usr/bin/env bash
# What a stranger does with the Debian packages, on a machine that has a compiler and nothing of ours: the root is a minimal
# Debian, kept for later runs; what happens in it is in memory. `make` makes it, `try PACKAGES WORK` uses it. As root.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
# The machine's own release: packages are for the C library that they were built with, or a later one.
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# Counted up when the list of packages changes.
root=${XDG_CACHE_HOME:-$HOME/.cache}/realm-ingest/debian-$suite-1
# A developer's tools; what the gateway's package depends on; an interpreter for with_gateway.py.
packages=g++,cmake,ninja-build,pkg-config,systemd-standalone-sysusers,systemd-standalone-tmpfiles,python3-minimal

case $1 in
make) exec "$source/scripts/debian-root.sh" "$root" "$suite" "$packages" ;;
try) ;;
*) exit 2 ;;
esac
data=$(realpath "$3")/clean_root
rm -rf "$data"
mkdir -p "$data/packages" "$data/source/tests/package"
cp "$2"/*.deb "$data/packages"
cp -r "$source/tests/consumer" "$source/tests/with_gateway.py" "$source/tests/repeat.sh" "$data/source/tests"
cp "$source/tests/package/"{stranger.sh,in_clean_root.sh} "$data/source/tests/package"
(cd "$source" && cp -r --parents README.md docs/tutorial.md examples/quickstart.cpp examples/greenhouse tests/docs/page_test.py "$data/source")
mkdir "$data/layer"
exec unshare --mount sh -ec '
    cd "$1"
    mount -t tmpfs tmpfs layer
    mkdir layer/upper layer/work layer/root
    mount -t overlay overlay -o "lowerdir=$2,upperdir=layer/upper,workdir=layer/work" layer/root
    exec "$3/scripts/in-debian-root.sh" layer/root "$1" bash /srv/source/tests/package/in_clean_root.sh' \
    sh "$data" "$root" "$source"
