#!/usr/bin/python3
"""Every function of the C header, given what it should not be, in a forked child, and after the end of the library: it fails
or does nothing, writes no output where it fails, and frees what it took.

    misuse_test.py C_COMPILER HEADER LIBRARY

Beside a gateway, which REALM_INGEST_URL names. Functions that come later are called too.
"""

import itertools
import os
import signal
import sys
import threading

import cffi
from declarations_of import declarations

# Not called: they end the library, or what other calls are made with.
ENDS = ("shutdown", "user_log_out", "app_remove_user", "app_delete_user", "realm_close")
# In seconds, for what could wait for ever.
LIMIT = 60
# What outputs hold before a call.
POISON = 0xA5
SIZE_MAX = 2**64 - 1
# A length that nothing has, where a pointer may hold half of all there are.
NEGATIVE = 2**63
TEXT = b"text"


class Library:
    def __init__(self, compiler, header, library):
        self.ffi = ffi = cffi.FFI()
        ffi.cdef(declarations(compiler, header))
        self.lib = ffi.dlopen(library)
        self.text = ffi.new("char[]", TEXT)
        #: How often the userdata of each call that took some was freed; the first is of none.
        self.freed = [0]
        # Some are called when the call that took them has returned long since.
        self.kept = [ffi.callback("realm_ingest_free_callback", self.count)]

    def count(self, userdata):
        self.freed[int(self.ffi.cast("uintptr_t", userdata))] += 1

    def functions(self):
        for name in dir(self.lib):
            short = name.removeprefix("realm_ingest_")
            if name.islower() and short not in ENDS and not short.endswith("_free"):
                yield name, self.ffi.typeof(getattr(self.lib, name))

    def callback(self, kind):
        """A function of this type that does nothing."""
        answer = None if kind.result.kind == "void" else False
        self.kept.append(self.ffi.callback(kind, lambda *_: answer))
        return self.kept[-1]

    def free(self, place):
        """Frees an object that a call gave."""
        kind = self.ffi.typeof(place).item.item.cname.removeprefix("struct ").strip()
        getattr(self.lib, f"{kind}_free")(place[0])

    def made(self, kind, function, *arguments):
        """An object that a function gives."""
        place = self.ffi.new(f"realm_ingest_{kind} **")
        code = getattr(self.lib, f"realm_ingest_{function}")(*arguments, self.ffi.NULL, place)
        assert code == self.lib.REALM_INGEST_OK, (function, code)
        return place


def role(ffi, kind, is_behind_the_error):
    """What an argument of this type is."""
    if kind.kind == "primitive":
        return "length" if kind.cname == "size_t" else "number"
    if kind.kind == "function":
        return "free" if kind is ffi.typeof("realm_ingest_free_callback") else "callback"
    inner = kind.item
    if inner.kind == "pointer":
        return "error" if inner.item is ffi.typeof("realm_ingest_error") else "output"
    if inner.kind == "struct":
        return "handle"
    if inner.kind == "void":
        return "userdata"
    return "text" if inner.cname in ("char", "uint8_t") and not is_behind_the_error else "output"


def extreme(kind, least):
    """The least or the greatest number of a type."""
    if kind.cname == "_Bool":
        return not least
    bits = 8 * cffi.FFI().sizeof(kind.cname)
    if kind.cname.startswith("u"):
        return 0 if least else 2**bits - 1
    return -(2 ** (bits - 1)) if least else 2 ** (bits - 1) - 1


class Call:
    """One call and what came of it. `handle` gives one of a type; of the others the keyword says which they are."""

    def __init__(self, library, name, kind, handle, *, text, output, callback, length, least):
        ffi, lib = library.ffi, library.lib
        self.outputs, self.has_handle, self.takes = [], False, 0
        error = None
        arguments = []
        for argument in kind.args:
            part = role(ffi, argument, error is not None)
            value = ffi.NULL
            if part == "error":
                value = error = ffi.new(argument)
            elif part == "output" and output:
                value = ffi.new(argument)
                ffi.buffer(value)[:] = bytes([POISON]) * ffi.sizeof(argument.item)
                self.outputs.append(value)
            elif part == "callback" and callback:
                value = library.callback(argument)
            elif part == "userdata":
                self.takes = len(library.freed)
                library.freed.append(0)
                value = ffi.cast(argument, self.takes)
            elif part == "free":
                value = library.kept[0]
            elif part == "handle":
                value, self.has_handle = ffi.cast(argument, handle(argument.item.cname)), True
            elif part == "text" and text:
                value = ffi.cast(argument, library.text)
            elif part == "length":
                value = length
            elif part == "number":
                value = extreme(argument, least)
            arguments.append(value)
        self.code = getattr(lib, name)(*arguments)
        self.freed = library.freed[self.takes]
        self.can_fail = error is not None
        self.message = ""
        if self.can_fail and error[0] != ffi.NULL:
            self.message = ffi.string(lib.realm_ingest_error_message(error[0], ffi.NULL)).decode()
            lib.realm_ingest_error_free(error[0])
        self.wrote = [place for place in self.outputs if set(ffi.buffer(place)[:]) != {POISON}]

    def free(self, library):
        """Ends what it gave."""
        for place in self.wrote:
            if library.ffi.typeof(place).item.kind == "pointer" and place[0] != library.ffi.NULL:
                library.free(place)

    def wrong(self, lib):
        """What is wrong with it, of what holds for every call."""
        if not self.can_fail:
            return None
        if self.code == lib.REALM_INGEST_PANIC:
            return "a fault"
        if self.code == lib.REALM_INGEST_OK:
            return None
        if self.wrote:
            return "an output was written"
        if self.takes and self.freed != 1:
            return f"userdata was freed {self.freed} times"
        return None


