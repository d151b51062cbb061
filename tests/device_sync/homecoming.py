"""What tests share whose devices App Services has served before they come to a gateway."""

import os

import scene  # finds the modules of the next
import readings
from closed_service import ClosedService
from scene import DRIVER, Device, Scene, url, wait_until

# One that is synced both ways.
PLACE = {"name": "Place", "kind": "regular", "properties": {"_id": "string", "name": "string"}}


class Homecoming(Scene):
    def was_served(self, classes=readings.CLASSES, each=1, waits=True, is_off=True, **how):
        """A device, off by now unless it is not, that the service has served. It has acknowledged readings to 20; it has got those to
        40, and did not say so before it ended; those to 60 were written when it was gone. With `waits` false it ends after the
        first. Gives the device, its user and the service."""
        service = ClosedService(**how.pop("service", {}))
        self.addCleanup(service.shut_down)
        device = Device("device", DRIVER, self.work).start(f"http://127.0.0.1:{service.port}")
        self.devices.append(device)
        user = device.log_in(**how)
        device.open(classes)
        if PLACE in classes:
            self.assertEqual("COMPLETE", device.ask("subscribe", file="file", query="TRUEPREDICATE", seconds=30, **{"class": "Place"})["state"])
        for start in (0, 10):
            device.stream(start, start + 10, each)
            device.await_upload()
        if waits:
            service.acknowledges = False
            before = service.received()
            device.stream(20, 40, each)
            wait_until("the service has got them", lambda: service.received() - before == 20 // each)
        service.shut_down()
        if waits:
            device.stream(40, 60, each)
        if is_off:
            device.kill()
        users = os.path.join(self.work, "users.json")
        service.export(users)
        return device, user, service

    def takes_in(self, gateway):
        self.command("users", "import", os.path.join(self.work, "users.json"), name=gateway.name)
        return gateway

    def assert_home(self, device, service, numbers, told=()):
        """All of these readings are stored, the file is what it was, and nothing else has ended a session of it."""
        device.await_upload()
        self.assertEqual(list(told), [error["code"] for error in device.errors() if error["fatal"] or error["client_reset"]])
        self.assertEqual([], readings.faults({"device.file": numbers}, self.stored()))
        self.assertEqual([], self.lines("dead-letters"))
        (file,) = service.files.values()
        (known,) = self.lines("clients")
        self.assertEqual(file.ident, known["ident"])
        self.assertEqual(f"{file.ident:016x}{file.salt:016x}", known["outbox"])

    def goes_on(self, device, user, gateway, classes=readings.CLASSES):
        """In a new life, as the user who was logged in."""
        device.start(url(gateway))
        self.assertEqual(user, device.ask("resume_user", user="user"))
        device.open(classes)
