#!/usr/bin/env bash
# What the C++ headers cost a compiler, each figure beside that of the standard headers alone.
#
#     scripts/bench-compile.sh ROUNDS INCLUDE_DIR ... [-- COMPILER ...]
#
# The compilers are those of g++ and clang++ that there are, unless some are named. Read the ratios: times are of this machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
rounds=$1
shift

includes=() compilers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    includes+=("-I$1")
    shift
done
if [ $# -gt 1 ]; then
    compilers=("${@:2}")
else
    for name in g++ clang++; do
        command -v "$name" >/dev/null && compilers+=("$name")
    done
fi
[ ${#compilers[@]} -gt 0 ] || {
    echo "bench-compile: there is no g++ or clang++ on the PATH; name a compiler behind --" >&2
    exit 1
}

for compiler in "${compilers[@]}"; do
    python3 "$root/scripts/compile_cost.py" "$rounds" "$root" "$compiler" -O2 -std=c++17 "${includes[@]}"
done
