#!/usr/bin/env bash
# Fuzzes every parser that meets the network or a file, one after another, each for FUZZ_SECONDS (60). Ends with 1 when
# something was found, and says where it lies. What `fuzz/targets` says must hold is also tested, on the inputs that are
# kept, by `cargo test`.
#
#     scripts/fuzz.sh [target ...]              all targets when none is named
#     scripts/fuzz.sh -r <target> <input>       one input, to reproduce a finding
#     scripts/fuzz.sh -m [target ...]           the kept inputs and those found, to the fewest that reach as much
#
# libFuzzer needs instrumented code and no nightly compiler: the passes are in every one.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
seconds=${FUZZ_SECONDS:-60}
# Found on the way; kept between runs, not in the tree.
found=target/fuzz/corpus
host=$(rustc -vV | sed -n 's/^host: //p')

build() {
    local flags="--cfg fuzzing -Cpasses=sancov-module"
    local option
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
    done
    # For a platform that is named: then build scripts are not instrumented.
    RUSTFLAGS="$flags -Ccodegen-units=1" cargo build --locked --manifest-path fuzz/Cargo.toml --release --target "$host" --target-dir target/fuzz \
        "${@/#/--bin=}"
}

binary() {
    echo "target/fuzz/$host/release/$1"
}

mode=run
while getopts rm option; do
    case $option in
    r) mode=reproduce ;;
    m) mode=minimise ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

if [ "$mode" = reproduce ]; then
    build "$1"
    RUST_BACKTRACE=1 exec "$(binary "$1")" "$2"
fi

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs)
build "${targets[@]}"

if [ "$mode" = minimise ]; then
    for target in "${targets[@]}"; do
        rm -rf "$found/$target.least"
        mkdir -p "$found/$target" "$found/$target.least"
        "$(binary "$target")" -set_cover_merge=1 -use_counters=0 \
            "$found/$target.least" "fuzz/corpus/$target" "$found/$target" 2>&1 | tail -n 1
        rm -rf "fuzz/corpus/$target"
        mv "$found/$target.least" "fuzz/corpus/$target"
    done
    du -sh fuzz/corpus
    exit
fi

failed=0
for target in "${targets[@]}"; do
    log=target/fuzz/$target.log
    mkdir -p "$found/$target" "fuzz/crashes/$target"
    echo "== $target, $seconds s"
    # The first folder takes what is found.
    if "$(binary "$target")" "$found/$target" "fuzz/corpus/$target" "fuzz/crashes/$target" \
        -dict=fuzz/dictionary -artifact_prefix="fuzz/crashes/$target/" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 >"$log" 2>&1; then
        grep -E '^#[0-9]+.*cov: ' "$log" | tail -n 1
    else
        failed=1
        grep -E 'panicked at|ERROR|Test unit written' -A 1 "$log" || tail -n 20 "$log"
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "FOUND: $input (all of it in $log)"
        echo "to reproduce: scripts/fuzz.sh -r $target $input"
    fi
    rmdir --ignore-fail-on-non-empty "fuzz/crashes/$target"
done
exit $failed
