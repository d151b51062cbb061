#!/usr/bin/env bash
# The main job, shown: a weather station streams a year of hourly observations while the gateway is stopped and the
# station is killed; then what arrived is compared with what was written.
#
#     scripts/demo.sh GATEWAY_BINARY STATION_BINARY WORK_DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
gateway=$(realpath "$1") station=$(realpath "$2") work=$(realpath -m "$3")
observations=$root/examples/data/seattle-weather-hourly.csv
days=365 days_per_second=25 deadline_seconds=100

rm -rf "$work"
mkdir -p "$work/device"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() {
    printf '%s\n' "demo: $*" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

gateway_pid='' relay_pid='' station_pid=''
clean_up() {
    for pid in $station_pid $relay_pid $gateway_pid; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
}
trap clean_up EXIT
SECONDS=0

# Waits until a command succeeds; the whole demo shares one deadline.
await() {
    until "$@" 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline_seconds" ] || fail "waited too long for: $*"
        sleep 0.1
    done
}
start_gateway() { # port
    : >"$work/gateway.out"
    "$gateway" serve --dev --listen "127.0.0.1:$1" --data "$work/gateway" >"$work/gateway.out" 2>>"$work/gateway.log" &
    gateway_pid=$!
    await grep -q 'listening on' "$work/gateway.out"
    port=$(sed -n 's/.*listening on http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/gateway.out")
}
start_station() {
    (cd "$work/device" && exec env REALM_INGEST_URL="http://127.0.0.1:$relay_port" \
        "$station" "$observations" --days-per-second "$days_per_second") >>"$work/station.log" 2>&1 &
    station_pid=$!
}
days_written() { cat "$work/device/weather_station.progress" 2>/dev/null || echo 0; }
await_written() { # days
    until [ "$(days_written)" -ge "$1" ]; do
        kill -0 "$station_pid" 2>/dev/null || [ "$(days_written)" -ge "$1" ] || fail "the station ended early"
        [ "$SECONDS" -lt "$deadline_seconds" ] || fail "waited too long for day $1"
        sleep 0.1
    done
}

say "1. A gateway, with nothing configured"
start_gateway 0
sed 's/^/   /' "$work/gateway.out"
python3 "$root/scripts/wire_counter.py" "$port" "$work/wire.json" >"$work/relay.out" &
relay_pid=$!
await grep -q 'relaying on' "$work/relay.out"
relay_port=$(sed -n 's/relaying on //p' "$work/relay.out")

say "2. A weather station streams $days days of hourly observations, one write a day"
start_station
await_written $((days / 4))
echo "   $(days_written) days written"

say "3. SIGKILL to the station, in the middle of its work, then a new start"
kill -9 "$station_pid"
wait "$station_pid" 2>/dev/null || true
start_station
await_written $((days / 2))
echo "   $(days_written) days written"

say "4. The gateway goes away; the station writes on into its outbox"
kill -TERM "$gateway_pid"
wait "$gateway_pid" 2>/dev/null || true
away_from=$(days_written)
await_written $((away_from + 60))
echo "   $(($(days_written) - away_from)) days written with nobody listening; on the device now:"
(cd "$work/device" && find mongodb-realm -name 'flx_sync_default.realm*' -size +0 -printf '   %f  %s bytes\n' | sort)

say "5. The gateway comes back; the outbox drains"
start_gateway "$port"
station_gone() { ! kill -0 "$station_pid"; }
await station_gone
wait "$station_pid" || fail "the station failed"
station_pid=''
sed 's/^/   /' "$work/station.log"

say "6. What is at the gateway"
"$gateway" find WeatherSensorReading --limit 3 --data "$work/gateway" | sed 's/^/   /'
echo
"$gateway" stats --data "$work/gateway" | sed 's/^/   /'

say "7. On the wire, counted by a relay between the two (everything: HTTP, headers, log-in, bytes sent again)"
sleep 0.6 # one period of the relay's own report
python3 - "$work/wire.json" "$observations" <<'PY'
import json, sys
counts = json.load(open(sys.argv[1]))
documents = sum(1 for _ in open(sys.argv[2])) - 1
print(f"   {counts['up']:,} bytes up, {counts['down']:,} bytes down: {counts['up'] / documents:.1f} bytes up an observation")
PY

say "8. The proof"
"$gateway" export WeatherSensorReading --data "$work/gateway" >"$work/export.jsonl"
python3 "$root/scripts/demo_compare.py" "$observations" <"$work/export.jsonl" | sed 's/^/   /'
say "What was written is what arrived, no more, no less ($SECONDS seconds)."
