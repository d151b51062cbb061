"""Users of every kind log in on a device with a Realm SDK, and stream."""

import unittest

import scene  # finds the modules of the next
import application
import readings
from device import Refused
from scene import Scene


class Logins(Scene):
    def setUp(self):
        super().setUp()
        self.server = self.gateway(*application.write(self.work))
        self.users = 0

    def streams(self, **how):
        """A user logs in so, and what he writes arrives, also from a later life of the device."""
        self.users += 1
        device = self.device(self.server, f"device-{self.users}")
        user = device.log_in(**how)
        device.open(readings.CLASSES)
        device.stream(0, 5)
        device.await_upload()
        device.kill()
        self.again(device, self.server)
        device.stream(5, 10)
        device.await_upload()
        self.assertEqual([], device.errors())
        return user, device

    def test_users_of_every_kind_stream(self):
        users, devices = zip(*self.all_kinds())
        self.assertEqual(len(users), len(set(users)))
        self.assertEqual({u["user"] for u in self.lines("users", "list")} & set(users), set(users))
        self.assert_arrived(*devices)

    def all_kinds(self):
        yield self.streams()
        yield self.streams(**{"with": "jwt", "token": application.jwt(sub="station-7")})
        helper = self.device(self.server, "helper")
        password = {"with": "password", "email": "station@example.com", "password": "a-password"}
        helper.ask("register", email=password["email"], password=password["password"])
        with self.assertRaisesRegex(Refused, "401"):
            helper.log_in(**{**password, "password": "another"})
        # A key is its user's.
        owner = helper.log_in(**password)
        key = helper.ask("create_api_key", user="user", name="station")
        by_key, device = self.streams(**{"with": "api_key", "key": key})
        self.assertEqual(owner, by_key)
        yield by_key, device
        helper.ask("register", email="other@example.com", password="a-password")
        yield self.streams(**{**password, "email": "other@example.com"})


if __name__ == "__main__":
    unittest.main()
