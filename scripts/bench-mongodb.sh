#!/usr/bin/env bash
# The gateway beside bare inserts into the same MongoDB server, which scripts/mongodb.sh finds or starts.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap '"$root/scripts/mongodb.sh" kill "$work/server" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
cargo build --release --manifest-path "$root/Cargo.toml" --package mongodb-bench --package realm-ingest-gateway
uri=$("$root/scripts/mongodb.sh" start "$work/server")
release=${CARGO_TARGET_DIR:-$root/target}/release
"$release/mongodb-bench" "$uri" "$release/realm-ingest-gateway"
