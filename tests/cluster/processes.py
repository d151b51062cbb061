"""The processes of the test: gateways, the load balancer in front of them, devices. All die with the test."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(TESTS))
STEP_SECONDS = 60
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


class Failed(Exception):
    """The test cannot go on, or has failed; says why."""


def wait_until(what, condition, seconds=STEP_SECONDS):
    """Awaits the condition; `what` says in a failure what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for: {what}")
        time.sleep(0.05)


def spawn(command, **options):
    """Starts a process that is killed when the test ends, however that happens."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], **options)


def free_port():
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return attempt.getsockname()[1]


class Gateway:
    """A gateway on one port, over all its lives."""

    def __init__(self, name, binary, settings, work):
        self.name, self.binary, self.settings, self.port = name, binary, settings, 0
        self.log_path = os.path.join(work, f"gateway-{name}.log")
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = spawn(
                [self.binary, "serve", *self.settings, "--listen", f"127.0.0.1:{self.port}"],
                stdout=subprocess.PIPE,
                stderr=log,
            )
        for line in self.process.stdout:
            if b"listening on" in line:
                self.port = int(line.decode().split("127.0.0.1:")[1].split()[0].rstrip("/"))
                break
        else:
            raise Failed(f"gateway {self.name} did not start; see {self.log_path}")
        wait_until(f"gateway {self.name} is ready", self.is_ready)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def begin_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def has_ended(self):
        return self.process.poll() is not None

    def finish_stop(self):
        wait_until(f"gateway {self.name} ends after SIGTERM", self.has_ended)
        self.process.stdout.close()
        if self.process.returncode != 0:
            raise Failed(f"gateway {self.name} ended with status {self.process.returncode} after SIGTERM")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Balancer:
    """nginx with the locations that packaging/nginx gives to operators."""

    def __init__(self, gateways, work):
        self.port, self.work = free_port(), os.path.join(work, "nginx")
        self.access_log = os.path.join(self.work, "access.log")
        self.log_path = os.path.join(self.work, "error.log")
        os.mkdir(self.work)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "\n".join(f"    {kind}_temp_path {self.work}/{kind};" for kind in kinds)
        servers = "\n".join(f"        server 127.0.0.1:{g.port} max_fails=2 fail_timeout=1s;" for g in gateways)
        with open(os.path.join(self.work, "nginx.conf"), "w") as file:
            file.write(f"""daemon off;
master_process off;
pid {self.work}/pid;
error_log {self.log_path} info;
events {{}}
http {{
{folders}
    log_format gateways '$status|$upstream_addr|$request_uri';
    access_log {self.access_log} gateways;
    upstream realm_ingest {{
        zone realm_ingest 64k;
        least_conn;
{servers}
        keepalive 64;
    }}
    server {{
        listen 127.0.0.1:{self.port};
        include {ROOT}/packaging/nginx/realm-ingest-locations.conf;
    }}
}}
""")
        self.process = spawn([NGINX, "-p", self.work, "-e", self.log_path, "-c", f"{self.work}/nginx.conf"])
        wait_until("nginx listens", self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise Failed(f"nginx did not start; see {self.log_path}")
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def requests(self):
        """What was answered so far: (status, ports of the gateways that were asked, path)."""
        with open(self.access_log) as log:
            lines = [line.rstrip("\n").split("|") for line in log if line.endswith("\n")]
        return [(int(status), re.findall(r":(\d+)", asked), path) for status, asked, path in lines]

    def count(self, status):
        return sum(1 for answered, _, _ in self.requests() if answered == status)

    def answered_by(self, gateway):
        """How many requests this gateway has answered."""
        return sum(1 for status, asked, _ in self.requests() if status < 500 and asked[-1:] == [str(gateway.port)])

    def cut_off(self):
        """Requests whose gateway went away in the middle of them."""
        with open(self.log_path) as log:
            return len(re.findall("upstream prematurely closed|reset by peer\\) while reading response", log.read()))


class Device:
    """A program that streams; see device.cpp."""

    LEDGER_LINE = 11

    def __init__(self, number, binary, pace, balancer, work):
        self.number, self.folder = number, os.path.join(work, f"device-{number}")
        os.mkdir(self.folder)
        self.output_path, self.log_path = (os.path.join(self.folder, name) for name in ("output", "log"))
        with open(self.output_path, "wb") as output, open(self.log_path, "wb") as log:
            self.process = spawn(
                [binary, str(number), str(pace)],
                cwd=self.folder,
                env=dict(os.environ, REALM_INGEST_URL=f"http://127.0.0.1:{balancer.port}"),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=log,
            )

    def said(self, word):
        """What it said behind the word, one for each time."""
        with open(self.output_path) as output:
            lines = [line.rstrip("\n").split(" ", 1) for line in output if line.endswith("\n")]
        return [line[1] for line in lines if line[0] == word]

    def written(self):
        """How many write() have returned."""
        try:
            return os.stat(os.path.join(self.folder, "ledger")).st_size // self.LEDGER_LINE
        except FileNotFoundError:
            return 0

    def ledger(self):
        """The transactions whose write() has returned."""
        with open(os.path.join(self.folder, "ledger")) as ledger:
            return [int(line) for line in ledger]

    def stop_writing(self):
        self.process.stdin.close()
