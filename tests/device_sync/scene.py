"""What the tests share: gateways and devices, all of which end with the test, and what is stored."""

import json
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cluster"))

from bson.json_util import JSONMode, JSONOptions, loads  # noqa: E402
from device import APP_ID, Device  # noqa: E402
from processes import Failed, Gateway, wait_until  # noqa: E402
import readings  # noqa: E402

GATEWAY = os.environ["REALM_INGEST_GATEWAY"]
DRIVER = os.environ["REALM_INGEST_DEVICE"]


class Scene(unittest.TestCase):
    """A test with a folder of its own, which stays until the next run."""

    def setUp(self):
        self.work = os.path.abspath(os.path.join("work", self.id()))
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.gateways, self.devices = [], []

    def run(self, result=None):
        def failed():
            return len(result.errors) + len(result.failures)

        before = failed()
        super().run(result)
        if failed() > before:
            self.tails()
        return result

    def tearDown(self):
        for device in self.devices:
            device.kill()
        for gateway in self.gateways:
            if gateway.process.poll() is None:
                gateway.kill()

    def tails(self):
        for process in [*self.gateways, *self.devices]:
            with open(process.log_path, errors="replace") as log:
                print(f"== {process.log_path}\n" + "".join(log.readlines()[-15:]), file=sys.stderr)

    def gateway(self, *settings, name="gateway"):
        """One that runs; in development mode unless settings say what it serves."""
        gateway = Gateway(name, GATEWAY, [*(settings or ["--dev"]), "--data", self.data(name)], self.work)
        gateway.start()
        self.gateways.append(gateway)
        return gateway

    def data(self, name="gateway"):
        return os.path.join(self.work, name)

    def device(self, gateway, name="device"):
        device = Device(name, DRIVER, self.work)
        self.devices.append(device)
        return device.start(url(gateway))

    def streaming_device(self, gateway, name="device", **how):
        """A device of a user who has just logged in, with a file for readings."""
        device = self.device(gateway, name)
        device.log_in(**how)
        device.open(readings.CLASSES)
        return device

    def again(self, device, gateway):
        """A new life of a device, of the user and with the file that it had."""
        device.start(url(gateway))
        device.ask("resume_user", user="user")
        device.open(readings.CLASSES)

    def command(self, *arguments, name="gateway"):
        """What a command on the gateway's data writes to its standard output."""
        done = subprocess.run([GATEWAY, *arguments, "--data", self.data(name)], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def lines(self, *arguments, name="gateway"):
        return [json.loads(line) for line in self.command(*arguments, name=name).splitlines()]

    def stored(self, of="Reading", name="gateway"):
        """The documents of a class."""
        options = JSONOptions(json_mode=JSONMode.CANONICAL)
        try:
            lines = self.command("export", of, "--canonical", name=name).splitlines()
        except Failed as failure:
            if "no collection" in str(failure):
                return []
            raise
        return [loads(line, json_options=options) for line in lines]

    def assert_arrived(self, *devices, files=("file",), name="gateway"):
        """Every reading whose commit has returned is stored once and unchanged, and nothing was refused."""
        written = {f"{device.name}.{file}": device.written(file) for device in devices for file in files}
        self.assertTrue(all(written.values()), "nothing was written")
        self.assertEqual([], readings.faults(written, self.stored(name=name)))
        self.assertEqual([], self.lines("dead-letters", name=name))


def url(gateway):
    return f"http://127.0.0.1:{gateway.port}"


def connections(device):
    """How often the device has begun to connect, in all its lives."""
    with open(device.log_path, errors="replace") as log:
        return sum("Connecting to 'ws" in line for line in log)


__all__ = ["APP_ID", "Failed", "Scene", "connections", "url", "wait_until"]
