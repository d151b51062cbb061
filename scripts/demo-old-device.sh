#!/usr/bin/env bash
# An application with a Realm SDK as it was shipped, and one with this project's library, stream the same observations to one
# gateway at the same time; then what arrived is compared with what they wrote.
#
#     scripts/demo-old-device.sh GATEWAY_BINARY STATION_BINARY DRIVER WORK_DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
gateway=$(realpath "$1") station=$(realpath "$2") driver=$(realpath "$3") work=$(realpath -m "$4")
observations=$root/examples/data/seattle-weather-hourly.csv

rm -rf "$work"
mkdir -p "$work/new"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
indented() { sed 's/^/   /'; }
fail() {
    printf '%s\n' "demo: $*" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null || true' EXIT
SECONDS=0

say "1. A gateway, with nothing configured"
"$gateway" serve --dev --listen 127.0.0.1:0 --data "$work/gateway" >"$work/gateway.out" 2>"$work/gateway.log" &
pids+=($!)
until grep -q 'listening on' "$work/gateway.out"; do
    [ "$SECONDS" -lt 20 ] || fail "the gateway did not start"
    sleep 0.1
done
url=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$work/gateway.out")
url=${url%/}
indented <"$work/gateway.out"

say "2. The old device: realm-core 14.12.0 as Realm shipped it, and an application that was never changed, stream half a year"
old() { /usr/bin/python3 "$root/tests/device_sync/weather_station.py" "$driver" "$url" "$work/$1" "$observations" "${@:2}"; }
old old --days 182 2>"$work/old.log" | indented || fail "the old device failed"
"$gateway" find WeatherSensorReading --limit 2 --data "$work/gateway" | indented

say "3. Side by side: another old device and a new one stream the same year, so that each observation is sent twice or more"
old second 2>"$work/second.log" >"$work/second.out" &
second=$!
pids+=("$second")
(cd "$work/new" && exec env REALM_INGEST_URL="$url" "$station" "$observations") >"$work/new.log" 2>&1 ||
    fail "the new device failed"
wait "$second" || fail "the old device failed"
echo "   old: $(tail -n 1 "$work/second.out"); new: $(tail -n 1 "$work/new.log")"

say "4. What the gateway says of them"
"$gateway" outboxes --data "$work/gateway" | indented
"$gateway" clients --data "$work/gateway" | indented
"$gateway" stats --data "$work/gateway" | indented

say "5. The proof"
"$gateway" export WeatherSensorReading --data "$work/gateway" |
    python3 "$root/scripts/demo_compare.py" "$observations" | indented
refused=$("$gateway" dead-letters --data "$work/gateway" | wc -l)
[ "$refused" = 0 ] || fail "$refused documents are refused: the doors do not make the same documents of the same objects"
say "One document of each observation, whoever sent it first: the devices' documents are equal to the byte ($SECONDS seconds)."
