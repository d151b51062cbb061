#!/usr/bin/env bash
# What is checked without running anything: formats, and clippy with warnings denied.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
git ls-files '*.cpp' '*.hpp' '*.h' '*.c' | grep -v '^include/realm_ingest\.h$' |
    xargs clang-format --dry-run --Werror
cargo clippy --workspace --all-targets -- -D warnings
