#!/bin/sh
# Runs a command in the Debian root of scripts/test-arm.sh, in the folder that this one is called in (/work there). The sources are
# /src, and crates the caller's. Its mounts and processes end with it.
#
#     inside.sh ROOT SOURCES COMMAND [ARGUMENT...]
exec unshare --mount --pid --fork --kill-child=KILL -- sh -ec '
    root=$1 sources=$2
    shift 2
    mount --bind "$sources" "$root/src"
    mount --bind "$(pwd -P)" "$root/work"
    mount --bind "${CARGO_HOME:-$HOME/.cargo}/registry" "$root/root/.cargo/registry"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    # Cargo builds what is quick to build.
    exec chroot "$root" env -i --chdir=/work PATH=/usr/bin:/bin HOME=/root REALM_INGEST_URL="${REALM_INGEST_URL:-}" \
        CARGO_NET_OFFLINE=true CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=false "$@"' sh "$@"
