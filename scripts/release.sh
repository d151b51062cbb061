#!/usr/bin/env bash
# Makes everything of a release from the commit that is checked out, in OUT: the source archive, Debian packages, the archive of
# what is installed, what both are made of (CycloneDX) and under which licences, and SHA256SUMS.
#
# Who builds the same commit with the same compilers should get the same bytes, in whatever folder: times are the commit's, folders
# have other names inside, libraries are those of Cargo.lock. SHA256SUMS tells. Needs cargo-cyclonedx:
#
#     cargo install --locked cargo-cyclonedx@0.5.9
#     scripts/release.sh OUT "Your Name <you@example.com>"
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=$1 contact=$2
version=$(sed -n '/^\[workspace\.package\]/,/^$/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
name=realm-ingest-$version

fail() {
    echo "release: $*" >&2
    exit 1
}
step() { echo "== $* ($((SECONDS / 60)) min)"; }

[ -z "$(git -C "$root" status --porcelain)" ] || fail "there are changes that are not committed"
[ ! -e "$out" ] || fail "$out is there already"
cargo cyclonedx --version >/dev/null || fail "cargo-cyclonedx is missing: cargo install --locked cargo-cyclonedx@0.5.9"
mkdir -p "$out/build"
out=$(cd "$out" && pwd)

SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022

step "$name, of $(git -C "$root" log -1 --format='%h, %cI')"
git -C "$root" archive --format=tar --prefix="$name/" HEAD | gzip -9 -n >"$out/$name.tar.gz"
# What is built is what is published.
tar -xzf "$out/$name.tar.gz" -C "$out/build"
source=$out/build/$name
cargo fetch --locked --manifest-path "$source/Cargo.toml"

# Where things lie on this machine stays out of what is built.
export CARGO_TARGET_DIR=$out/build/target CARGO_INCREMENTAL=0
flags=() maps=
for folder in "$source=/src" "$CARGO_TARGET_DIR=/target" "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$(rustc --print sysroot)=/rust"; do
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
cp build/packages/*.deb build/archive/*.tar.gz "$out"

step "what it is made of"
for part in library:Cargo.toml gateway:gateway/Cargo.toml; do
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --manifest-path "${part#*:}" \
        --target "$(rustc -vV | sed -n 's/^host: //p')" --override-filename "${part%%:*}"
    # Our own packages are named by their folders.
    sed "s|file://$source|file:///src|g" "$(dirname "${part#*:}")/${part%%:*}.json" >"$out/$name-${part%%:*}.cdx.json"
    cp "packaging/licenses/${part%%:*}.txt" "$out/$name-${part%%:*}-licenses.txt"
done

(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >SHA256SUMS)
rm -rf "$out/build"
step "made"
cat "$out/SHA256SUMS"
