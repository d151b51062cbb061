#!/usr/bin/env python3
"""Several gateways over one database, behind a load balancer, while devices stream.

    cluster_test.py DEVICE GATEWAY WORK_DIR [--devices 20] [--pace 8] [--show]

Each gateway is stopped and started again, some are killed in the middle of a batch, the database is killed in the
middle of an insert and later does not answer. The promise: every object whose write() returned is in the database
once and unchanged, nothing else is, nothing was refused, no device was logged out, and none waits for anything.
With --show it also says how that is seen, for people.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

from bson.json_util import dumps

from database import Database
from judge import judge, parts
from processes import STEP_SECONDS, Balancer, Device, Failed, Gateway, wait_until

GATEWAYS = "abc"
KILLS_AT_MOST = 12
# Short, so that sessions are renewed all the time, by whichever gateway is there.
TOKEN_SECONDS = 5


class Scene:
    """Everything that runs, and what is done to it: one method for each scenario."""

    def __init__(self, options):
        self.options, self.work, self.began = options, os.path.abspath(options.work), time.monotonic()
        self.gateways, self.devices, self.database, self.balancer = [], [], None, None
        self.kills = 0
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)

    def title(self, text):
        bold = ("\n\033[1m", "\033[0m") if self.options.show else ("", "")
        print(f"{bold[0]}[{time.monotonic() - self.began:4.0f} s] {text}{bold[1]}", flush=True)

    def note(self, text):
        print(f"         {text}", flush=True)

    # What is known while it runs.

    def wait(self, what, condition, seconds=STEP_SECONDS):
        def checked():
            for device in self.devices:
                if device.process.poll() not in (None, 0):
                    raise Failed(f"device {device.number} ended with status {device.process.returncode}")
            return condition()

        wait_until(what, checked, seconds)

    def written(self):
        """Objects whose write() has returned."""
        return sum(parts(n) for device in self.devices for n in range(1, device.written() + 1))

    def told(self):
        """How often error handlers were called."""
        return sum(len(device.said("error")) for device in self.devices)

    def await_written(self, more):
        target = self.written() + more
        self.wait(f"devices write {more} objects", lambda: self.written() >= target)

    def await_stored(self, target):
        self.wait(f"{target:,} documents are in the database", lambda: self.database.count() >= target)

    def await_more_stored(self, more):
        self.await_stored(self.database.count() + more)

    def await_caught_up(self):
        """Until what devices had written by now is in the database."""
        target, began = self.written(), time.monotonic()
        self.await_stored(target)
        return time.monotonic() - began

    # The scenarios.

    def begin(self):
        options = self.options
        self.database = Database(self.work)
        self.title("a database, three gateways, a load balancer")
        settings = ["--app", os.path.join(os.path.dirname(__file__), "app"), "--trusted-proxy", "127.0.0.1"]
        settings += [*self.database.settings(), "--access-token-lifetime", str(TOKEN_SECONDS)]
        for name in GATEWAYS:
            self.gateways.append(Gateway(name, options.gateway, settings, self.work))
            self.gateways[-1].start()
        self.balancer = Balancer(self.gateways, self.work)
        for gateway in self.gateways:
            self.note(f"gateway {gateway.name} listens on 127.0.0.1:{gateway.port}")
        self.note(f"nginx before them listens on 127.0.0.1:{self.balancer.port}")
        pace = f"{options.pace:g} transactions a second of 1 to 5 objects"
        self.title(f"{options.devices} devices log in and stream, each {pace}")
        for number in range(1, options.devices + 1):
            self.devices.append(Device(number, options.device, options.pace, self.balancer, self.work))
        self.wait("each device logs in", lambda: all(device.said("ready") for device in self.devices))
        self.await_stored(10 * options.devices)
        self.note(f"{self.database.count():,} documents are in the database")

    def start_again(self, gateway):
        """Until the load balancer sends to it again as well."""
        gateway.start()
        before = self.balancer.answered_by(gateway)
        self.wait(f"gateway {gateway.name} gets requests again", lambda: self.balancer.answered_by(gateway) > before)

    def roll(self):
        self.title("each gateway is stopped by SIGTERM and started again, one after the other")
        told = self.told()
        for gateway in self.gateways:
            before = self.database.count()
            gateway.begin_stop()
            gateway.finish_stop()
            self.await_more_stored(100)
            self.start_again(gateway)
            self.note(f"{gateway.name}: {self.database.count() - before:,} documents arrived meanwhile")
        self.await_caught_up()
        if self.told() != told:
            raise Failed(f"devices were told of {self.told() - told} errors while gateways were only stopped")
        self.note("no device was told of an error")

    def kill_gateways(self):
        self.title("gateways are killed by SIGKILL, until requests were cut off in the middle")
        kills, before = 0, self.balancer.cut_off()
        while kills < 3 or self.balancer.cut_off() == before:
            if kills == KILLS_AT_MOST:
                raise Failed(f"{kills} kills of gateways met no request")
            gateway = self.gateways[kills % len(self.gateways)]
            gateway.kill()
            self.await_more_stored(50)
            self.start_again(gateway)
            kills += 1
        self.kills += kills
        self.note(f"{kills} kills, {self.balancer.cut_off() - before} requests cut off")
        self.await_caught_up()

    def kill_database(self):
        self.title("the database is killed in the middle of inserts")
        self.database.do("kill")
        self.live_without_database()
        self.database.do("restart")
        self.note(f"it is back; what was written meanwhile arrived within {self.await_caught_up():.1f} s")

    def silence_database(self):
        self.title("the database does not answer, and does not say so")
        self.database.do("pause")
        self.live_without_database()
        self.database.do("resume")
        self.note(f"it answers again; what was written meanwhile arrived within {self.await_caught_up():.1f} s")

    def live_without_database(self):
        before = self.refused_for_now()
        first = self.written()
        self.wait("no gateway says that it is ready", lambda: not any(g.is_ready() for g in self.gateways))
        self.wait("gateways answer 503", lambda: self.refused_for_now() > before)
        self.await_written(20 * self.options.devices)
        self.note(f"{self.written() - first:,} objects written; gateways answer 503, and are not ready")

    def refused_for_now(self):
        return self.balancer.count(503)

    def end(self):
        self.title("the devices stop writing, and wait until everything is uploaded")
        for device in self.devices:
            device.stop_writing()
        self.wait("all devices are done", lambda: all(device.process.poll() == 0 for device in self.devices), 90)

    def prove(self):
        self.title("what was written, and what is in the database")
        numbers, faults = judge({d.number: d.ledger() for d in self.devices}, self.database.documents())
        users = {device.number: device.said("ready")[0] for device in self.devices}
        for device in self.devices:
            last, stranded = device.said("drained")[0].split()
            if last != users[device.number]:
                faults.append(f"device {device.number} began as user {users[device.number]} and ended as {last}")
            if stranded != "0":
                faults.append(f"device {device.number} has {stranded} files that nobody sends")
        errors = [error for device in self.devices for error in device.said("error")]
        fatal = [error for error in errors if error.startswith("fatal")]
        numbers += [
            ("devices", len(self.devices)),
            ("users", len(self.database.state("users"))),
            ("outboxes", len(self.database.state("outboxes"))),
            ("dead letters", len(self.database.state("dead_letters"))),
            ("setbacks", sum(outbox.get("setbacks", 0) for outbox in self.database.state("outboxes"))),
            ("fatal errors told to devices", len(fatal)),
            ("other errors told to devices", len(errors) - len(fatal)),
        ]
        for what, number in numbers:
            self.note(f"{what:<32}{number:>10,}")
        by_name = dict(numbers)
        for what, wanted in (
            ("users", len(self.devices)),
            ("outboxes", len(self.devices)),
            ("dead letters", 0),
            ("setbacks", 0),
            ("fatal errors told to devices", 0),
        ):
            if by_name[what] != wanted:
                faults.append(f"{what}: {by_name[what]}, expected {wanted}")
        faults += fatal[:3]
        requests = self.balancer.requests()
        statuses = sorted(Counter(status for status, _, _ in requests).items())
        shown = ", ".join(f"{count:,} times {status}" for status, count in statuses)
        passed_on = sum(1 for _, asked, _ in requests if len(set(asked)) > 1)
        self.note(f"the load balancer answered {shown}; {passed_on:,} requests were passed on to a second gateway")
        return faults

    def look(self):
        self.title("a look into the database")
        for what, records in (
            ("cluster_test.readings, a document", self.database.documents().limit(1)),
            ("cluster_test_state.outboxes, a record", self.database.state("outboxes")[:1]),
        ):
            self.note(what)
            for line in dumps(list(records)[0], indent=2).splitlines():
                self.note("  " + line)

    def tails(self):
        for process in [self.database, self.balancer, *self.gateways, *self.devices]:
            path = process.log_path if process else "/dev/null"
            tail = subprocess.run(["tail", "-n", "15", path], stdout=subprocess.PIPE, text=True).stdout
            if tail:
                print(f"== {path}\n{tail}", file=sys.stderr)

    def stop(self):
        for process in [*self.devices, *self.gateways, *([self.balancer] if self.balancer else [])]:
            if process.process and process.process.poll() is None:
                process.process.kill()
                process.process.wait()
        if self.database:
            self.database.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("device")
    parser.add_argument("gateway")
    parser.add_argument("work")
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--pace", type=float, default=8)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    options.device, options.gateway = os.path.abspath(options.device), os.path.abspath(options.gateway)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))

    scene = Scene(options)
    try:
        scene.begin()
        scene.roll()
        scene.kill_gateways()
        if scene.database.is_ours:
            scene.kill_database()
            scene.silence_database()
        else:
            scene.title("the database is MONGODB_URI's, so is neither killed nor silenced")
        scene.end()
        if options.show:
            scene.look()
        faults = scene.prove()
        if faults:
            raise Failed("\n".join(faults[:20]))
        scene.title("each object is there once and unchanged, nobody was logged out, and nothing waits")
    except Failed as failure:
        scene.tails()
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        scene.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
