"""Directories of applications, as App Services wrote them, and tokens that they take."""

import base64
import hashlib
import hmac
import json
import os
import time

from device import APP_ID

SIGNING_SECRET = "a-secret-of-thirty-two-characters"
SECRETS = f'signing_secret = "{SIGNING_SECRET}"\n'

EVERYBODY = {
    "name": "everybody",
    "apply_when": {},
    "document_filters": {"read": True, "write": True},
    "read": True,
    "write": True,
    "insert": True,
}

# What an export has for the class of readings.py.
READING = {
    "title": "Reading",
    "bsonType": "object",
    "required": ["_id", "device", "number", "at", "celsius", "filler"],
    "properties": {
        "_id": {"bsonType": "string"},
        "device": {"bsonType": "string"},
        "number": {"bsonType": "long"},
        "at": {"bsonType": "date"},
        "celsius": {"bsonType": "double"},
        "samples": {"bsonType": "array", "items": {"bsonType": "long"}},
        "filler": {"bsonType": "string", "maxLength": 1000},
    },
}


def provider(kind, **config):
    return {"name": kind, "type": kind, "disabled": False, **config}


def write(folder, role=None, development=False):
    """An application with one collection, of readings; `role` says more of who may insert. Gives the flags that serve it."""
    app = os.path.join(folder, "app")
    source = "data_sources/mongodb-atlas"
    files = {
        "root_config.json": {"config_version": 20230101, "name": "stations", "app_id": APP_ID, "deployment_model": "LOCAL"},
        "auth/providers.json": {
            "anon-user": provider("anon-user"),
            "api-key": provider("api-key"),
            "local-userpass": provider("local-userpass", config={"autoConfirm": True}),
            "custom-token": provider(
                "custom-token",
                config={"audience": [], "requireAnyAudience": False, "signingAlgorithm": "HS256", "useJWKURI": False},
                secret_config={"signingKeys": ["signing_secret"]},
                metadata_fields=[],
            ),
        },
        f"{source}/config.json": {"name": "mongodb-atlas", "type": "mongodb-atlas", "version": 1},
        f"{source}/weather/readings/rules.json": {
            "database": "weather",
            "collection": "readings",
            "roles": [{**EVERYBODY, **(role or {})}],
        },
        f"{source}/weather/readings/schema.json": READING,
        "sync/config.json": {
            "type": "flexible",
            "state": "enabled",
            "development_mode_enabled": development,
            "service_name": "mongodb-atlas",
            "database_name": "weather",
            "asymmetric_tables": ["Reading"],
            "queryable_fields_names": ["number"],
        },
    }
    for path, content in files.items():
        os.makedirs(os.path.dirname(os.path.join(app, path)), exist_ok=True)
        with open(os.path.join(app, path), "w") as file:
            json.dump(content, file, indent=4)
    secrets = os.path.join(folder, "secrets.toml")
    with open(secrets, "w") as file:
        file.write(SECRETS)
    os.chmod(secrets, 0o600)
    return ["--app", app, "--secrets", secrets]


def jwt(**claims):
    """A token of the application's own log-in."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    claims = {"aud": APP_ID, "exp": int(time.time()) + 600, **claims}
    text = b".".join(part(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + part(hmac.new(SIGNING_SECRET.encode(), text, hashlib.sha256).digest())).decode()
