#!/usr/bin/env bash
# Formats all Rust and C++.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all
git ls-files '*.cpp' '*.hpp' '*.h' '*.c' | grep -v '^include/realm_ingest\.h$' | xargs clang-format -i
