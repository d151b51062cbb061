#!/usr/bin/env bash
# All figures of one run, each beside its floor.
#
#     scripts/bench.sh GATEWAY_BINARY BENCH_BINARY FLOOR_BINARY DOORS_BINARY BACKLOG_BINARY WORK_DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
gateway=$(realpath "$1") bench=$2 floor=$3 doors=$(realpath "$4") backlog=$(realpath "$5") work=$6

rm -rf "$work"
mkdir -p "$work"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null || true' EXIT
await_line() { # file, words
    for _ in $(seq 100); do
        grep -q "$2" "$1" 2>/dev/null && return
        sleep 0.1
    done
    echo "bench: nothing in $1 says '$2'" >&2
    exit 1
}

echo "floor: bare SQLite inserts"
"$floor" "$work/floor.sqlite" >"$work/sqlite-floor"
rm -f "$work"/floor.sqlite*

"$gateway" serve --dev --listen 127.0.0.1:0 --data "$work/gateway" >"$work/gateway.out" 2>"$work/gateway.log" &
pids+=($!)
await_line "$work/gateway.out" 'listening on'
port=$(sed -n 's/.*listening on http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/gateway.out")
python3 "$root/scripts/wire_counter.py" "$port" "$work/wire.json" >"$work/relay.out" &
pids+=($!)
await_line "$work/relay.out" 'relaying on'

REALM_INGEST_URL="http://127.0.0.1:$(sed -n 's/relaying on //p' "$work/relay.out")" \
    "$bench" "$root/examples/data/seattle-weather-hourly.csv" "$work/wire.json" "$work"

echo
(cd "$work" && "$doors" "$gateway")

echo
(cd "$work" && "$backlog")

echo
echo "into the gateway"
(cd "$work" && BACKLOG_URL="http://127.0.0.1:$port" BACKLOG_MEGABYTES=100 BACKLOG_TRANSACTIONS=800000 "$backlog")
