"""Users of App Services whose old sessions are refused: what becomes of them, and of their files."""

import glob
import json
import os
import re
import unittest
import urllib.request

import scene  # finds the modules of the next
import application
import readings
from device import Refused
from homecoming import Homecoming
from scene import APP_ID, url, wait_until

EMAIL, PASSWORD = "station@example.com", "a-password"
# What realm-core tells an application whose user it logs out.
AUTH_ERROR = 4346


class OldUsers(Homecoming):
    def logs_in_anew(self, server, device, user, service, **how):
        """The user's old session is refused; his file stays, and goes out when he has logged in."""
        self.takes_in(server)
        self.goes_on(device, user, server)
        wait_until("he is logged out", lambda: device.ask("user_state", user="user") == "RLM_USER_STATE_LOGGED_OUT")
        device.stream(60, 70)
        self.assertEqual([], self.stored())
        self.assertEqual(user, device.log_in(**how))
        self.assert_home(device, service, range(20, 70), told=[AUTH_ERROR])
        device.kill()
        self.goes_on(device, user, server)
        device.stream(70, 80)
        self.assert_home(device, service, range(20, 80))

    def test_a_user_with_a_token_of_the_application_logs_in_anew_and_his_file_goes_out(self):
        how = {"with": "jwt", "token": application.jwt(sub="station-7")}
        served = self.was_served(**how)
        self.logs_in_anew(self.gateway(*application.write(self.work)), *served, **how)

    def test_a_user_with_an_email_resets_his_password_and_his_file_goes_out(self):
        how = {"with": "password", "email": EMAIL, "password": PASSWORD}
        served = self.was_served(**how)
        mails = os.path.join(self.work, "mails")
        os.mkdir(mails)
        server = self.takes_in(self.gateway("--dev", "--mail-dir", mails))
        with self.assertRaisesRegex(Refused, "401"):
            self.device(server, "stranger").log_in(**how)
        self.reset_password(server, mails, "another-password")
        self.logs_in_anew(server, *served, **{**how, "password": "another-password"})

    def test_a_user_with_an_api_key_gets_a_new_one_and_his_file_goes_out(self):
        served = self.was_served(**{"with": "api_key", "key": "of the service"})
        server = self.takes_in(self.gateway())
        (made,) = self.lines("keys", "create", "station", "--user", served[1])
        self.logs_in_anew(server, *served, **{"with": "api_key", "key": made["text"]})

    def reset_password(self, server, mails, password):
        def post(what, **body):
            path = f"/api/client/v2.0/app/{APP_ID}/auth/providers/local-userpass/{what}"
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(url(server) + path, json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.assertLess(answer.status, 300)

        def mail():
            return glob.glob(os.path.join(mails, "*.eml"))

        post("reset/send", email=EMAIL)
        wait_until("the mail is there", mail)
        with open(mail()[0]) as file:
            text = file.read().replace("=\n", "").replace("=3D", "=")
        secret, number = (re.search(rf"\b{name}=(\w+)", text)[1] for name in ("token", "tokenId"))
        post("reset", password=password, token=secret, tokenId=number)

    def test_an_anonymous_user_whose_old_session_is_refused_loses_his_file_with_the_next_start(self):
        device, user, _ = self.was_served()
        # An SDK puts it there unless its program says where.
        place = f"mongodb-realm/{APP_ID}/{user}/file"
        path = os.path.join(device.folder, f"{place}.realm")
        os.makedirs(os.path.dirname(path))
        os.rename(os.path.join(device.folder, "file.realm"), path)
        server = self.takes_in(self.gateway())
        device.start(url(server))
        device.ask("resume_user", user="user")
        device.open(readings.CLASSES, file=place)
        wait_until("he is removed", lambda: device.ask("user_state", user="user") == "RLM_USER_STATE_REMOVED")
        self.assertTrue(os.path.exists(path))
        device.kill()
        device.start(url(server))
        self.assertFalse(os.path.exists(path))

    def test_a_file_of_an_anonymous_user_in_a_place_of_the_programs_own_goes_out_with_whoever_opens_it_next(self):
        device, user, service = self.was_served()
        server = self.takes_in(self.gateway())
        self.goes_on(device, user, server)
        wait_until("he is removed", lambda: device.ask("user_state", user="user") == "RLM_USER_STATE_REMOVED")
        device.kill()
        device.start(url(server))
        self.assertNotEqual(user, device.log_in())
        device.open(readings.CLASSES)
        self.assert_home(device, service, range(20, 60))


if __name__ == "__main__":
    unittest.main()
