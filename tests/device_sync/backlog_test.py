"""Much at once: a transaction of a hundred thousand objects, and a week's transactions made offline."""

import unittest

from scene import Scene, wait_until


class Backlog(Scene):
    def test_a_transaction_of_a_hundred_thousand_objects_arrives(self):
        device = self.streaming_device(self.gateway())
        device.stream(0, 100_000, each=100_000)
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assert_arrived(device)

    def test_three_thousand_transactions_made_offline_arrive(self):
        server = self.gateway()
        device = self.streaming_device(server)
        device.stream(0, 1)
        device.await_upload()
        server.begin_stop()
        server.finish_stop()
        wait_until("the device is offline", lambda: device.state()["connection"] != "CONNECTED")
        device.stream(1, 3_001)
        server.start()
        device.ask("reconnect")
        device.await_upload()
        # Of a gateway that stops it is only told that nothing listens there any more.
        self.assertEqual([], [e["message"] for e in device.errors() if "Connection refused" not in e["message"]])
        self.assert_arrived(device)


if __name__ == "__main__":
    unittest.main()
