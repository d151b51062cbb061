#!/usr/bin/env bash
# What is checked without running anything: formats, and clippy with warnings denied.
#
#     scripts/lint.sh [formats]  `formats` leaves out clippy, for those who compile with it anyway
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
# The generated header, and the program that must compile as it was, are not ours to format.
git ls-files '*.cpp' '*.hpp' '*.h' '*.c' | grep -v -e '^include/realm_ingest\.h$' -e '^tests/cpp/program_7_3\.cpp$' |
    xargs clang-format --dry-run --Werror
if command -v promtool >/dev/null; then
    promtool check config packaging/monitoring/prometheus.yml
    promtool test rules packaging/monitoring/alerts_test.yml
else
    echo "promtool is not installed (scripts/ensure-tools.sh): alerts are not checked" >&2
fi
[ "${1:-}" = formats ] || cargo clippy --workspace --all-targets -- -D warnings
