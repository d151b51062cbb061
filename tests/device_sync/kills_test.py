"""Devices and gateways are killed in the middle of their work."""

import unittest

from scene import Scene, wait_until


class Kills(Scene):
    def test_a_device_killed_while_it_streams_loses_and_doubles_nothing(self):
        server = self.gateway()
        device = self.streaming_device(server)
        for life in range(4):
            device.begin_stream(life * 10_000, (life + 1) * 10_000, each=2)
            before = len(device.written())
            wait_until("it has written more", lambda: len(device.written()) >= before + 100)
            device.kill()
            self.again(device, server)
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assert_written_or_begun(device)

    def assert_written_or_begun(self, device):
        """A transaction that was cut off is there whole, or not at all: its commit may have returned unnoted."""
        noted = set(device.written())
        extra = [d["number"] for d in self.stored() if d["number"] not in noted]
        self.assertLessEqual(len(extra), 4 * 2)
        with open(device.ledger_path("file"), "a") as ledger:
            ledger.writelines(f"{number}\n" for number in extra)
        self.assert_arrived(device)
        self.assertTrue(all(number ^ 1 in extra for number in extra))

    def test_a_gateway_killed_while_a_device_streams_loses_and_doubles_nothing(self):
        server = self.gateway()
        device = self.streaming_device(server)
        # Enough that a slow machine has killed the gateway so often before the device is done.
        device.begin_stream(0, 4_000)
        for _ in range(4):
            before = len(self.stored())
            wait_until("more has arrived", lambda: len(self.stored()) > before)
            server.kill()
            server.start()
        device.answer()
        device.ask("reconnect")
        device.await_upload()
        self.assert_arrived(device)


if __name__ == "__main__":
    unittest.main()
