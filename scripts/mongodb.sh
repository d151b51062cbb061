#!/usr/bin/env bash
# A MongoDB server for tests, on this machine: the one that MONGODB_URI names, else a `mongod` on the PATH (a replica set of
# one), else DocumentDB on PostgreSQL behind FerretDB, which `build` makes once for all trees of this user.
#
#     scripts/mongodb.sh build           makes what is missing of it
#     scripts/mongodb.sh built           whether nothing is
#     scripts/mongodb.sh start DIR       a new server with its data in DIR, which is made; prints its URI
#     scripts/mongodb.sh run DIR         the same, until standard input ends: then it is killed, and DIR removed, which must not be
#                                        there before
#     scripts/mongodb.sh kill DIR        all of it at once (SIGKILL)
#     scripts/mongodb.sh restart DIR     with the same data, at the same port; prints its URI
#     scripts/mongodb.sh pause DIR       a server that takes connections and does not answer (SIGSTOP)
#     scripts/mongodb.sh resume DIR
#     scripts/mongodb.sh stop DIR        in order; DIR stays
#
# In DIR: `log`, `uri`, `port`, `data`; `pid` is that of a server while it holds `lock`.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
here=$(dirname "$scripts")/tests/mongodb
command=${1:-} dir=${2:-}

# Counted up when what build.sh puts into the root changes.
root=${XDG_CACHE_HOME:-$HOME/.cache}/realm-ingest/mongodb-1
server=ferretdb-$(cat "$here"/main.go "$here"/go.sum | sha256sum | cut -c 1-12)

fail() {
    echo "mongodb: $*" >&2
    exit 1
}

is_built() { [ -n "${MONGODB_URI:-}" ] || command -v mongod >/dev/null || [ -e "$root/usr/local/bin/$server" ]; }

build() {
    is_built && return
    local without="without root, name a server in MONGODB_URI or put mongod on the PATH"
    [ "$(id -u)" = 0 ] || fail "building and starting a server needs root, for a Debian root and namespaces; $without"
    local tool
    for tool in mmdebstrap unshare flock go; do
        command -v "$tool" >/dev/null || fail "$tool is missing: scripts/ensure-tools.sh sees to it"
    done
    unshare --mount --pid --ipc --fork true || fail "this root may make no namespaces; $without"
    mkdir -p "$(dirname "$root")"
    # Who comes second waits, and finds it built.
    (
        flock 9
        is_built || "$here/build.sh" "$root" "$server"
    ) 9>"$root.lock" >&2
}

# Starts a server at a port and waits until it answers; false when another has the port.
launch() { # port
    local pid ready
    exec 9>"$dir/lock"
    flock -n 9 || fail "a server runs in $dir already"
    # Of a session of its own: what ends the tests' process group does not end it first.
    if command -v mongod >/dev/null; then
        exec 8< <(exec setsid "$here/mongod.sh" "$dir/data" "$1" 2>>"$dir/log")
    else
        exec 8< <(exec setsid "$scripts/in-debian-root.sh" "$root" "$dir/data" "/usr/local/bin/$server" -listen "127.0.0.1:$1" 2>>"$dir/log")
    fi
    exec 9>&-
    read -r pid <&8 && echo "$pid" >"$dir/pid"
    read -r ready <&8 || return 1
    exec 8<&-
    echo "$1" >"$dir/port"
    echo "$ready" >"$dir/uri"
    cat "$dir/uri"
}

start() {
    local attempt
    build
    mkdir -p "$dir"
    [ -e "$dir/data" ] && fail "$dir is in use: restart starts the server in it"
    if command -v mongod >/dev/null; then
        mkdir "$dir/data"
    else
        cp -a --reflink=auto "$root/template" "$dir/data"
    fi
    # Below those that the system gives to others while the server is down.
    for attempt in $(seq 10); do
        launch $((20000 + RANDOM % 10000)) && return
        grep -qi 'address already in use' "$dir/log" || break
    done
    tail -n 20 "$dir/log" >&2
    fail "no server started in $dir"
}

running() { [ -e "$dir/lock" ] && ! flock -n "$dir/lock" true; }

signal() { # signal
    running || fail "no server runs in $dir"
    kill "-$1" "$(cat "$dir/pid")"
}

gone() { flock -w "$1" "$dir/lock" true; }

stop() {
    running || return 0
    signal TERM
    signal CONT
    gone 30 || { signal KILL && gone 30; }
}

run() {
    # What is removed at the end is what was made here.
    [ ! -e "$dir" ] || fail "$dir is there already: run makes it, and removes it at the end; name another one"
    build
    mkdir -p "$(dirname "$dir")"
    mkdir "$dir" || fail "cannot make $dir"
    # As long as the caller lives, which standard input tells.
    trap '' INT TERM HUP
    trap '! running || { signal KILL && gone 30; }; rm -rf "$dir"' EXIT
    start
    cat >/dev/null
}

case $command in build | built) ;; start | run | kill | restart | pause | resume | stop)
    [ -n "$dir" ] || fail "$command DIR"
    ;;
*) sed -n 's/^# \{0,1\}//p' "$0" | sed '1d;/^In DIR/,$d' >&2 && exit 2 ;;
esac
if [ -n "${MONGODB_URI:-}" ]; then
    case $command in
    start) echo "$MONGODB_URI" ;;
    run) echo "$MONGODB_URI" && cat >/dev/null ;;
    kill | restart | pause | resume) fail "the server is MONGODB_URI's: this cannot $command it" ;;
    esac
    exit 0
fi
case $command in
build) build ;;
built) is_built ;;
start) start ;;
run) run ;;
kill) signal KILL && gone 30 ;;
restart)
    [ -e "$dir/port" ] || fail "no server was started in $dir"
    stop
    launch "$(cat "$dir/port")" || { tail -n 20 "$dir/log" >&2 && fail "no server started in $dir"; }
    ;;
pause) signal STOP ;;
resume) signal CONT ;;
stop) stop ;;
esac
