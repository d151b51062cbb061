"""Devices that App Services has served come home without a log-in: their files, and all in them that it has not acknowledged."""

import datetime
import unittest

import scene  # finds the modules of the next
import application
import readings
from homecoming import PLACE, Homecoming
from scene import wait_until

NEXT_YEAR = f"{datetime.date.today().year + 1}-12-31"
OLD_SESSIONS = ["--old-sessions-until", NEXT_YEAR]


class OldFiles(Homecoming):
    def goes_on_without_a_log_in(self, *settings, **how):
        device, user, service = self.was_served(**how)
        server = self.takes_in(self.gateway(*settings, *OLD_SESSIONS))
        self.goes_on(device, user, server)
        self.assert_home(device, service, range(20, 60))
        device.stream(60, 80)
        self.assert_home(device, service, range(20, 80))
        # What it has become is kept: the day may come, and so may another life of both.
        device.kill()
        server.kill()
        server.settings = [each for each in server.settings if each not in OLD_SESSIONS]
        server.start()
        self.goes_on(device, user, server)
        device.stream(80, 100)
        self.assert_home(device, service, range(20, 100))
        self.assertEqual([user], [each["user"] for each in self.lines("users", "list")])

    def test_a_device_goes_on_without_a_log_in_at_a_gateway_in_development_mode(self):
        self.goes_on_without_a_log_in("--dev")

    def test_a_device_goes_on_without_a_log_in_at_a_gateway_with_an_application_directory(self):
        self.goes_on_without_a_log_in(*application.write(self.work))

    def test_a_device_goes_on_that_was_told_less_than_it_had_uploaded_and_whose_token_has_expired(self):
        self.goes_on_without_a_log_in("--dev", service={"lags": True, "access_seconds": -60})

    def test_transactions_of_many_objects_come_home_at_once(self):
        self.goes_on_without_a_log_in(*application.write(self.work), each=10, service={"lags": True})

    def test_a_device_goes_on_that_was_never_off_when_the_name_of_the_service_leads_to_a_gateway(self):
        device, user, service = self.was_served(is_off=False)
        server = self.takes_in(self.gateway("--dev", *OLD_SESSIONS))
        server.kill()
        server.port = service.port
        server.start()
        device.ask("reconnect")
        self.assert_home(device, service, range(20, 60))
        self.assertEqual([user], [each["user"] for each in self.lines("users", "list")])

    def test_a_file_goes_on_over_ends_of_the_gateway_while_it_comes_home(self):
        device, user, service = self.was_served(service={"lags": True})
        server = self.takes_in(self.gateway("--dev", *OLD_SESSIONS))
        server.kill()
        self.goes_on(device, user, server)
        device.stream(60, 1_500)
        for _ in range(3):
            before = self.bound(server)
            server.start()
            device.ask("reconnect")
            wait_until("the file is bound", lambda: self.bound(server) > before)
            server.kill()
        server.start()
        device.ask("reconnect")
        self.assert_home(device, service, range(20, 1_500))

    def bound(self, server):
        """How often a file was, in all lives of the gateway."""
        with open(server.log_path) as log:
            return log.read().count("a file is bound")

    def test_a_file_of_which_everything_was_acknowledged_is_at_rest(self):
        device, user, service = self.was_served(waits=False)
        self.goes_on(device, user, self.takes_in(self.gateway("--dev", *OLD_SESSIONS)))
        device.ask("await_download", file="file", seconds=30)
        device.await_upload()
        self.assertEqual("COMPLETE", device.ask("unsubscribe", file="file", seconds=30)["state"])
        self.assertEqual([], self.stored())
        device.stream(60, 80)
        self.assert_home(device, service, range(60, 80))

    def test_a_file_with_subscriptions_that_the_service_served_streams(self):
        device, user, service = self.was_served(classes=[*readings.CLASSES, PLACE])
        self.goes_on(device, user, self.takes_in(self.gateway("--dev", *OLD_SESSIONS)), [*readings.CLASSES, PLACE])
        self.assert_home(device, service, range(20, 60))
        device.stream(60, 80)
        self.assert_home(device, service, range(20, 80))


if __name__ == "__main__":
    unittest.main()