def choices():
    names = ("text", "output", "callback", "least", "length")
    for values in itertools.product((True, False), (True, False), (True, False), (True, False), (0, len(TEXT), NEGATIVE, SIZE_MAX)):
        given = dict(zip(names, values))
        # A length without a text is one more that is refused.
        yield given


def without_an_object(library, complain):
    some_memory = library.ffi.new("char[64]")
    for number in (0, 8, SIZE_MAX, int(library.ffi.cast("uintptr_t", some_memory))):
        for name, kind in library.functions():
            for given in choices():
                call = Call(library, name, kind, lambda _: number, **given)
                wrong = call.wrong(library.lib)
                if call.can_fail and call.has_handle and call.code != library.lib.REALM_INGEST_INVALID_ARGUMENT:
                    wrong = "not refused"
                complain(wrong, name, call, number, given)
                call.free(library)
                yield call


def live_objects(library):
    """One of each type that a program makes. Their app, user and realm are the second to fourth."""
    config = library.made("app_config", "app_config_new", b"misuse", 6)
    app = library.made("app", "app_new", config[0])
    user = library.made("user", "app_login_anonymous", app[0])
    schema = b'{"classes":[{"name":"text","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"int"}]}]}'
    realm_config = library.made("realm_config", "realm_config_new", schema, len(schema))
    realm = library.made("realm", "realm_new", user[0], realm_config[0])
    live = [config, app, user, realm, realm_config]
    live.append(library.made("transaction", "transaction_new", realm[0]))
    live.append(library.made("status", "realm_status", realm[0]))
    live.append(library.made("outcome", "realm_outcome_of", realm[0], 1))
    live.append(library.made("users", "app_users", app[0]))
    live.append(library.made("stranded", "app_stranded", app[0]))
    live.append(library.made("text", "user_access_token", user[0]))
    live.append(library.made("bytes", "bson_from_json", b"{}", 2))
    live.append(library.made("credentials", "credentials_new_anonymous"))
    return live


def with_live_objects(library, live, complain):
    by_type = {library.ffi.typeof(place).item.item.cname: place[0] for place in live}
    for name, kind in library.functions():
        for given in choices():
            call = Call(library, name, kind, lambda kind: by_type.get(kind, library.ffi.NULL), **given)
            complain(call.wrong(library.lib), name, call, "a live one", given)
            call.free(library)
            yield call
    waited = library.lib.realm_ingest_realm_wait_for_upload(live[3][0], LIMIT * 1000, library.ffi.NULL)
    assert waited == library.lib.REALM_INGEST_OK, waited


def where_it_cannot_be_used(library, live, complain):
    """Every call that can fail says so at once."""
    lib = library.lib
    by_type = {library.ffi.typeof(place).item.item.cname: place[0] for place in live}
    for name, kind in library.functions():
        given = {"text": True, "output": True, "callback": True, "length": len(TEXT), "least": False}
        call = Call(library, name, kind, lambda kind: by_type.get(kind, library.ffi.NULL), **given)
        wrong = call.wrong(lib)
        if call.can_fail and call.code != lib.REALM_INGEST_LOGIC_ERROR:
            wrong = "not refused"
        complain(wrong, name, call, "a live one", given)
        yield call


def in_a_child(library, live, complain):
    """Forks while other threads are in the library, with what they have locked, and uses it in the child."""
    stops = threading.Event()

    def work():
        document = library.made("bytes", "bson_from_json", b'{"_id":1}', 9)
        length = library.ffi.new("size_t *")
        data = library.lib.realm_ingest_bytes_data(document[0], length)
        while not stops.is_set():
            nothing = library.ffi.NULL
            library.lib.realm_ingest_realm_append(live[3][0], TEXT, len(TEXT), data, length[0], nothing, nothing)
        library.free(document)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    child = os.fork()
    if child == 0:
        signal.alarm(LIMIT)
        list(where_it_cannot_be_used(library, live, complain))
        for place in live:
            library.free(place)
        os._exit(0 if not complain.found and library.lib.realm_ingest_shutdown(0) else 1)
    status = os.waitpid(child, 0)[1]
    stops.set()
    for worker in workers:
        worker.join()
    if status != 0:
        complain.found.append(f"in a forked child: status {status}")


class Complaints:
    def __init__(self):
        self.found = []

    def __call__(self, wrong, name, call, handle, given):
        if wrong is not None:
            print(f"{name} with handle {handle} and {given}: {wrong}: {call.code} {call.message}", flush=True)
            self.found.append(name)


def main():
    library = Library(*sys.argv[1:])
    lib, nothing = library.lib, library.ffi.NULL
    complain = Complaints()
    calls = list(without_an_object(library, complain))
    live = live_objects(library)
    calls += with_live_objects(library, live, complain)
    in_a_child(library, live, complain)
    if not lib.realm_ingest_shutdown(LIMIT * 1000):
        complain.found.append("the end of the library")
    calls += where_it_cannot_be_used(library, live, complain)
    lib.realm_ingest_set_log(0, nothing, nothing, nothing)
    for place in live:
        library.free(place)
    left = lib.realm_ingest_live_objects()
    taken = library.freed[1:]
    once = taken.count(1)
    print(f"{len(calls)} calls; {left} objects are left; userdata was taken {len(taken)} times and freed once {once} times")
    sys.exit(1 if complain.found or left or once != len(taken) else 0)


main()
