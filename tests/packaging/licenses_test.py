#!/usr/bin/env python3
"""The licences that packages have are those of what is linked: each library, in its version.

    licenses_test.py CARGO
"""

import os
import re
import subprocess
import sys
import tomllib
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CARGO = sys.argv[1]


def linked(package):
    """Name and version of each library that cargo links into a package of ours, but for our own."""
    tree = subprocess.run(
        [CARGO, "tree", "--locked", "--package", package, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    libraries = set(re.findall(r"^(\S+) v(\S+)", tree, re.MULTILINE))
    return {f"{name} {version}" for name, version in libraries if not name.startswith("realm-ingest")}


def named(part):
    with open(os.path.join(ROOT, f"packaging/licenses/{part}.txt")) as file:
        return set(re.findall(r"^  (\S+ \S+)$", file.read(), re.MULTILINE))


def settings(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        return tomllib.load(file)


class Licenses(unittest.TestCase):
    def test_each_library_inside_is_named(self):
        for part, package in (("library", "realm-ingest"), ("gateway", "realm-ingest-gateway")):
            missing = linked(package) - named(part)
            self.assertEqual(missing, set(), f"{part}.txt is old: scripts/licenses.sh writes it")

    def test_cargo_deny_and_cargo_about_accept_the_same(self):
        deny, about = settings("deny.toml"), settings("packaging/licenses/about.toml")
        self.assertEqual(deny["licenses"]["allow"], about["accepted"])
        self.assertEqual(deny["graph"]["targets"], about["targets"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
