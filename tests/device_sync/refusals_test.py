"""What the gateway refuses, the application is told; nothing else is harmed, and no device asks again and again."""

import time
import unittest

import scene  # finds the modules of the next
import application
import readings
from scene import Scene, connections, wait_until

# realm-core's numbers.
COMPENSATING_WRITE = 1040


def reading(number, **changed):
    return {**readings.expected("device.file", number), **changed}


class Refusals(Scene):
    def compensated(self, device, count):
        """What the error handler was told of refused objects: (class, key, reason)."""

        def writes():
            return [w for error in device.errors() for w in error["compensating_writes"]]

        wait_until(f"{count} refusals are told", lambda: len(writes()) >= count)
        self.assertTrue(all(not error["fatal"] and not error["client_reset"] for error in device.errors()))
        return [(w["class"], w["key"], w["reason"]) for w in writes()]

    def test_what_rules_and_schemas_refuse_is_told_and_the_rest_is_stored(self):
        server = self.gateway(*application.write(self.work, role={"insert": {"number": {"$lt": 100}}}))
        device = self.streaming_device(server)
        long = "x" * 2000
        device.write("Reading", [reading(1), reading(100), reading(2, filler=long), reading(3)])
        device.await_upload()
        told = self.compensated(device, 2)
        self.assertEqual([("Reading", "device.file/100"), ("Reading", "device.file/2")], [t[:2] for t in told])
        self.assertIn("'insert' does not hold", told[0][2])
        self.assertIn("has more than 1000 characters", told[1][2])
        # The session goes on on the same connection.
        device.write("Reading", [reading(4)])
        device.await_upload()
        self.assertEqual([1, 3, 4], sorted(document["number"] for document in self.stored()))
        self.assertEqual(2, len(self.lines("dead-letters")))
        self.assertEqual(1, connections(device))
        self.assertEqual(2, len(self.compensated(device, 2)))

    def test_objects_of_classes_that_are_synced_both_ways_are_refused(self):
        classes = [
            *readings.CLASSES,
            {"name": "Station", "kind": "regular", "properties": {"_id": "string", "town": "string"}},
        ]
        server = self.gateway()
        device = self.device(server)
        device.log_in()
        device.open(classes)
        subscribed = device.ask("subscribe", file="file", seconds=20, query="TRUEPREDICATE", **{"class": "Station"})
        self.assertEqual("ERROR", subscribed["state"])
        self.assertIn("Station", subscribed["error"])
        device.stream(0, 10)
        device.await_upload()
        self.assert_arrived(device)
        # Nobody tries again and again.
        time_seen, before = time.monotonic(), connections(device)
        wait_until("some seconds have passed", lambda: time.monotonic() - time_seen > 3)
        self.assertEqual(before, connections(device))
        self.assertEqual("CONNECTED", device.state()["connection"])
        # A set without subscriptions is as good as none.
        self.assertEqual("COMPLETE", device.ask("unsubscribe", file="file", seconds=20)["state"])
        device.stream(10, 20)
        device.await_upload()
        self.assert_arrived(device)


if __name__ == "__main__":
    unittest.main()
