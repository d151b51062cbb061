#!/usr/bin/env bash
# What the least program that streams weighs, stripped, with everything linked in but the C library; beside one that prints a line.
#
#     scripts/bench-size.sh ARCHIVE WORK_DIR INCLUDE_DIR ...
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
archive=$1 work=$2
shift 2
mkdir -p "$work"

weigh() { # label, source, options of the compiler and linker
    g++ -std=c++17 -O2 -ffunction-sections -fdata-sections "$2" "${@:3}" -static-libstdc++ -static-libgcc -Wl,--gc-sections \
        -lpthread -ldl -lm -o "$work/weighed"
    strip "$work/weighed"
    printf '  %-42s %5s MB\n' "$1" "$(stat -c %s "$work/weighed" | numfmt --to-unit=1000000 --format=%.2f)"
}

echo "size of a program"
weigh "that prints a line (floor)" "$root/bench/size/floor.cpp"
weigh "that streams" "$root/bench/size/hello.cpp" "${@/#/-I}" "$archive"
weigh "... relative relocations packed" "$root/bench/size/hello.cpp" "${@/#/-I}" "$archive" -Wl,-z,pack-relative-relocs
weigh "... and without iostream" "$root/bench/size/hello.cpp" "${@/#/-I}" "$archive" -Wl,-z,pack-relative-relocs \
    -DREALM_INGEST_NO_IOSTREAM
