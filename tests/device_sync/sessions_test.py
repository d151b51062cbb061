"""Tokens run out and sessions end while devices stream."""

import time
import unittest

from scene import Scene, connections, wait_until

# The shortest that a gateway takes.
TOKEN_SECONDS = 5


class Sessions(Scene):
    def begin(self):
        server = self.gateway("--dev", "--access-token-lifetime", str(TOKEN_SECONDS))
        return server, self.streaming_device(server)

    def outlive_token(self):
        since = time.monotonic()
        wait_until("the access token has run out", lambda: time.monotonic() - since > TOKEN_SECONDS + 1)

    def test_a_stream_outlives_its_access_token(self):
        server, device = self.begin()
        device.stream(0, 10)
        self.outlive_token()
        device.stream(10, 20)
        device.await_upload()
        # One that connects with an old token is given a new one.
        server.kill()
        server.start()
        device.stream(20, 30)
        device.ask("reconnect")
        device.await_upload()
        self.assertLessEqual(connections(device), 8)
        self.assert_arrived(device)

    def test_a_session_that_was_ended_stores_nothing_more_and_does_not_knock_all_the_time(self):
        server, device = self.begin()
        device.stream(0, 10)
        device.await_upload()
        user = self.lines("users", "list")[0]["user"]
        self.command("users", "revoke", user)
        wait_until("the device is logged out", lambda: self.is_out(device, server))
        before, since = connections(device), time.monotonic()
        wait_until("some seconds have passed", lambda: time.monotonic() - since > 3)
        self.assertLessEqual(connections(device) - before, 5)
        # What was written meanwhile waits on the device.
        self.assertEqual(set(range(10)), {document["number"] for document in self.stored()} & set(range(10)))

    def is_out(self, device, server):
        if device.state()["session"] == "ACTIVE" and device.ask("user_state", user="user") == "RLM_USER_STATE_LOGGED_IN":
            number = 10 + len(device.written())
            device.stream(number, number + 1)
            return False
        return True


if __name__ == "__main__":
    unittest.main()
