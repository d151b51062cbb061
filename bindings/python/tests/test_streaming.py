"""What the package promises, through the gateway that REALM_INGEST_URL names and in an empty folder.

Each test has an app of its own, so none meets what another has written; collections are those of all.
"""

from __future__ import annotations

import array
import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone

import bson
import realm_ingest
from realm_ingest import (
    Cap,
    ConnectionState,
    Credentials,
    IngestError,
    Options,
    RealmClosed,
    State,
    WaitTimedOut,
    _callbacks,
)

#: For what must happen, in seconds.
LIMIT = 60
#: Others at each run, so that one gateway serves many.
numbers = itertools.count(time.time_ns())
#: Nobody listens there.
NOWHERE = "http://127.0.0.1:1"
KEY = bytes(range(64))


@realm_ingest.asymmetric
@dataclass
class Reading:
    _id: int = field(default_factory=numbers.__next__)
    value: float = 0.0


@realm_ingest.embedded
@dataclass
class Position:
    latitude: float
    longitude: float


@realm_ingest.asymmetric
@dataclass
class EveryType:
    _id: bson.ObjectId
    truth: bool
    count: int
    ratio: float
    text: str
    raw: bytes
    at: datetime
    exact: bson.Decimal128
    name: uuid.UUID
    where: Position | None
    maybe: int | None = None
    tags: list[str] = field(default_factory=list)
    gaps: list[float | None] = field(default_factory=list)
    track: list[Position] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def no_upload() -> Options:
    """Uploads are allowed in one minute of the day alone, which is half a day away."""
    now = datetime.now()
    minute = (now.hour * 60 + now.minute + 12 * 60) % (24 * 60)
    return Options(upload_windows=((minute, minute + 1),))


