"""The objects that a device streams, and what must be at the gateway when it is done."""

import datetime
from collections import Counter

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

CLASSES = [
    {
        "name": "Reading",
        "kind": "asymmetric",
        "properties": {
            "_id": "string",
            "device": "string",
            "number": "int",
            "at": "date",
            "celsius": "double",
            "samples": "int[]",
            "filler": "string",
        },
    }
]


def expected(name, number):
    """The reading of this number, as Driver.java makes it."""
    return {
        "_id": f"{name}/{number}",
        "device": name,
        "number": number,
        "at": EPOCH + datetime.timedelta(seconds=1_700_000_000 + number),
        "celsius": number / 8,
        "samples": [number * 10 + sample for sample in range(number % 3 + 1)],
        "filler": chr(ord("a") + number % 26) * (200 if number % 7 == 0 else 20),
    }


def faults(written, documents):
    """Compares what devices noted ({name: numbers}) with what is stored: everything once, unchanged, and nothing else.
    Gives sentences."""
    noted = {f"{name}/{number}": (name, number) for name, numbers in written.items() for number in numbers}
    stored = Counter(document["_id"] for document in documents)
    found = (
        ("missing", sorted(noted.keys() - stored.keys())),
        ("there more than once", [key for key, count in stored.items() if count > 1]),
        ("of nobody", sorted(stored.keys() - noted.keys())),
        ("changed", [d["_id"] for d in documents if d["_id"] in noted and dict(d) != expected(*noted[d["_id"]])]),
    )
    return [f"{len(keys):,} of {len(noted):,} readings are {what}, such as {keys[:3]}" for what, keys in found if keys]
