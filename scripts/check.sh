#!/usr/bin/env bash
# The inner loop: lints, all unit tests, and those tests that speak of what was changed since a commit (the last one
# but one when none is given). Everything is `make test`.
#
#     scripts/check.sh [commit]
set -euo pipefail
cd "$(dirname "$0")/.."
since=${1:-HEAD~1}
changed=$(git diff --name-only "$since" && git ls-files --others --exclude-standard)

touches() {
    grep -qE "$1" <<<"$changed"
}

step() {
    echo "== $*"
    "$@"
}

step scripts/lint.sh
step cargo test --workspace --quiet --lib --bins
if touches '^(protocol|gateway)/'; then
    step cargo test --quiet -p realm-ingest-gateway --test router
fi
if touches '^(gateway/(src/(state|sink|cluster|backend)|tests/(states|sinks|mongodb|common/mongodb))|tests/mongodb|scripts/mongodb)'; then
    stores=(cargo test --quiet -p realm-ingest-gateway --test states --test sinks)
    if scripts/mongodb.sh built; then
        step "${stores[@]}" --test mongodb
    else
        step "${stores[@]}" -- --skip mongodb
        echo "MongoDB was left out, as its server is not there: scripts/mongodb.sh build makes it, in some minutes"
    fi
fi
if touches '^(src/outbox|tests/outbox)/'; then
    step cargo test --quiet -p realm-ingest --test outbox
fi
if touches '^(protocol|src/(app|uploader|transport|realm)|tests/(client|common))'; then
    step cargo test --quiet -p realm-ingest --test client
fi
if touches '^(fuzz|protocol|gateway|src/(app|outbox|uploader|ejson))'; then
    step cargo test --quiet -p realm-ingest-fuzz-targets
fi
if touches '^(src/ffi|cbindgen.toml|include/realm_ingest.h)'; then
    step cargo test --quiet -p realm-ingest --test c_header
fi

if touches '^(README|docs|examples|bindings|include)'; then
    step scripts/docs.sh check
    step cargo test --quiet -p realm-ingest --test docs
fi

if touches '^(bindings|tests/(languages|behaviour))'; then
    step cmake --preset dev
    step cmake --build --preset dev --target gateway realm_ingest weather_station_c
    step ctest --preset dev -L languages
fi

# Of the C++ programs: two that use most of the headers, and those whose source was changed.
mapfile -t programs < <(sed -n 's|^tests/cpp/\(.*\)_test\.cpp$|\1|p' <<<"$changed")
if touches '^(include|cpp|src/ffi)/'; then
    programs+=(transaction golden)
fi
if [ ${#programs[@]} -gt 0 ]; then
    names=$(printf '%s|' "${programs[@]}")
    step cmake --preset dev
    step cmake --build --preset dev --target gateway "${programs[@]/#/cpp_}"
    step ctest --preset dev -R "^cpp\.(${names%|})$"
fi
echo "checked what changed since $since in $SECONDS s"
