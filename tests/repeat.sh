#!/usr/bin/env bash
# Runs a command so many times, each in a temporary folder of its own; fails with the first run that does.
#
#     repeat.sh TIMES COMMAND [ARGUMENT...]
set -euo pipefail
times=$1
shift
for run in $(seq "$times"); do
    folder=$(mktemp -d)
    status=0
    TMPDIR=$folder "$@" || status=$?
    rm -rf "$folder"
    if [ "$status" != 0 ]; then
        echo "run $run of $times ended with status $status" >&2
        exit "$status"
    fi
done
