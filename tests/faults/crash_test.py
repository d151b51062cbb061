#!/usr/bin/env python3
"""Kills the writer and the gateway, again and again and at random moments, while objects stream from one to the other.

    crash_test.py WRITER GATEWAY WORK_DIR [--writer-kills 100] [--gateway-kills 50] [--seed N]

The promise: every object whose write() returned is at the gateway exactly once and whole, a transaction is there
completely or not at all, and nothing is there that was not written. The seed is printed, so that a failure can be
run again.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

DEADLINE_SECONDS = 600


class Gateway:
    """A gateway process on one port and one data directory, over all its lives."""

    def __init__(self, binary, work):
        self.binary, self.data, self.port = binary, os.path.join(work, "gateway"), 0
        self.log = open(os.path.join(work, "gateway.log"), "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "serve", "--dev", "--listen", f"127.0.0.1:{self.port}", "--data", self.data],
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        for line in self.process.stdout:
            if b"listening on" in line:
                self.port = int(line.decode().split("127.0.0.1:")[1].split()[0].rstrip("/"))
                return
        sys.exit("the gateway did not start; see gateway.log")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def export(self, collection):
        done = subprocess.run(
            [self.binary, "export", collection, "--data", self.data],
            stdout=subprocess.PIPE,
            stderr=self.log,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def dead_letters(self):
        done = subprocess.run(
            [self.binary, "dead-letters", "--data", self.data], stdout=subprocess.PIPE, stderr=self.log, check=True
        )
        return [line for line in done.stdout.splitlines() if line.startswith(b"{")]


class Writer:
    """One life of the writer; remembers what it said."""

    def __init__(self, binary, work, port, first, count, log):
        environment = dict(os.environ, REALM_INGEST_URL=f"http://127.0.0.1:{port}")
        device = os.path.join(work, "device")
        os.makedirs(device, exist_ok=True)
        self.tried, self.done, self.drained = set(), set(), False
        self.ready = threading.Event()
        self.process = subprocess.Popen(
            [binary, str(first), str(count)], cwd=device, env=environment, stdout=subprocess.PIPE, stderr=log
        )
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break
            what, number = line.split()
            if what == b"ready":
                self.ready.set()
            elif what == b"try":
                self.tried.add(int(number))
            elif what == b"done":
                self.done.add(int(number))
            elif what == b"drained":
                self.drained = True
        self.ready.set()

    def finish(self, kill):
        if kill:
            self.process.send_signal(signal.SIGKILL)
        status = self.process.wait(DEADLINE_SECONDS)
        self.reader.join()
        self.process.stdout.close()
        return status


def judge(documents, tried, done):
    """What is wrong with what arrived, as a list of sentences."""
    faults, parts = [], {}
    for document in documents:
        n, part = document["transaction"], document["part"]
        if document["_id"] != f"{n}/{part}" or document["parts"] != 1 + n % 5:
            faults.append(f"document {document['_id']} is not as it was written")
        if document["filler"] != chr(ord("a") + n % 26) * (4000 if n % 7 == 0 else 20):
            faults.append(f"document {document['_id']} has another filler")
        if n not in tried:
            faults.append(f"document {document['_id']} was never written")
        if part in parts.setdefault(n, set()):
            faults.append(f"document {document['_id']} is there twice")
        parts[n].add(part)
    for n, there in parts.items():
        if there != set(range(1 + n % 5)):
            faults.append(f"transaction {n} is there in part: {sorted(there)}")
    for n in sorted(done - parts.keys()):
        faults.append(f"transaction {n}: write() returned, but it is not there")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("writer")
    parser.add_argument("gateway")
    parser.add_argument("work")
    parser.add_argument("--writer-kills", type=int, default=100)
    parser.add_argument("--gateway-kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    gateway_chance = random.Random(options.seed + 1)

    shutil.rmtree(options.work, ignore_errors=True)
    os.makedirs(options.work)
    log = open(os.path.join(options.work, "writer.log"), "ab")
    gateway = Gateway(options.gateway, options.work)
    gateway.start()

    # The first life logs in, which needs the gateway; later ones go on as the same user, gateway or not.
    tried, done = set(), set()
    first_life = Writer(options.writer, options.work, gateway.port, 0, 1, log)
    if first_life.finish(kill=False) != 0:
        sys.exit("the writer could not log in; see writer.log")
    tried |= first_life.tried
    done |= first_life.done

    stop = threading.Event()
    gateway_kills = 0

    def kill_gateway():
        nonlocal gateway_kills
        while not stop.is_set() or gateway_kills < options.gateway_kills:
            time.sleep(gateway_chance.uniform(0.05, 0.6))
            gateway.kill()
            gateway_kills += 1
            time.sleep(gateway_chance.uniform(0.0, 0.2))
            gateway.start()

    killer = threading.Thread(target=kill_gateway)
    killer.start()
    writer_kills = 0
    started = time.monotonic()
    while writer_kills < options.writer_kills or gateway_kills < options.gateway_kills:
        if time.monotonic() - started > DEADLINE_SECONDS:
            stop.set()
            sys.exit("the kills took too long")
        life = Writer(options.writer, options.work, gateway.port, max(tried) + 1, 1_000_000, log)
        life.ready.wait(DEADLINE_SECONDS)
        time.sleep(chance.expovariate(1 / 0.12))
        if life.process.poll() is not None:
            stop.set()
            sys.exit(f"the writer ended by itself with status {life.process.returncode}; see writer.log")
        life.finish(kill=True)
        writer_kills += 1
        tried |= life.tried
        done |= life.done
        if writer_kills % 20 == 0:
            print(f"{writer_kills} writers killed, {gateway_kills} gateways killed, {len(done):,} transactions", flush=True)
    stop.set()
    killer.join()

    last_life = Writer(options.writer, options.work, gateway.port, max(tried) + 1, 1, log)
    if last_life.finish(kill=False) != 0 or not last_life.drained:
        sys.exit("the last writer did not drain its outbox; see writer.log")
    tried |= last_life.tried
    done |= last_life.done

    documents = gateway.export("CrashProbe")
    faults = judge(documents, tried, done)
    if refused := gateway.dead_letters():
        faults.append(f"{len(refused)} documents were refused: {refused[0][:200]!r}")
    gateway.kill()
    print(
        f"{writer_kills} writers and {gateway_kills} gateways killed; {len(done):,} transactions acknowledged to the "
        f"writer, {len(tried - done):,} in doubt; {len(documents):,} documents arrived"
    )
    for fault in faults[:20]:
        print("FAULT:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
