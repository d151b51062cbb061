#!/usr/bin/env python3
"""What the shared library shows: the C interface as it was recorded, and of the rest what the C++ headers call.

    exports_test.py NM READELF LIBRARY DECLARATIONS
"""

import re
import subprocess
import sys

# The bridge of the C++ headers, after c++filt.
BRIDGE = re.compile(
    r"(\w[\w:<>, ]*[ &*])?(realm::internal::ffi::|rust::cxxbridge1::)"
    r"|(typeinfo|typeinfo name|vtable) for rust::cxxbridge1::Error$"
)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def main():
    nm, readelf, library, declarations = sys.argv[1:]
    recorded = open(declarations).read()
    failures = []

    (soname,) = re.findall(r"^soname (\S+)$", recorded, re.M)
    shown = re.findall(r"SONAME.*\[(.*)\]", output(readelf, "-d", library))
    if shown != [soname]:
        failures.append(f"the soname is {shown}, and {soname} was recorded")

    promised = set(re.findall(r"\b(realm_ingest_\w+)\(", recorded))
    symbols = {line.split(" ", 2)[2] for line in output(nm, "-D", "--defined-only", "-C", library).splitlines()}
    found = {symbol for symbol in symbols if symbol.startswith("realm_ingest_")}
    if promised != found:
        failures.append(f"not there: {sorted(promised - found)}; not recorded: {sorted(found - promised)}")

    others = sorted(symbol for symbol in symbols - found if not BRIDGE.match(symbol))
    if others:
        failures.append("these belong to the inside: " + ", ".join(others[:20]))

    print(f"{len(found)} of the C interface, {len(symbols) - len(found)} for the C++ headers")
    sys.exit("\n".join(failures) or 0)


main()
