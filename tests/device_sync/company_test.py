"""Several users and files in one process of an application."""

import unittest

import readings
from scene import Scene


class Company(Scene):
    def test_two_users_with_two_files_each_do_not_disturb_each_other(self):
        device = self.device(self.gateway())
        files = {"a1": "a", "a2": "a", "b1": "b", "b2": "b"}
        users = {user: device.log_in(user) for user in "ab"}
        self.assertNotEqual(users["a"], users["b"])
        for file, user in files.items():
            device.open(readings.CLASSES, file, user)
        for step in range(5):
            for file in files:
                device.stream(step * 10, step * 10 + 10, each=3, file=file)
        # One is closed in between, and opened again on the same connection.
        device.ask("close", file="a1")
        device.stream(50, 60, file="a2")
        device.open(readings.CLASSES, "a1", "a")
        device.stream(50, 60, file="a1")
        for file in files:
            device.await_upload(file=file)
            self.assertEqual([], device.errors(file))
        self.assert_arrived(device, files=files)
        self.assertEqual(4, len(self.lines("outboxes")))


if __name__ == "__main__":
    unittest.main()
