#!/usr/bin/env bash
# Sees to Rust. Where it is missing, rustup installs it in the user's home; what was done is said.
#
#     scripts/ensure-rust.sh [build|check|test]  `build` leaves out rustfmt and clippy
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
purpose=${1:-test}
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
# What CI checks with: rustfmt and clippy of a later one may want something else.
installed=1.95.0
cargo_home=${CARGO_HOME:-$HOME/.cargo}
PATH=$PATH:$cargo_home/bin

say() { echo "rust: $*"; }
fail() {
    echo "rust: $*" >&2
    exit 1
}
by_hand="install Rust $wanted or later yourself, for instance by https://rustup.rs"

# As root, the distribution's package of rustup, where there is one (Debian 13 and later, Ubuntu 24.04 and later).
get_packaged_rustup() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-get update -qq
    apt-cache policy rustup | grep -q 'Candidate: [0-9]' || return 1
    say "it is missing: installing the package rustup"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rustup
}

# A whole file before any of it is run. Shells are left as they are: they need not find it for `make` to do so.
get_rustup_by_its_installer() {
    local installer
    say "it is missing: running the installer of https://rustup.rs, which puts it into $cargo_home and ${RUSTUP_HOME:-$HOME/.rustup}"
    installer=$(mktemp)
    curl --proto '=https' --tlsv1.2 --silent --show-error --fail --output "$installer" https://sh.rustup.rs &&
        sh "$installer" -y --quiet --no-modify-path --profile minimal --default-toolchain none || {
        rm "$installer"
        fail "the installer could not be fetched, or failed: $by_hand"
    }
    rm "$installer"
}

# A rustup without any toolchain has a cargo that does not run.
if ! cargo --version >/dev/null 2>&1; then
    command -v rustup >/dev/null || get_packaged_rustup || get_rustup_by_its_installer
    rustup toolchain install "$installed" --profile minimal --no-self-update && rustup default "$installed" ||
        fail "rustup could not install Rust $installed: $by_hand"
    cargo --version >/dev/null || fail "rustup has installed Rust $installed, and $(command -v cargo) does not run: $by_hand"
    say "installed $installed, as rustup's default of this user; cargo is $(command -v cargo)"
fi

found=$(rustc --version | cut -d' ' -f2)
if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    if command -v rustup >/dev/null; then
        fail "$(command -v rustc) is $found: choose $wanted or later, for instance by: rustup default $installed"
    fi
    fail "$(command -v rustc) is $found, which is too old: remove it, or $by_hand"
fi

if [ "$purpose" != build ] && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    command -v rustup >/dev/null || fail "rustfmt or clippy is missing: install those that belong to $(command -v cargo)"
    rustup component add rustfmt clippy || fail "rustup could not add rustfmt and clippy"
    say "added rustfmt and clippy"
fi
