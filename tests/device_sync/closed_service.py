"""A stand-in for App Services before it was shut down: as much of it as a device with a Realm SDK needs to log in and stream. It
does what only that service does: user ids of its time, tokens that nobody else can check, client files with idents of its own,
and versions that no gateway gives."""

import base64
import hashlib
import hmac
import json
import os
import random
import socket
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import websocket

SUB_PROTOCOL = "com.mongodb.realm-query-sync#14"
API = "/api/client/v2.0/"
LATE_2023 = 1_700_000_000
YEAR_SECONDS = 31_536_000
REFRESH_SECONDS = {"anon-user": 50 * YEAR_SECONDS}


def object_id():
    """An id as the service made them while it was there."""
    return f"{LATE_2023:08x}{os.urandom(8).hex()}"


class File:
    """What the service knows of one local file."""

    def __init__(self, ident):
        self.ident, self.salt = ident, random.randrange(1, 2**63)
        self.server = self.told_before = self.told = self.upload_server = self.query = 0
        self.received = []  # the versions of its changesets


class ClosedService:
    """Runs until it is shut down. With `lags` what it says that the device has been sent up to stays behind what it says that the
    device has uploaded, as the service's own did. Access tokens can be made that have expired, as they all have by now."""

    def __init__(self, lags=False, access_seconds=1800):
        self.lags, self.access_seconds = lags, access_seconds
        self.acknowledges = True
        self.users, self.files = {}, {}
        self.domain, self.key = object_id(), os.urandom(32)
        self.connections, self.lock = set(), threading.RLock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads, self.http.service = True, self
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def shut_down(self):
        """For good, with all connections."""
        self.http.shutdown()
        self.http.server_close()
        with self.lock:
            for connection in self.connections:
                connection.shutdown(socket.SHUT_RDWR)

    def received(self):
        """How many changesets it has."""
        return sum(len(file.received) for file in self.files.values())

    def export(self, path):
        """Writes its users as its Admin API showed them."""
        with open(path, "w") as file:
            json.dump(list(self.users.values()), file)

    def token(self, user, seconds, **claims):
        def part(value):
            return base64.urlsafe_b64encode(value).rstrip(b"=")

        now = int(time.time())
        claims = {
            "baas_device_id": "0" * 24,
            "baas_domain_id": self.domain,
            "exp": now + seconds,
            "iat": now - YEAR_SECONDS,
            "stitch_devId": "0" * 24,
            "stitch_domainId": self.domain,
            "sub": user,
            **claims,
        }
        text = b".".join(part(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
        return (text + b"." + part(hmac.new(self.key, text, hashlib.sha256).digest())).decode()

    def access_token(self, user, session):
        return self.token(user, self.access_seconds, iss=session, typ="access")

    def log_in(self, provider, asked):
        """Whoever comes is somebody new."""
        identity = claims(asked["token"])["sub"] if provider == "custom-token" else f"{object_id()}-{'a' * 20}"
        user = object_id()
        self.users[user] = {
            "_id": user,
            "type": "normal",
            "creation_date": LATE_2023,
            "last_authentication_date": LATE_2023,
            "disabled": False,
            "data": {"email": asked["username"]} if provider == "local-userpass" else {},
            "identities": [{"id": identity, "provider_type": provider, "provider_id": object_id()}],
        }
        session = object_id()
        refresh = {"typ": "refresh", "baas_id": session, "stitch_id": session, "baas_data": None, "stitch_data": None}
        return {
            "access_token": self.access_token(user, session),
            "refresh_token": self.token(user, REFRESH_SECONDS.get(provider, 60 * 86_400), **refresh),
            "user_id": user,
            "device_id": "0" * 24,
        }


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.service = self.server.service
        with self.service.lock:
            self.service.connections.add(self.connection)

    def finish(self):
        super().finish()
        with self.service.lock:
            self.service.connections.discard(self.connection)

    def log_message(self, *_):
        pass

    def bearer(self):
        return claims(self.headers["Authorization"].split(" ")[1])

    def answer(self, status, body=None):
        text = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        path = self.path.partition("?")[0].removeprefix(API)
        if path.endswith("/location"):
            host = f"127.0.0.1:{self.service.port}"
            names = {"hostname": f"http://{host}", "ws_hostname": f"ws://{host}"}
            self.answer(200, {"deployment_model": "GLOBAL", "location": "US-VA", **names})
        elif path == "auth/profile":
            user = self.service.users[self.bearer()["sub"]]
            self.answer(200, {"user_id": user["_id"], **{k: user[k] for k in ("type", "data", "identities")}})
        elif path.endswith("/realm-sync"):
            self.upgrade()
        else:
            self.answer(404, {"error": "not found"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == f"{API}auth/session":
            refresh = self.bearer()
            self.answer(201, {"access_token": self.service.access_token(refresh["sub"], refresh["baas_id"])})
        elif self.path.endswith("/login"):
            with self.service.lock:
                self.answer(200, self.service.log_in(self.path.split("/")[-2], json.loads(body)))
        else:
            self.answer(201)

    def do_DELETE(self):
        self.answer(204)

    def upgrade(self):
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", websocket.accept(self.headers["Sec-WebSocket-Key"]))
        self.send_header("Sec-WebSocket-Protocol", SUB_PROTOCOL)
        self.end_headers()
        self.close_connection = True
        sessions = Sessions(self.service, lambda message: websocket.send(self.wfile, message))
        try:
            while (message := websocket.receive(self.rfile)) is not None:
                with self.service.lock:
                    sessions.take(message)
        except OSError:
            pass  # it is shut down, or the device is gone


class Sessions:
    """Those of one connection, in the protocol of realm-core 14."""

    def __init__(self, service, send):
        self.service, self.send, self.files = service, send, {}

    def take(self, message):
        head, _, body = message.partition(b"\n")
        name, *words = head.decode().split(" ")
        getattr(self, name)(body, *map(int, words))

    def say(self, *words, body=b""):
        self.send(" ".join(map(str, words)).encode() + b"\n" + body)

    def bind(self, _, session, _data, _token, needs_ident, _subserver):
        if needs_ident:
            file = File(40_000 + len(self.service.files))
            self.service.files[file.ident] = file
            self.say("ident", session, file.ident, file.salt)

    def ident(self, _, session, ident, salt, _server, client, _latest, _latest_salt, query, _size):
        file = self.service.files[ident]
        assert salt == file.salt and client <= file.told
        file.query, self.files[session] = query, file
        self.download(session, is_bootstrap=True)

    def query(self, _, session, query, _size):
        self.files[session].query = query
        self.download(session, is_bootstrap=True)

    def mark(self, _, session, request):
        self.say("mark", session, request)

    def upload(self, body, session, is_compressed, _size, _compressed, client, server, _locked):
        file = self.files[session]
        versions = changesets(zlib.decompress(body) if is_compressed else body)
        file.received += [version for version in versions if version not in file.received]
        if versions and self.service.acknowledges:
            file.told_before, file.told, file.upload_server = file.told, client, server
            self.download(session, is_bootstrap=False)

    def download(self, session, is_bootstrap):
        file = self.files[session]
        file.server += 1
        integrated = file.told_before if self.service.lags else file.told
        body = f"{file.server} {integrated} 300000000000 1 0 0 ".encode() if is_bootstrap else b""
        progress = (file.server, integrated, file.server, 0, file.told, file.upload_server)
        state = 1 if is_bootstrap else 2
        self.say("download", session, *progress, file.query, state, 1, 0, len(body), 0, body=body)

    def ping(self, _, timestamp, _round_trip):
        self.say("pong", timestamp)

    def unbind(self, _, session):
        self.files.pop(session, None)
        self.say("unbound", session)


def changesets(body):
    """The versions of those in an upload."""
    versions = []
    while body:
        version, *_, size, body = body.split(b" ", 5)
        versions.append(int(version))
        body = body[int(size) :]
    return versions
