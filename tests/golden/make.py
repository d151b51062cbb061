#!/usr/bin/python3
"""The golden documents, encoded by an implementation that shares no code with this project.

types.json   the truth: a list of {"name", "document"}, the document in canonical Extended JSON
types.bson   the same as BSON, back to back: one {"name": <string>, "document": <the document>} for each

    make.py --check    encodes types.json with pymongo's bson and compares with types.bson
    make.py --write    writes types.bson

Needs Debian's python3-bson. tests/golden.rs holds the bson crate, and tests/cpp/golden_test.cpp the C++ headers, to the
same file.
"""

import base64
import datetime
import json
import pathlib
import sys
import uuid

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

HERE = pathlib.Path(__file__).resolve().parent
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# Without "standard", pymongo writes uuids with the subtype of old drivers.
CODEC = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)


def binary(value):
    data = base64.b64decode(value["base64"])
    return {"00": lambda: data, "04": lambda: uuid.UUID(bytes=data)}[value["subType"]]()


# The Extended JSON that the golden documents use. (bson.json_util needs all of pymongo.)
READERS = {
    "$numberLong": lambda value: bson.Int64(int(value)),
    "$numberDouble": float,
    "$numberDecimal": bson.Decimal128,
    "$oid": bson.ObjectId,
    "$date": lambda value: EPOCH + datetime.timedelta(milliseconds=int(value["$numberLong"])),
    "$binary": binary,
}


def value_of(tree):
    if isinstance(tree, list):
        return [value_of(item) for item in tree]
    if not isinstance(tree, dict):
        if isinstance(tree, (int, float)) and not isinstance(tree, bool):
            raise ValueError(f"{tree}: canonical Extended JSON has no bare numbers")
        return tree
    if len(tree) == 1:
        (key, value), = tree.items()
        if key in READERS:
            return READERS[key](value)
    return {key: value_of(value) for key, value in tree.items()}


def encoded():
    """The cases as (name, bytes of the document)."""
    cases = json.loads((HERE / "types.json").read_text(encoding="utf-8"))
    return [(case["name"], encode(value_of(case["document"]))) for case in cases]


def encode(document):
    # At the top level pymongo puts _id first; inside another document the order is kept. "v" takes seven bytes.
    return bson.encode({"v": document}, codec_options=CODEC)[7:-1]


def packed(cases):
    # RawBSONDocument keeps the bytes as they are.
    return b"".join(bson.encode({"name": name, "document": RawBSONDocument(document)}) for name, document in cases)


def differences(cases, stored):
    found = bson.decode_all(stored, CodecOptions(document_class=RawBSONDocument))
    by_name = {entry["name"]: entry["document"].raw for entry in found}
    lines = [f"{name}: not in types.json" for name in by_name if name not in dict(cases)]
    for name, document in cases:
        if name not in by_name:
            lines.append(f"{name}: not in types.bson")
        elif by_name[name] != document:
            lines.append(f"{name}: types.bson holds {by_name[name].hex()}, encoded {document.hex()}")
    if not lines and stored != packed(cases):
        lines.append("the order of the cases differs")
    return lines


def main(arguments):
    cases = encoded()
    if len({name for name, _ in cases}) != len(cases):
        sys.exit("two cases of one name in types.json")
    if arguments == ["--write"]:
        (HERE / "types.bson").write_bytes(packed(cases))
    elif arguments == ["--check"]:
        lines = differences(cases, (HERE / "types.bson").read_bytes())
        if lines:
            sys.exit("\n".join(lines))
        print(f"{len(cases)} documents are as pymongo's bson encodes them")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
