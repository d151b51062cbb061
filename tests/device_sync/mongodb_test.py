"""Two gateways over one MongoDB, behind the load balancer of packaging/."""

import unittest

import scene  # finds the modules of the next
from bson.codec_options import CodecOptions
from database import Database
from processes import Balancer

# Where development mode puts documents.
DATABASE = "realm_ingest_data"


class Shared(scene.Scene):
    def setUp(self):
        super().setUp()
        self.database = Database(self.work)
        self.database.client.drop_database(DATABASE)

    def tearDown(self):
        super().tearDown()
        self.database.stop()

    def stored(self, of="Reading", name="gateway"):
        aware = CodecOptions(tz_aware=True)
        return list(self.database.client[DATABASE].get_collection(of, codec_options=aware).find())

    def lines(self, *arguments, name="gateway"):
        return list(self.database.state("dead_letters"))

    def test_a_device_streams_through_a_load_balancer_to_gateways_that_are_killed(self):
        settings = ["--dev", *self.database.settings(), "--trusted-proxy", "127.0.0.1"]
        gateways = [self.gateway(*settings, name=name) for name in ("first", "second")]
        balancer = Balancer(gateways, self.work)
        self.addCleanup(balancer.process.kill)
        device = self.streaming_device(balancer)
        device.begin_stream(0, 1_000)
        for gateway in gateways:
            before = len(self.stored())
            scene.wait_until("more has arrived", lambda: len(self.stored()) > before)
            gateway.kill()
            gateway.start()
        device.answer()
        device.ask("reconnect")
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assert_arrived(device)
        # The token is in the query.
        self.assertNotIn("realm-sync", "".join(path for _, _, path in balancer.requests()))


if __name__ == "__main__":
    unittest.main()
