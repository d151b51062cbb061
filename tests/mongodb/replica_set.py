"""Makes the mongod at a local port a replica set of one, unless it is, and waits until it takes writes.

    replica_set.py PORT PROCESS
"""

import os
import socket
import struct
import sys
import time

import bson

port, process = int(sys.argv[1]), int(sys.argv[2])


def connect():
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            os.kill(process, 0)  # it has not ended
            time.sleep(0.05)


def take(connection, size):
    taken = b""
    while len(taken) < size:
        more = connection.recv(size - len(taken))
        if not more:
            sys.exit("mongod closed the connection")
        taken += more
    return taken


def ask(connection, command):
    """One OP_MSG there and back."""
    body = struct.pack("<IB", 0, 0) + bson.BSON.encode({**command, "$db": "admin"})
    connection.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
    size = struct.unpack("<i", take(connection, 16)[:4])[0]
    return bson.BSON(take(connection, size - 16)[5:]).decode()


connection = connect()
hello = ask(connection, {"hello": 1})
if not hello.get("setName") and not hello.get("isWritablePrimary"):
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    answer = ask(connection, {"replSetInitiate": {"_id": "rs0", "members": members}})
    if answer["ok"] != 1:
        sys.exit(f"replSetInitiate: {answer}")
while not ask(connection, {"hello": 1}).get("isWritablePrimary"):
    time.sleep(0.05)
