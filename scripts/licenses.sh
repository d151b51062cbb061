#!/usr/bin/env bash
# Writes packaging/licenses/{library,gateway}.txt, the licences of all that is inside the library and the gateway, which their
# packages have. Fails where a licence is not among those that packaging/licenses/about.toml accepts. After a change of
# dependencies; a test tells when. Needs cargo-about:
#
#     cargo install --locked --features cli cargo-about@0.9.3
set -euo pipefail
cd "$(dirname "$0")/.."
licenses=packaging/licenses
cargo fetch --locked
for part in library:Cargo.toml gateway:gateway/Cargo.toml; do
    # Texts are those of the packages, not what some service knows at the time.
    cargo about generate --frozen --fail --config "$licenses/about.toml" --manifest-path "${part#*:}" \
        --output-file "$licenses/${part%%:*}.txt" "$licenses/about.hbs"
    # Some of them have the ends of lines of Windows.
    sed -i 's/\r$//' "$licenses/${part%%:*}.txt"
done
