#!/usr/bin/env python3
"""Runs the scenarios of a suite through a door. README.md says what either is.

    run.py [--only NAME] [--all] GATEWAY SUITE DOOR [ARGUMENT...]

With --all a scenario that wants what the door has not fails.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

# What a command may take that waits, and what is asked for again until it is so.
LIMIT_MS = 60_000


class Failure(Exception):
    pass


class Gateway:
    """A gateway of the scenario's own, which can be stopped and started on the same port over the same data."""

    def __init__(self, binary, folder, options):
        self.binary = binary
        self.options = options
        self.data = os.path.join(folder, "gateway")
        self.log = open(os.path.join(folder, "gateway.log"), "w+")
        self.address = "127.0.0.1:0"
        self.process = None
        self.start()

    def start(self):
        command = [self.binary, "serve", "--listen", self.address, "--data", self.data, *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if "listening on" in line:
                self.url = line.split("listening on ")[1].split()[0].rstrip("/")
                self.address = self.url.split("//")[1]
                return
        self.log.seek(0)
        raise Failure("the gateway did not start:\n" + self.log.read())

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def ask(self, *arguments):
        command = [self.binary, *arguments, "--data", self.data]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=self.log, text=True).stdout.splitlines()

    def documents(self, collection):
        return [json.loads(line) for line in self.ask("export", collection, "--canonical")]


class Door:
    """A device: the program whose commands are the library's."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"the door ended, with status {self.process.wait()}")
        return json.loads(line)

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def in_order(documents):
    """Documents so that they can be compared: what is null may as well be left out."""
    given = [{name: value for name, value in one.items() if value is not None} for one in documents]
    return sorted(given, key=lambda one: json.dumps(one["_id"], sort_keys=True))


def beyond(scenario, offered):
    """What a scenario wants that the door has not."""
    for step in scenario["steps"]:
        if "do" in step:
            if step["do"] not in offered["commands"]:
                return step["do"]
            for name in step.get("with", {}):
                if f"{step['do']}.{name}" in offered["without"]:
                    return f"{step['do']} with {name}"
    return None


class Scenario:
    """One scenario on its way: its gateway, its device, and the answers that it keeps."""

    def __init__(self, suite, scenario, options, folder):
        self.schema = json.dumps(suite["schema"])
        self.door_command = options.door
        self.files = os.path.join(folder, "device")
        os.mkdir(self.files)
        self.kept = {"files": self.files}
        self.gateway = Gateway(options.gateway, folder, scenario.get("gateway", ["--dev"]))
        self.door = Door(self.door_command)

    def end(self):
        self.gateway.stop()
        status = self.door.end()
        if status != 0:
            raise Failure(f"the door ended with status {status}")

    def filled(self, value):
        """The value with `$name` in place of what was kept under that name."""
        if isinstance(value, str):
            return re.sub(r"\$(\w+)", lambda found: str(self.kept[found[1]]), value)
        return value

    def command(self, step):
        given = {name: self.filled(value) for name, value in step["with"].items()} if "with" in step else {}
        given["do"] = step["do"]
        if step["do"] == "open_app":
            given = {"id": "behaviour", "url": self.gateway.url, "files": self.files, **given}
        if step["do"] == "open_realm":
            given.setdefault("schema", self.schema)
        if step["do"] == "log_in":
            given.setdefault("provider", "anon-user")
        given.setdefault("timeout_ms", LIMIT_MS)
        if "documents" in given:
            # Each class, and each document as text.
            pairs = [(name, json.dumps(one)) for name, many in given["documents"] for one in many]
            given["documents"] = [part for pair in pairs for part in pair]
        return given

    def run(self, step):
        """Runs a step, and again where it says that it may take a while to hold."""
        until = time.monotonic() + LIMIT_MS / 1000
        while True:
            try:
                return self.once(step)
            except Failure:
                if not step.get("eventually") or time.monotonic() > until:
                    raise

    def once(self, step):
        if "gateway" in step:
            getattr(self.gateway, step["gateway"])()
        elif "device" in step:
            self.door.kill()
            self.door = Door(self.door_command)
        elif "gateway_holds" in step:
            for collection, wanted in step["gateway_holds"].items():
                held = self.gateway.documents(collection)
                if in_order(held) != in_order(wanted):
                    raise Failure(f"{collection} holds {json.dumps(held)}")
        elif "gateway_counts" in step:
            for collection, wanted in step["gateway_counts"].items():
                held = len(self.gateway.documents(collection))
                if held != wanted:
                    raise Failure(f"{collection} holds {held} documents")
        elif "dead_letters" in step:
            letters = self.gateway.ask("dead-letters")
            if len(letters) != step["dead_letters"]:
                raise Failure(f"there are {len(letters)} dead letters: {letters}")
        elif "file_lines" in step:
            with open(self.filled(step["file"])) as file:
                lines = len(file.readlines())
            if lines != step["file_lines"]:
                raise Failure(f"the file has {lines} lines")
        else:
            wrong = self.judge(step, self.door.ask(self.command(step)))
            if wrong is not None:
                raise Failure(wrong)

    def judge(self, step, answer):
        """What is wrong with an answer."""
        if "fails" in step:
            error = answer.get("error")
            if error is None or not re.search(step["fails"], error["message"]):
                return f"it should fail with {step['fails']!r}: {answer}"
            # A door that has no codes leaves them out.
            if "code" in step and error.get("code", step["code"]) != step["code"]:
                return f"it should fail with code {step['code']}: {answer}"
            return None
        if "ok" not in answer:
            return f"it failed: {answer}"
        for name, value in step.get("gives", {}).items():
            if answer["ok"].get(name) != self.filled(value):
                return f"{name} should be {self.filled(value)!r}: {answer}"
        for name, part in step.get("keep", {}).items():
            self.kept[name] = answer["ok"][part]
        return None


def play(suite, scenario, options):
    with tempfile.TemporaryDirectory(prefix="behaviour-") as folder:
        played = Scenario(suite, scenario, options, folder)
        try:
            for number, step in enumerate(scenario["steps"], 1):
                try:
                    played.run(step)
                except Failure as failure:
                    raise Failure(f"step {number}, {json.dumps(step)[:200]}: {failure}") from None
        except Failure:
            played.gateway.stop()
            played.door.kill()
            raise
        played.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("gateway")
    parser.add_argument("suite")
    parser.add_argument("door", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    with open(options.suite) as file:
        suite = json.load(file)
    door = Door(options.door)
    offered = door.ask({"do": "commands"})["ok"]
    door.end()
    failed = 0
    for scenario in suite["scenarios"]:
        if options.only not in (None, scenario["name"]):
            continue
        missing = beyond(scenario, offered)
        if missing is not None:
            failed += options.all
            print("NOT FOR THIS DOOR", scenario["name"] + ":", missing, flush=True)
            continue
        try:
            play(suite, scenario, options)
            print("ok    ", scenario["name"], flush=True)
        except Failure as failure:
            failed += 1
            print("FAILED", scenario["name"], "\n      ", failure, flush=True)
    sys.exit(1 if failed else 0)


main()
