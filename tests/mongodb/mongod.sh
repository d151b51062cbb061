#!/usr/bin/env bash
# Runs `mongod` as a replica set of one. Prints its process id, then, once it takes writes, its URI.
#
#     mongod.sh DATA PORT
set -euo pipefail
mongod --dbpath "$1" --bind_ip 127.0.0.1 --port "$2" --replSet rs0 >&2 &
echo $!
/usr/bin/python3 "$(dirname "$0")/replica_set.py" "$2" $! >&2
echo "mongodb://127.0.0.1:$2/?replicaSet=rs0"
wait $!
