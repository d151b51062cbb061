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
scripts/mongodb.sh build &
mongodb=$!
step scripts/lint.sh
step wait "$mongodb"
step cargo test --workspace --quiet
for preset in dev asan; do
    step cmake --preset "$preset"
    step cmake --build --preset "$preset"
    step ctest --preset "$preset"
done
echo
echo "all tests passed in $((SECONDS / 60)) min"
