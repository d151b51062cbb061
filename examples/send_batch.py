#!/usr/bin/python3
"""Sends one batch of two write transactions to a gateway, by hand.

    realm-ingest-gateway serve --dev &
    python3 examples/send_batch.py http://127.0.0.1:9090 [file]

Writes the batch into the file as well, if one is named. Needs python3 and python3-bson. See docs/wire.md for what is sent and why.
"""

import datetime
import hashlib
import json
import platform
import sys
import time
import urllib.error
import urllib.request
import uuid

import bson

BASE = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9090") + "/api/client/v2.0"
APP = BASE + "/app/example-abcde"


def call(method, url, body=b"", token=None, content_type="application/json"):
    """One request; the answer is the status and the decoded JSON."""
    headers = {"Content-Type": content_type}
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(url, data=body or None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            status, answer = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, answer = error.code, error.read()
    return status, json.loads(answer) if answer else None


# Who sends: an anonymous user.
status, login = call("POST", APP + "/auth/providers/anon-user/login", b"{}")
assert status == 200, login
token = login["access_token"]

# What is sent. Classes sorted by name, members in this order, no spaces: the canonical form.
schema = json.dumps(
    {
        "classes": [
            {
                "name": "Reading",
                "kind": "asymmetric",
                "primary_key": "_id",
                "properties": [
                    {"name": "_id", "type": "objectId"},
                    {"name": "station", "type": "string"},
                    {"name": "at", "type": "date"},
                    {"name": "celsius", "type": "double", "optional": True},
                ],
            }
        ]
    },
    separators=(",", ":"),
)
fingerprint = hashlib.sha256(schema.encode()).hexdigest()[:32]


def reading(celsius):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"_id": bson.ObjectId(), "station": "roof", "at": now, "celsius": celsius}


# The batch: its header, then each transaction's header and documents.
outbox = uuid.uuid4().hex
readings = [bson.BSON.encode(reading(celsius)) for celsius in (21.5, None, "warm")]
header = {
    "outbox": outbox,
    "lineage": uuid.uuid4().hex,
    "acked": 0,
    "after": 0,
    "first_seq": 1,
    "last_seq": 2,
    "count": 3,
    "schemas": [fingerprint],
    # For the operator; may be left out.
    "device": {
        "clock": time.time_ns() // 1_000_000,
        "transactions": 2,
        "objects": 3,
        "bytes": sum(map(len, readings)),
        "oldest_age": 0,
        "version": "example",
        "platform": "Python " + platform.python_version(),
    },
}
batch = b"".join(
    [
        bson.BSON.encode(header),
        bson.BSON.encode({"seq": 1, "schema": 0, "runs": [{"class": "Reading", "count": 2}]}),
        *readings[:2],
        bson.BSON.encode({"seq": 2, "schema": 0, "runs": [{"class": "Reading", "count": 1}]}),
        *readings[2:],
    ]
)
if len(sys.argv) > 2:
    with open(sys.argv[2], "wb") as file:
        file.write(batch)
kind = "application/vnd.realm-ingest.batch; version=2"

status, answer = call("POST", APP + "/ingest", batch, token, kind)
if status == 409 and answer["error_code"] == "SchemaRequired":
    print("schema required:", answer["missing"] == [fingerprint])
    status, answer = call("PUT", f"{APP}/ingest/schemas/{fingerprint}", schema.encode(), token)
    assert status == 204, answer
    status, answer = call("POST", APP + "/ingest", batch, token, kind)
assert status == 200, answer
print("acknowledged up to", answer["acked"])
for refusal in answer["refused"]:
    print("refused:", refusal["code"], "-", refusal["reason"])

status, answer = call("GET", f"{APP}/ingest/{outbox}", token=token)
print("position", answer["position"])
