#!/usr/bin/env bash
# Makes everything of a release from the commit that is checked out, in OUT: the source archive, Debian packages, the archive of
# what is installed, the wheel for Python, what they are made of (CycloneDX) and under which licences, what they were built with, and
# SHA256SUMS.
#
#     scripts/release.sh OUT "Your Name <you@example.com>"
#
# Who builds the same commit with the same tools gets the same bytes, in whatever folder, whenever and as whomever: times are the
# commit's, folders have other names inside, libraries are those of Cargo.lock. scripts/release-twice.sh shows it. Needs
# scripts/ensure-tools.sh, and these tools, of which the first and the third leave their mark:
#
#     cargo install --locked cargo-cyclonedx@0.5.9 cargo-deny@0.20.2
#     python3 -m pip install maturin==1.16.0 cffi
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# For another version of either, say so here and above.
cyclonedx=0.5.9 maturin=1.16.0

fail() {
    echo "release: $*" >&2
    exit 1
}
step() { echo "== $* ($((SECONDS / 60)) min)"; }

[ $# = 2 ] || fail "needs a folder to make, and who answers for the packages: scripts/release.sh OUT 'Your Name <you@example.com>'"
out=$1 contact=$2
version=$(sed -n '/^\[workspace\.package\]/,/^$/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
name=realm-ingest-$version

[ -z "$(git -C "$root" status --porcelain)" ] || fail "there are changes that are not committed"
[ ! -e "$out" ] || fail "$out is there already"
[ "$(cargo cyclonedx --version 2>&1)" = "cargo-cyclonedx-cyclonedx $cyclonedx" ] ||
    fail "cargo-cyclonedx $cyclonedx is missing: cargo install --locked cargo-cyclonedx@$cyclonedx"
cargo deny --version >/dev/null || fail "cargo-deny is missing: cargo install --locked cargo-deny@0.20.2"
[ "$(maturin --version 2>&1)" = "maturin $maturin" ] || fail "maturin $maturin is missing: python3 -m pip install maturin==$maturin cffi"
mkdir -p "$out/build"
out=$(cd "$out" && pwd -P)
cargo_home=$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)
# Options for compilers are parted by spaces, and cannot be quoted.
case $out$cargo_home in *[[:space:]]*) fail "no folder may have a space in its name: $out, $cargo_home" ;; esac

SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
# What would get into what is built.
unset CPPFLAGS LDFLAGS LIBSQLITE3_FLAGS
umask 022

step "$name, of $(git -C "$root" log -1 --format='%h, %cI')"
git -C "$root" -c tar.umask=0022 archive --format=tar --prefix="$name/" HEAD | gzip -9 -n >"$out/$name.tar.gz"
# What is built is what is published.
tar -xzf "$out/$name.tar.gz" -C "$out/build"
source=$out/build/$name
cargo fetch --locked --manifest-path "$source/Cargo.toml"
# What deny.toml says of advisories is asked by `make deny`: they are of the day, not of the commit.
cargo deny --offline --locked --manifest-path "$source/Cargo.toml" --log-level error check licenses bans sources

# Where things lie on this machine stays out of what is built.
export CARGO_TARGET_DIR=$out/build/target CARGO_INCREMENTAL=0
flags=() maps=
for folder in "$source=/src" "$CARGO_TARGET_DIR=/target" "$cargo_home=/cargo" "$(rustc --print sysroot)=/rust"; do
    flags+=("--remap-path-prefix=$folder")
    maps="$maps -ffile-prefix-map=$folder"
done
# cargo splits them at 0x1f.
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS CFLAGS=$maps CXXFLAGS=$maps

step "building"
cd "$source"
for preset in packages archive; do
    cmake --preset "$preset" -DCPACK_PACKAGE_CONTACT="$contact"
    cmake --build --preset "$preset"
done
# CPack takes as the installed size what folders are on this disk, and links for what they lead to.
for package in build/packages/*.deb; do
    dpkg-deb --raw-extract "$package" build/unpacked
    size=$(find build/unpacked -path build/unpacked/DEBIAN -prune -o -type f -printf '%s\n' -o -printf '1\n' |
        awk '{ kilobytes += int(($1 + 1023) / 1024) } END { print kilobytes }')
    sed -i "s/^Installed-Size: .*/Installed-Size: $size/" build/unpacked/DEBIAN/control
    dpkg-deb --root-owner-group -Zgzip -z9 --build build/unpacked "$out/$(basename "$package")" >/dev/null
    rm -r build/unpacked
done
# CPack has them in the order of the folder on this disk, and as those of the user who builds.
for archive in build/archive/*.tar.gz; do
    mkdir build/unpacked
    tar -xzf "$archive" -C build/unpacked
    tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C build/unpacked \
        "$(basename "$archive" .tar.gz)" | gzip -9 -n >"$out/$(basename "$archive")"
    rm -r build/unpacked
done
step "building the wheel"
maturin build --locked --strip --manifest-path bindings/python/Cargo.toml --out "$out"

step "what it is made of"
for part in library:Cargo.toml gateway:gateway/Cargo.toml; do
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --manifest-path "${part#*:}" \
        --target "$(rustc -vV | sed -n 's/^host: //p')" --override-filename "${part%%:*}"
    # Our own packages are named by their folders.
    sed "s|file://$source|file:///src|g" "$(dirname "${part#*:}")/${part%%:*}.json" >"$out/$name-${part%%:*}.cdx.json"
    cp "packaging/licenses/${part%%:*}.txt" "$out/$name-${part%%:*}-licenses.txt"
done
# Who gets other bytes looks here first.
for tool in rustc cargo cc c++ ld cmake strip gzip dpkg-deb; do
    "$tool" --version | sed "1!d;s/^/$tool: /"
done >"$out/$name-built-with.txt"

(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >SHA256SUMS)
rm -rf "$out/build"
step "made"
cat "$out/SHA256SUMS"
