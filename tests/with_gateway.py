#!/usr/bin/env python3
r"""Runs a command against a gateway of its own.

    with_gateway.py [--listen ADDRESS] [--data FOLDER] [--find COLLECTION=COUNT]... [--observations FILE] \
        GATEWAY_BINARY COMMAND [ARGUMENT...]

The gateway listens on a free port (or on ADDRESS) with a data folder of its own (or FOLDER), and REALM_INGEST_URL names it to
the command, which runs in an empty folder. With --find, the gateway must hold that many documents afterwards. With
--observations, the command is a weather station, which is run twice; the gateway must then hold each observation once.
Fails where ADDRESS belongs to another program.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile


def start(binary, listen, data, log):
    gateway = subprocess.Popen(
        [binary, "serve", "--dev", "--listen", listen, "--data", data],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    for line in gateway.stdout:
        if "listening on" in line:
            return gateway, line.split("listening on ")[1].split()[0].rstrip("/")
    sys.exit("the gateway did not start:\n" + open(log.name).read())


def taken(listen):
    """Whether the address, unless its port is free to choose, belongs to another program."""
    host, port = listen.rsplit(":", 1)
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, int(port)))
        except OSError:
            return True
    return False


def count(binary, collection, data):
    found = subprocess.run(
        [binary, "find", collection, "--data", data, "--limit", "1000"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    print(found.stdout, end="")
    return len(found.stdout.splitlines())


def compare(binary, observations, data):
    """Whether what the gateway holds are these observations."""
    script = os.path.join(os.path.dirname(__file__), "..", "scripts", "demo_compare.py")
    export = [binary, "export", "WeatherSensorReading", "--data", data]
    exported = subprocess.run(export, stdout=subprocess.PIPE, check=True)
    return subprocess.run([sys.executable, script, observations], input=exported.stdout).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--data")
    parser.add_argument("--find", action="append", default=[])
    parser.add_argument("--observations")
    parser.add_argument("gateway")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    if taken(options.listen):
        sys.exit(f"another program listens on {options.listen}, which the program under test names itself: stop it")
    with tempfile.TemporaryDirectory(prefix="ingest-test-") as folder:
        data, work = options.data or os.path.join(folder, "gateway"), os.path.join(folder, "work")
        os.mkdir(work)
        with open(os.path.join(folder, "gateway.log"), "w") as log:
            gateway, url = start(options.gateway, options.listen, data, log)
            try:
                environment = dict(os.environ, REALM_INGEST_URL=url)
                for _ in range(2 if options.observations else 1):
                    done = subprocess.run(options.command, cwd=work, env=environment)
                    if done.returncode:
                        break
                for wanted in options.find if done.returncode == 0 else []:
                    collection, number = wanted.split("=")
                    if count(options.gateway, collection, data) != int(number):
                        sys.exit(f"the gateway does not hold {number} documents of {collection}")
                if options.observations and done.returncode == 0:
                    if not compare(options.gateway, options.observations, data):
                        sys.exit("the gateway does not hold the observations as they are")
            finally:
                gateway.terminate()
                gateway.wait()
        if done.returncode:
            print(open(log.name).read(), file=sys.stderr)
        sys.exit(done.returncode)


main()
