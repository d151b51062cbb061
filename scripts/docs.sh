#!/usr/bin/env bash
# The documentation as a site in build/docs/site, to be opened at index.html: the pages of docs/, the reference of the C++
# headers and of the C interface in cpp/, that of the crates in rust/. What is public and not documented is an error, and
# so is a link within the site that leads nowhere.
#
#     scripts/docs.sh [check]  `check` leaves out the crates, whose documentation needs all they depend on compiled: 10 seconds
set -euo pipefail
cd "$(dirname "$0")/.."
site=build/docs/site

rm -rf "$site"
mkdir -p "$site"
doxygen docs/reference/Doxyfile
/usr/bin/python3 -m sphinx -q -W --keep-going -b html -d build/docs/doctrees docs "$site"
if [ "${1:-}" != check ]; then
    cargo doc --no-deps --lib -p realm-ingest -p realm-ingest-protocol -p realm-ingest-gateway -p realm-ingest-durable
    cp -r "${CARGO_TARGET_DIR:-target}/doc" "$site/rust"
fi
/usr/bin/python3 scripts/check_links.py "$site" ${1:+--without rust}
