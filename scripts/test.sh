#!/usr/bin/env bash
# All tests: lints, cargo's, and ctest's in the presets dev and asan.
set -euo pipefail
cd "$(dirname "$0")/.."

# Says what begins, and how long what ended took.
step() {
    echo
    echo "== $* ($((SECONDS / 60)) min so far)"
    "$@"
}

# Some of cargo's tests need it; where it is not there yet, it comes while others have the processor.
# A process group of its own, so that all of it ends with this script.
set -m
scripts/mongodb.sh build </dev/null &
mongodb=$!
# So does the Debian that packages are tried in; its own test waits for it, and says what went wrong.
[ "$(id -u)" != 0 ] || tests/package/clean_root.sh make </dev/null >/dev/null 2>&1 &
clean_root=$!
set +m
trap 'kill -- "-$mongodb" "-$clean_root" 2>/dev/null || true' EXIT
step scripts/lint.sh formats
step scripts/docs.sh
step wait "$mongodb" || {
    echo "the MongoDB server for tests could not be built; scripts/mongodb.sh build says why" >&2
    exit 1
}
trap 'kill -- "-$clean_root" 2>/dev/null || true' EXIT
# Clippy is the compiler of what is tested, as `cargo clippy -- -D warnings` would call it: nothing is compiled once more to
# be linted.
step env RUSTC_WORKSPACE_WRAPPER=clippy-driver \
    CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ cargo test --workspace --quiet
for preset in dev asan; do
    step cmake --preset "$preset"
    step cmake --build --preset "$preset"
    step ctest --preset "$preset"
done
echo
echo "all tests passed in $((SECONDS / 60)) min"
