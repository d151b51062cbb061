#!/usr/bin/python3
"""Every golden value goes from its C++ struct through a gateway into MongoDB, and pymongo reads it back as it was written.

    mongodb_test.py DEVICE GATEWAY WORK

DEVICE is the program of types_device.cpp.
"""

import pathlib
import shutil
import subprocess
import sys

import bson
from bson.raw_bson import RawBSONDocument

import make

sys.path.insert(0, str(make.HERE.parent / "cluster"))
from database import Database  # noqa: E402
from processes import Failed, Gateway  # noqa: E402

# Where development mode puts documents.
DATABASE = "realm_ingest_data"
RAW = make.CODEC.with_options(document_class=RawBSONDocument)


def with_id_first(document):
    """As MongoDB stores it. The other bytes stay as they are."""
    fields = RawBSONDocument(document).items()
    return bson.encode(dict(sorted(fields, key=lambda field: field[0] != "_id")), codec_options=make.CODEC)


class Documents:
    """The documents that the device has written, as pymongo finds them."""

    def __init__(self, client, lines):
        self.database = client.get_database(DATABASE, codec_options=make.CODEC)
        self.written = [(name, with_id_first(bytes.fromhex(text))) for name, text in map(str.split, lines)]

    def differences(self):
        found = []
        for name, written, key in self.keyed():
            collection = self.database.get_collection(name, codec_options=RAW)
            stored = list(collection.find({"_id": key}))
            if len(stored) != 1:
                found.append(f"{name} {key!r}: there {len(stored)} times")
            elif stored[0].raw != written:
                found.append(f"{name} {key!r}: written {written.hex()}, read {stored[0].raw.hex()}")
        return found

    def remove(self):
        for name, _, key in self.keyed():
            self.database[name].delete_one({"_id": key})

    def keyed(self):
        for name, written in self.written:
            yield name, written, bson.decode(written, codec_options=make.CODEC)["_id"]


def main(device, binary, work):
    shutil.rmtree(work, ignore_errors=True)
    pathlib.Path(work).mkdir(parents=True)
    database = Database(work)
    gateway = Gateway("types", binary, ["--dev", *database.settings()], work)
    gateway.start()
    url = f"http://127.0.0.1:{gateway.port}"
    ended = subprocess.run([device, url, work], capture_output=True, text=True)
    if ended.returncode != 0:
        raise Failed(f"the device failed: {ended.stderr}")
    documents = Documents(database.client, ended.stdout.splitlines())
    found = documents.differences()
    documents.remove()
    gateway.process.kill()
    database.stop()
    if found or not documents.written:
        raise Failed("\n".join(found) or "nothing was written")
    print(f"{len(documents.written)} documents are read by pymongo as they were written")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(str(failure))
