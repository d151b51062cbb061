#!/usr/bin/env python3
"""Prints what one compiler needs for the files of bench/compile and for the quickstart.

    compile_cost.py ROUNDS REPOSITORY COMPILER [FLAG ...]

Time is the processor's, the best of the rounds; memory is the peak. Rounds go over all files, so that what else the machine
does meets each of them.
"""

import os
import subprocess
import sys

CLASSES_BESIDE_THE_FIRST = 4  # of five_classes.cpp


def compile_once(command, source):
    """Seconds of user time and peak MiB of the compiler and what it starts."""
    pid = os.posix_spawnp(command[0], [*command, "-c", source, "-o", os.devnull], os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} does not compile {source}")
    return usage.ru_utime, usage.ru_maxrss / 1024


def main():
    rounds, repository, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    folder = os.path.join(repository, "bench", "compile")
    sources = {
        "standard headers": os.path.join(folder, "standard.cpp"),
        "sdk.hpp": os.path.join(folder, "sdk.cpp"),
        "ingest.hpp": os.path.join(folder, "ingest.cpp"),
        "quickstart": os.path.join(repository, "examples", "quickstart.cpp"),
        "one class": os.path.join(folder, "one_class.cpp"),
        "five classes": os.path.join(folder, "five_classes.cpp"),
    }
    measured = {name: [] for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            measured[name].append(compile_once(command, source))
    cost = {name: tuple(min(column) for column in zip(*runs)) for name, runs in measured.items()}

    version = subprocess.run([command[0], "--version"], stdout=subprocess.PIPE, text=True, check=True)
    print(f"\n{version.stdout.splitlines()[0]}, {rounds} round(s)")
    print(f"{'':24}{'seconds':>9}{'MiB':>7}{'ratio':>8}")
    floor = cost["standard headers"][0]
    for name, (seconds, memory) in cost.items():
        print(f"{name:24}{seconds:9.2f}{memory:7.0f}{seconds / floor:8.2f}")
    more = (cost["five classes"][0] - cost["one class"][0]) / CLASSES_BESIDE_THE_FIRST
    print(f"{'each class more':24}{more:9.2f}{'':7}{more / floor:8.2f}")


main()
