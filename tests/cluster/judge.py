"""What must be in the database when all devices are done: each object whose write() returned, once and unchanged, and
nothing else."""

import datetime
from collections import Counter

EPOCH = datetime.datetime(1970, 1, 1)


def parts(transaction):
    return 1 + transaction % 5


def expected(identity):
    """The reading of this id, as device.cpp makes it."""
    device, transaction, part = (int(number) for number in identity.split("/"))
    return {
        "_id": identity,
        "device": device,
        "transaction": transaction,
        "part": part,
        "at": EPOCH + datetime.timedelta(seconds=1_700_000_000 + transaction),
        "celsius": transaction / 8 + part,
        "samples": [transaction * 10 + i for i in range(part + 1)],
        "filler": chr(ord("a") + transaction % 26) * (2000 if transaction % 7 == 0 else 20),
    }


def judge(ledgers, documents):
    """Compares what devices noted ({number: transactions}) with what is stored. Returns what there is to show, as
    (what, number) with the faults last, and some faults as sentences."""
    noted = {
        f"{device}/{transaction}/{part}"
        for device, transactions in ledgers.items()
        for transaction in transactions
        for part in range(parts(transaction))
    }
    stored, changed = Counter(), []
    for document in documents:
        identity = document["_id"]
        stored[identity] += 1
        if identity in noted and document != expected(identity):
            changed.append(identity)
    missing = sorted(noted - stored.keys())
    invented = sorted(map(str, stored.keys() - noted))
    doubled = [identity for identity, count in stored.items() if count > 1]
    found = (
        ("missing", missing),
        ("changed", changed),
        ("there twice", doubled),
        ("of nobody", invented),
    )
    numbers = [("objects whose write() returned", len(noted)), ("documents in the database", sum(stored.values()))]
    numbers += [(what, len(ids)) for what, ids in found]
    faults = [f"{len(ids):,} objects are {what}, such as {', '.join(ids[:5])}" for what, ids in found if ids]
    return numbers, faults
