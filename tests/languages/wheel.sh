#!/usr/bin/env bash
# Builds the wheel of bindings/python and installs it into an environment of its own, which is made anew.
#
#     wheel.sh PYTHON ENVIRONMENT CARGO_PROFILE
#
# Cargo reuses what the build has compiled.
set -euo pipefail
python=$1 environment=$2 profile=$3
package=$(cd "$(dirname "$0")/../../bindings/python" && pwd)

"$python" -m venv --clear "$environment"
wheels=$(mktemp -d)
trap 'rm -r "$wheels"' EXIT
MATURIN_PEP517_ARGS="--profile $profile --strip" \
    "$environment/bin/pip" wheel --disable-pip-version-check --no-deps --wheel-dir "$wheels" "$package"
"$environment/bin/pip" install --disable-pip-version-check "$wheels"/*.whl
"$environment/bin/python" - <<'PY'
from importlib.metadata import files
assert any(file.name == "third-party-licenses.txt" for file in files("realm-ingest")), "licences of libraries are missing"
PY