class Streaming(unittest.TestCase):
    def setUp(self) -> None:
        self.app = realm_ingest.App(f"app-{next(numbers)}")
        self.user = self.app.log_in()
        self.errors: list[realm_ingest.SyncError] = []
        self.told = threading.Event()

    def open(self, options: Options = Options()) -> realm_ingest.Realm:
        def on_error(error: realm_ingest.SyncError) -> None:
            self.errors.append(error)
            self.told.set()

        return self.user.open([Reading, EveryType], options, on_error)

    def test_what_is_written_is_persisted(self) -> None:
        with self.open() as realm:
            number = realm.write(Reading(value=20.5), Reading(value=21))
            self.assertEqual(realm.wait_for(number, LIMIT), State.PERSISTED)
            self.assertEqual(realm.pending, 0)
            self.assertEqual(realm.status().sent_documents, 2)
        self.assertEqual(self.errors, [])

    def test_every_type_is_taken_by_the_server(self) -> None:
        here = Position(47.4, -122.3)
        thing = EveryType(
            _id=bson.ObjectId(),
            truth=True,
            count=7,
            ratio=3,
            text="text",
            raw=b"\0\1",
            at=datetime.now(timezone.utc),
            exact=bson.Decimal128("1.50"),
            name=uuid.uuid4(),
            where=here,
            tags=["a"],
            gaps=[1, None],
            track=[here, here],
            counts={"one": 1},
        )
        with self.open() as realm:
            self.assertEqual(realm.wait_for(realm.write(thing), LIMIT), State.PERSISTED)

    def test_an_exception_leaves_nothing_of_a_transaction(self) -> None:
        with self.open(no_upload()) as realm:
            with self.assertRaises(ZeroDivisionError), realm.transaction() as transaction:
                transaction.add(Reading())
                raise ZeroDivisionError
            self.assertEqual(realm.pending, 0)
            with realm.transaction() as transaction:
                transaction.add(Reading(), Reading())
            self.assertEqual(realm.pending, 2)
            assert transaction.number is not None
            self.assertEqual(realm.state_of(transaction.number), State.PENDING)

    def test_a_refused_document_is_told_and_can_be_asked_for(self) -> None:
        with self.open() as realm:
            first = Reading(value=1)
            realm.write(first)
            number = realm.write(Reading(first._id, 2), Reading())
            self.assertEqual(realm.wait_for(number, LIMIT), State.REFUSED)
            (refusal,) = realm.outcome_of(number).refusals
            self.assertEqual(refusal.class_name, "Reading")
            self.assertIn(f'"{first._id}"', refusal.primary_key)
            self.assertTrue(self.told.wait(LIMIT))
        self.assertEqual(self.errors[0].name, "SyncWriteNotAllowed")
        self.assertEqual(self.errors[0].refusals, (refusal,))

    def test_a_receipt_survives_a_restart(self) -> None:
        with self.open() as realm:
            number = realm.write(Reading())
            realm.wait_for_upload(LIMIT)
        with self.open() as realm:
            self.assertEqual(realm.state_of(number), State.PERSISTED)
            self.assertEqual(realm.state_of(number + 1), State.UNKNOWN)

    def test_progress_is_told(self) -> None:
        done = threading.Event()

        def told(fraction: float, uploaded: int, _waiting: int) -> None:
            if fraction == 1 and uploaded == 1:
                done.set()

        with self.open() as realm:
            end = realm.on_progress(told)
            realm.write(Reading())
            self.assertTrue(done.wait(LIMIT))
            end()

    def test_a_wait_for_a_receipt_has_a_limit(self) -> None:
        with self.open() as realm:
            realm.pause()
            number = realm.write(Reading())
            self.assertEqual(realm.wait_for(number, 0.01), State.PENDING)
            self.assertFalse(State.PENDING.is_final)
            realm.resume()
            self.assertEqual(realm.wait_for(number, LIMIT), State.PERSISTED)

    def test_an_upload_that_takes_longer_is_a_timeout(self) -> None:
        with self.open(no_upload()) as realm:
            realm.write(Reading())
            with self.assertRaises(TimeoutError) as caught:
                realm.wait_for_upload(0.01)
            self.assertIsInstance(caught.exception, WaitTimedOut)

    def test_a_wait_is_interrupted_from_the_keyboard(self) -> None:
        with self.open(no_upload()) as realm:
            number = realm.write(Reading())
            for wait in (realm.wait_for_upload, lambda: realm.wait_for(number)):
                with self.assertRaises(KeyboardInterrupt):
                    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
                    wait()

    def test_a_closed_realm_does_no_more_and_says_so(self) -> None:
        realm = self.open()
        transaction = realm.transaction()
        transaction.add(Reading())
        realm.close()
        realm.close()
        for use in (
            lambda: realm.write(Reading()),
            transaction.commit,
            realm.status,
            lambda: realm.state_of(1),
            lambda: realm.pending,
        ):
            with self.assertRaises(RealmClosed):
                use()

    def test_a_realm_works_on_without_what_made_it(self) -> None:
        realm = self.open()
        del self.app, self.user
        gc.collect()
        with realm:
            self.assertEqual(realm.wait_for(realm.write(Reading()), LIMIT), State.PERSISTED)

    def test_options_are_honoured(self) -> None:
        with self.open(Options(path="own.realm", encryption_key=KEY, cap=Cap(max_documents=1))) as realm:
            with self.assertRaises(IngestError) as caught:
                realm.write(Reading(), Reading())
            self.assertEqual(caught.exception.name, "LimitExceeded")
        with self.assertRaises(IngestError) as caught:
            self.open(Options(path="own.realm", encryption_key=KEY[::-1]))
        self.assertEqual(caught.exception.name, "InvalidDatabase")

    def test_the_program_says_whether_the_network_may_be_used(self) -> None:
        asked = threading.Event()

        def may_upload() -> bool:
            asked.set()
            return False

        with self.open(Options(may_upload=may_upload)) as realm:
            number = realm.write(Reading())
            self.assertTrue(asked.wait(LIMIT))
            self.assertEqual(realm.state_of(number), State.PENDING)

    def test_a_change_of_the_connection_is_told(self) -> None:
        connected = threading.Event()
        with self.open() as realm:
            end = realm.on_connection_change(lambda _, new: connected.set() if new == ConnectionState.CONNECTED else None)
            realm.pause()
            realm.resume()
            self.assertTrue(connected.wait(LIMIT))
            end()

    def test_a_forked_child_is_told_that_it_cannot_use_the_library(self) -> None:
        with self.open() as realm:
            child = os.fork()
            if child == 0:
                try:
                    realm.write(Reading())
                except IngestError as error:
                    os._exit(0 if error.name == "LogicError" else 1)
                os._exit(1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_users_register_and_log_in(self) -> None:
        email = f"ann{next(numbers)}@example.com"
        self.app.register(email, "correct horse")
        user = self.app.log_in(Credentials.password(email, "correct horse"))
        self.assertEqual(user.state, realm_ingest.UserState.LOGGED_IN)
        current = self.app.current_user
        assert current is not None
        self.assertEqual(current.id, user.id)
        with self.assertRaises(IngestError) as caught:
            self.app.log_in(Credentials.password(email, "wrong"))
        self.assertEqual(caught.exception.name, "InvalidPassword")
        user.log_out()
        self.assertEqual(user.state, realm_ingest.UserState.LOGGED_OUT)

    def test_a_server_that_is_not_there_is_an_error_with_code_and_message(self) -> None:
        with self.assertRaises(IngestError) as caught:
            realm_ingest.App("nowhere", base_url=NOWHERE).log_in()
        error = caught.exception
        self.assertGreater(error.code, 0)
        self.assertEqual(str(error), f"{error.message} ({error.name})")

    def test_a_field_that_cannot_be_streamed_is_refused_where_it_is_declared(self) -> None:
        with self.assertRaisesRegex(TypeError, "Odd.thing has a type that cannot be streamed"):

            @realm_ingest.asymmetric
            @dataclass
            class Odd:
                _id: int
                thing: object

        with self.assertRaisesRegex(TypeError, "put @dataclass under @asymmetric"):
            realm_ingest.asymmetric(type("Plain", (), {}))

    def run_program(self, program: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
        done = subprocess.run([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def test_a_wait_ends_with_the_library_though_no_callback_begins_any_more(self) -> None:
        self.run_program("""
import threading, realm_ingest, test_streaming
realm = realm_ingest.App("shut-down").log_in().open([test_streaming.Reading], test_streaming.no_upload())
realm.write(test_streaming.Reading())
running, go_on, begins = threading.Event(), threading.Event(), threading.Event()
realm.on_progress(lambda *_: (running.set(), go_on.wait()))
running.wait()
def wait():
    begins.set()
    try:
        realm.wait_for_upload()
    except realm_ingest.IngestError:
        return
    raise SystemExit("it was not uploaded")
waiting = threading.Thread(target=wait)
waiting.start()
begins.wait()
assert not realm_ingest.shutdown(0)
go_on.set()
waiting.join()
""")

    def test_what_outlives_the_package_at_the_end_of_the_interpreter_does_no_harm(self) -> None:
        self.run_program("""
import sys, types
older = sys.modules["older"] = types.ModuleType("older")
import realm_ingest, test_streaming
# Modules that somebody holds, as a debugger may, are taken down in the reverse order of their import.
sys.held = older, realm_ingest._callbacks
app = realm_ingest.App("outliving")
older.realm = app.log_in().open([test_streaming.Reading], on_error=print)
older.realm.on_progress(lambda *_: None)
older.transaction = older.realm.transaction()
older.app = realm_ingest.App("with-transport", transport=lambda _: None)
""")

    def test_waits_that_ended_and_calls_that_failed_keep_no_function(self) -> None:
        with self.open(no_upload()) as realm:
            realm.write(Reading())
            before = len(_callbacks._held)
            for _ in range(10):
                with self.assertRaises(WaitTimedOut):
                    realm.wait_for_upload(0)
            with self.assertRaises(OverflowError):
                self.user.open([Reading], Options(path="other.realm", may_upload=lambda: True, ask_again_ms=-1))
            with self.assertRaises(IngestError):
                self.user.open([Reading], Options(encryption_key=KEY, may_upload=lambda: True))
            self.assertEqual(len(_callbacks._held), before)

    def test_a_failure_of_the_own_http_is_the_calls_error(self) -> None:
        def send(_: realm_ingest.Request) -> realm_ingest.Response:
            raise ValueError("no cable \udcff")

        with self.assertRaisesRegex(IngestError, r"ValueError: no cable \\udcff"):
            realm_ingest.App("own-http", transport=send).log_in()

    def test_documents_may_be_in_any_buffer(self) -> None:
        with self.open(no_upload()) as realm:
            transaction = realm.transaction()
            document = bson.encode({"_id": 1})
            two_bytes_an_item = array.array("H", document)
            for buffer in (document, bytearray(document), two_bytes_an_item):
                transaction.add_bson("Reading", buffer)
            transaction.commit()
            self.assertEqual(realm.pending, 3)

    def test_a_program_may_end_while_callbacks_run(self) -> None:
        done = self.run_program("""
import logging, realm_ingest, test_streaming
logging.basicConfig(level=logging.DEBUG)
realm_ingest.log_to(logging.getLogger("of.realm"), logging.DEBUG)
realm = realm_ingest.App("ending").log_in().open([test_streaming.Reading], on_error=print)
realm.on_progress(lambda *_: None)
for _ in range(100):
    realm.write(test_streaming.Reading())
""")
        self.assertIn(b"of.realm", done.stderr)


if __name__ == "__main__":
    unittest.main()
