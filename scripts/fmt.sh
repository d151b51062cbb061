#!/usr/bin/env bash
# Formats all Rust and C++.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all
git ls-files '*.cpp' '*.hpp' '*.h' '*.c' | grep -v -e '^include/realm_ingest\.h$' -e '^tests/cpp/program_7_3\.cpp$' | xargs clang-format -i
