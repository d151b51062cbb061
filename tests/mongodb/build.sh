#!/usr/bin/env bash
# Builds what `scripts/mongodb.sh` starts: ROOT, a Debian with PostgreSQL 18 and DocumentDB, in it a data directory that is
# ready to be copied (/template) and FerretDB (main.go, as /usr/local/bin/SERVER). Each appears when it is whole.
#
#     build.sh ROOT SERVER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scripts=$(cd "$here/../../scripts" && pwd)
root=$1 server=$2
part=$root.part
mkdir -p "$(dirname "$root")"

say() { echo "mongodb: $* ($SECONDS s)"; }

build_root() {
    say "building a Debian root with PostgreSQL 18 and DocumentDB: some two minutes, 700 MB"
    rm -rf --one-file-system "$part"
    "$scripts/debian-root.sh" "$part" forky postgresql-18,postgresql-18-documentdb || {
        echo "mongodb: no Debian root: name a server in MONGODB_URI" >&2
        return 1
    }
    say "building its data directory"
    mkdir "$part/template"
    "$scripts/in-debian-root.sh" "$part" "$part/template" sh -ec "$initialise" >"$part/template.log" 2>&1 || {
        cat "$part/template.log" >&2
        return 1
    }
    mv "$part" "$root"
    say "the Debian root is built"
}

# DocumentDB reaches its own database by the socket, too: PostgreSQL needs no port.
initialise='
    PATH=$PATH:/usr/lib/postgresql/18/bin
    chown postgres:postgres /srv
    as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
    cd /srv
    as_postgres initdb -D /srv --auth=trust --encoding=UTF8 --locale=C.UTF-8
    cat >>/srv/postgresql.conf <<END
listen_addresses = '"''"'
unix_socket_directories = '"'/srv'"'
max_connections = 150
shared_preload_libraries = '"'pg_cron,pg_documentdb_core,pg_documentdb'"'
cron.database_name = '"'postgres'"'
cron.host = '"'/srv'"'
documentdb.localhost_connection_string = '"'host=/srv'"'
END
    as_postgres pg_ctl -D /srv -w -l /tmp/log start || { cat /tmp/log; exit 1; }
    as_postgres psql -h /srv -v ON_ERROR_STOP=1 -c "CREATE EXTENSION documentdb CASCADE"
    as_postgres pg_ctl -D /srv -w stop
'

build_server() {
    say "building FerretDB: some two minutes"
    (cd "$here" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o "$root.$server" .)
    say "FerretDB is built"
}

# Side by side: one waits for the network, the other for the processor.
going=
if [ ! -e "$root/usr/local/bin/$server" ]; then
    build_server &
    going=$!
fi
[ -e "$root" ] || build_root
if [ -n "$going" ]; then
    wait "$going"
    mv "$root.$server" "$root/usr/local/bin/$server"
fi
