"""A gateway meets a file that it does not know: its data were lost or restored, or another one gave the file its identity."""

import os
import shutil
import unittest

import scene  # finds the modules of the next
import application
import readings
from scene import Scene, url


class OtherGateways(Scene):
    def goes_on(self, device, gateway):
        """With the file that was there, as a user of this gateway; what that gateway has not acknowledged arrives."""
        device.kill()
        device.start(url(gateway))
        device.log_in()
        device.open(readings.CLASSES)

    def loses_its_data(self, *settings):
        server = self.gateway(*settings)
        device = self.streaming_device(server)
        device.stream(0, 20)
        device.await_upload()
        server.kill()
        device.stream(20, 120)
        shutil.rmtree(self.data())
        server.start()
        self.goes_on(device, server)
        device.stream(120, 150)
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assert_numbers(range(20, 150))

    def assert_numbers(self, numbers, name="gateway"):
        """Exactly these readings are stored, each once and unchanged."""
        written = {"device.file": numbers}
        self.assertEqual([], readings.faults(written, self.stored(name=name)))
        self.assertEqual([], self.lines("dead-letters", name=name))

    def test_a_file_goes_on_when_a_gateway_in_development_mode_has_lost_its_data(self):
        self.loses_its_data()

    def test_a_file_goes_on_when_a_gateway_with_an_application_directory_has_lost_its_data(self):
        self.loses_its_data(*application.write(self.work))

    def test_a_file_goes_on_when_the_gateway_is_restored_from_a_backup_that_does_not_know_it(self):
        server = self.gateway()
        device = self.device(server)
        device.log_in()
        self.command("backup", self.data("backup"))
        device.open(readings.CLASSES)
        device.stream(0, 20)
        device.await_upload()
        server.kill()
        shutil.rmtree(self.data())
        os.rename(self.data("backup"), self.data())
        server.start()
        device.stream(20, 40)
        device.ask("reconnect")
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assert_numbers(range(20, 40))

    def test_files_with_one_ident_of_two_gateways_are_two(self):
        first, second = self.gateway(), self.gateway(name="second")
        mover, resident = self.streaming_device(first), self.streaming_device(second, "resident")
        mover.stream(0, 20)
        resident.stream(0, 30)
        mover.await_upload()
        resident.await_upload()
        self.goes_on(mover, second)
        # Both write under the same ident at once.
        mover.stream(20, 50)
        resident.stream(30, 60)
        mover.await_upload()
        resident.await_upload()
        self.assertEqual([], mover.errors() + resident.errors())
        written = {"device.file": range(20, 50), "resident.file": range(60)}
        self.assertEqual([], readings.faults(written, self.stored(name="second")))


if __name__ == "__main__":
    unittest.main()
