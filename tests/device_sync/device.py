"""A device with a Realm SDK as it was shipped: the program of driver/, told what to do."""

import os
import subprocess
import threading

from bson.binary import UuidRepresentation
from bson.json_util import JSONMode, JSONOptions, dumps, loads
from processes import Failed, spawn

APP_ID = "stations-abcde"
ANSWER_SECONDS = 90
JSON = JSONOptions(json_mode=JSONMode.CANONICAL, uuid_representation=UuidRepresentation.STANDARD)


class Refused(Failed):
    """The SDK failed at what it was told to do; says why."""


class Device:
    """A process of the driver, over all its lives: its folder stays."""

    def __init__(self, name, driver, work, app_id=APP_ID):
        self.name, self.driver, self.app_id = name, driver, app_id
        self.folder = os.path.join(work, f"device-{name}")
        self.log_path = self.folder + ".log"
        self.process = None

    def start(self, url):
        """A new life, which asks the gateway at this URL."""
        with open(self.log_path, "ab") as log:
            self.process = spawn([self.driver, self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.ask("app", app=self.app_id, url=url, log="DETAIL")
        return self

    def tell(self, act, **what):
        """Begins something whose answer nobody waits for."""
        try:
            self.process.stdin.write(dumps({"do": act, **what}, json_options=JSON).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"device {self.name} has ended; see {self.log_path}") from None

    def answer(self):
        """To what was told first and is not answered yet."""
        # A device that does not answer is killed, and so ends its output.
        timer = threading.Timer(ANSWER_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise Failed(f"device {self.name} ended or did not answer; see {self.log_path}")
        said = loads(line)
        if "failure" in said:
            raise Refused(said["failure"])
        return said["answer"]

    def ask(self, act, **what):
        self.tell(act, **what)
        return self.answer()

    def log_in(self, user="user", **how):
        """Gives the user's id."""
        return self.ask("log_in", user=user, **(how or {"with": "anonymous"}))

    def open(self, classes, file="file", user="user"):
        self.ask("open", user=user, file=file, classes=classes)

    def write(self, of, documents, file="file"):
        self.ask("write", file=file, documents=documents, **{"class": of})

    def begin_stream(self, start, end, each=1, file="file"):
        """Readings of these numbers, so many a transaction; readings.py knows what they are."""
        ledger = self.ledger_path(file)
        self.tell("stream", file=file, device=f"{self.name}.{file}", to=end, each=each, ledger=ledger, **{"from": start})

    def stream(self, start, end, each=1, file="file"):
        self.begin_stream(start, end, each, file)
        self.answer()

    def await_upload(self, seconds=60, file="file"):
        self.ask("await_upload", file=file, seconds=seconds)

    def errors(self, file="file"):
        """What the file's error handler was told."""
        return self.ask("errors", file=file)

    def state(self, file="file"):
        return self.ask("state", file=file)

    def ledger_path(self, file="file"):
        return f"{self.folder}.{file}.ledger"

    def written(self, file="file"):
        """The numbers of readings whose commit has returned."""
        try:
            with open(self.ledger_path(file)) as ledger:
                return [int(line) for line in ledger if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def kill(self):
        """As when the power goes."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None
