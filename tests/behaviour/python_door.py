"""The door of the Python package."""

from __future__ import annotations

import json
import logging
import queue
import sys
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import datetime

import bson
import bson.json_util
import realm_ingest
from realm_ingest import App, Cap, CapPolicy, Credentials, Durability, IngestError, Options, Response, State, StopPolicy

# Numbers and times as the suite has them, which is how BSON has them.
JSON = bson.json_util.JSONOptions(
    json_mode=bson.json_util.JSONMode.CANONICAL,
    uuid_representation=bson.binary.UuidRepresentation.STANDARD,
    tz_aware=True,
)


@realm_ingest.embedded
@dataclass
class Place:
    latitude: float
    longitude: float


@realm_ingest.asymmetric
@dataclass
class Reading:
    _id: bson.ObjectId
    station: str
    value: float
    count: int
    valid: bool
    at: datetime
    price: bson.Decimal128
    device: uuid.UUID
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    place: Place | None = None


@realm_ingest.asymmetric
@dataclass
class Alarm:
    _id: int
    text: str


CLASSES = {"Reading": Reading, "Alarm": Alarm}


def objects(flat):
    """Objects of the classes and the documents that follow each other."""
    for name, text in zip(flat[::2], flat[1::2]):
        fields = bson.json_util.loads(text, json_options=JSON)
        if fields.get("place") is not None:
            fields["place"] = Place(**fields["place"])
        yield CLASSES[name](**fields)


def key(given, name="key"):
    return bytes.fromhex(given[name]) if name in given else None


def credentials(given):
    match given["provider"]:
        case "anon-user":
            return Credentials.anonymous()
        case "local-userpass":
            return Credentials.password(given["email"], given["password"])
        case "api-key":
            return Credentials.api_key(given["key"])
        case "custom-token":
            return Credentials.custom_token(given["token"])
        case "custom-function":
            return Credentials.function(given["payload"])


class Kept(logging.Handler):
    """What the library logs."""

    def __init__(self):
        super().__init__()
        self.text = ""

    def emit(self, record):
        self.text += record.getMessage() + "\n"


class Door:
    """A device. Each public method is a command."""

    def __init__(self):
        self._errors = queue.Queue()
        self._progress = queue.Queue()
        self._log = Kept()
        self._requests = 0
        self._options = Options()

    def commands(self, given):
        return {"commands": [name for name in dir(self) if not name.startswith("_")], "without": []}

    def _send(self, request):
        """HTTP of the application, by Python's own."""
        self._requests += 1
        asked = urllib.request.Request(request.url, request.body or None, request.headers, method=request.method)
        try:
            with urllib.request.urlopen(asked, timeout=request.timeout) as answer:
                return Response(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as answer:
            return Response(answer.code, dict(answer.headers), answer.read())

    def requests(self, given):
        return {"any": self._requests > 0}

    def open_app(self, given):
        self._app = App(
            given["id"],
            base_url=given["url"],
            path=given["files"],
            metadata_encryption_key=key(given),
            transport=self._send if given.get("own_http") else None,
        )
        self._user = self._app.current_user

    def register(self, given):
        self._app.register(given["email"], given["password"])

    def log_in(self, given):
        self._user = self._app.log_in(credentials(given))
        return {"user": self._user.id}

    def log_out(self, given):
        self._user.log_out()

    def link(self, given):
        self._user.link(credentials(given))

    def identities(self, given):
        return {"providers": [one["provider_type"] for one in self._user.identities()]}

    def users(self, given):
        return {"states": [user.state.name.lower() for user in self._app.users()]}

    def switch_user(self, given):
        self._user = self._app.users()[given["index"]]
        self._app.switch_to(self._user)

    def remove_user(self, given):
        self._app.remove(self._user)

    def delete_user(self, given):
        self._app.delete(self._user)

    def user(self, given):
        return {"user": self._user.id, "state": self._user.state.name.lower()}

    def server_time(self, given):
        return {"known": self._app.server_time_ms() is not None}

    def open_realm(self, given):
        self._options = Options(
            path=given.get("path"),
            encryption_key=key(given),
            durability=Durability[given.get("durability", "full").upper()],
            cap=Cap(
                max_documents=given.get("max_documents"),
                policy=CapPolicy[given.get("cap_policy", "fail").upper()],
            ),
            urgent_classes=tuple(CLASSES[name] for name in given.get("urgent", ())),
            stop_policy=StopPolicy[given.get("stop_policy", "after_upload").upper()],
        )
        self._realm = self._user.open(CLASSES.values(), self._options, on_error=self._errors.put)

    def rekey(self, given):
        self._user.rekey(CLASSES.values(), self._options, key(given, "new_key"))

    def close_realm(self, given):
        self._realm.close()

    def write(self, given):
        return {"number": str(self._realm.write(*objects(given["documents"])))}

    def abandon(self, given):
        self._realm.transaction().add(*objects(given["documents"]))

    def receipt(self, given):
        return {"state": self._realm.state_of(int(given["number"])).name.lower()}

    def wait_for_receipt(self, given):
        state: State = self._realm.wait_for(int(given["number"]), given["timeout_ms"] / 1000)
        return {"state": state.name.lower()}

    def status(self, given):
        found = self._realm.status()
        return {
            "transactions": found.waiting_transactions,
            "documents": found.waiting_documents,
            "dropped": found.dropped_documents,
            "refused": found.refused_documents,
        }

    def wait_for_upload(self, given):
        self._realm.wait_for_upload(given["timeout_ms"] / 1000)

    def pause(self, given):
        self._realm.pause()

    def resume(self, given):
        self._realm.resume()

    def reconnect(self, given):
        self._realm.reconnect()

    def session(self, given):
        realm = self._realm
        return {"state": realm.session_state.name.lower(), "connection": realm.connection_state.name.lower()}

    def error(self, given):
        error = self._errors.get(timeout=given["timeout_ms"] / 1000)
        refusals = [{"class": one.class_name, "reason": one.reason} for one in error.refusals]
        return {"code": error.name, "fatal": error.is_fatal, "refusals": refusals}

    def watch_progress(self, given):
        def heard(fraction, uploaded, waiting):
            if fraction == 1:
                self._progress.put(waiting)

        self._realm.on_progress(heard)

    def progress_done(self, given):
        return {"waiting": self._progress.get(timeout=given["timeout_ms"] / 1000)}

    def stranded(self, given):
        return {"documents": [one.documents for one in self._app.stranded()]}

    def _path(self, given):
        return self._app.stranded()[given["index"]].path

    def export(self, given):
        return {"documents": self._app.export(self._path(given), given["destination"])}

    def rehome(self, given):
        self._app.rehome(self._path(given), self._user)

    def discard(self, given):
        return {"documents": self._app.discard(self._path(given))}

    def listen_to_log(self, given):
        logger = logging.Logger("behaviour")
        logger.addHandler(self._log)
        realm_ingest.log_to(logger, logging.DEBUG)

    def logged(self, given):
        return {"found": given["text"] in self._log.text}

    def shutdown(self, given):
        return {"ended": realm_ingest.shutdown(given["timeout_ms"] / 1000)}


def main():
    door = Door()
    for line in sys.stdin:
        given = json.loads(line)
        try:
            answer = {"ok": getattr(door, given["do"])(given) or {}}
        except IngestError as error:
            answer = {"error": {"message": error.message, "code": error.name}}
        except Exception as error:
            answer = {"error": {"message": repr(error)}}
        print(json.dumps(answer), flush=True)
    realm_ingest.log_to(None)


main()
