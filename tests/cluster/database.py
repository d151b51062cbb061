"""The database of the test, from scripts/mongodb.sh, and what is in it."""

import os
import subprocess

import pymongo

from processes import ROOT, Failed

DOCUMENTS = ("cluster_test", "readings")
STATE = "cluster_test_state"


class Database:
    """A MongoDB server that can be killed and cut off, unless it is the one that MONGODB_URI names."""

    def __init__(self, work):
        self.is_ours = not os.environ.get("MONGODB_URI")
        self.folder = os.path.join(work, "mongodb")
        self.log_path = os.path.join(work, "mongodb.log")
        self.program = os.path.join(ROOT, "scripts/mongodb.sh")
        with open(self.log_path, "ab") as log:
            # It ends by itself when its standard input does, so also when the test is killed.
            self.process = subprocess.Popen(
                [self.program, "run", self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.uri = self.process.stdout.readline().strip()
        if not self.uri:
            raise Failed(f"no database was started; see {self.log_path}")
        self.client = pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=10_000, socketTimeoutMS=10_000)
        self.clean()

    def do(self, act):
        """`kill`, `restart`, `pause` or `resume`."""
        with open(self.log_path, "ab") as log:
            done = subprocess.run([self.program, act, self.folder], stdout=log, stderr=log)
        if done.returncode != 0:
            raise Failed(f"scripts/mongodb.sh {act} failed; see {self.log_path}")

    def stop(self):
        if not self.is_ours:
            self.clean()
        self.process.stdin.close()
        self.process.wait()

    def clean(self):
        for name in (DOCUMENTS[0], STATE):
            self.client.drop_database(name)

    def settings(self):
        """Of a gateway that uses it."""
        return ["--mongodb", self.uri, "--mongodb-database", STATE]

    def documents(self):
        return self.client[DOCUMENTS[0]][DOCUMENTS[1]].find()

    def count(self):
        """How many documents have arrived."""
        return self.client[DOCUMENTS[0]][DOCUMENTS[1]].count_documents({})

    def state(self, name):
        """The records of a collection that the gateways share."""
        return list(self.client[STATE][name].find())
