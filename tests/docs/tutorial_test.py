#!/usr/bin/env python3
"""Does what docs/tutorial.md says, in an empty folder.

    tutorial_test.py INSTALLED

INSTALLED is where the library and the gateway are installed. The files that the page shows are those of
examples/greenhouse, as tests/docs.rs sees to. All `sh` blocks are run by one shell, one after another; a `text` block behind one is
what it prints, among other lines, with `...` for what differs each time. The gateway gets another port than the page's.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT_OF_THE_PAGE = "9090"
END = "end of the block:"


def blocks():
    """The page's blocks as (language, text)."""
    page = (ROOT / "docs/tutorial.md").read_text()
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run(shell, commands):
    """What the shell prints for the commands. Fails where one of them does."""
    shell.stdin.write(commands + f"\necho '{END}' $?\n")
    shell.stdin.flush()
    printed = []
    while not printed or not printed[-1].startswith(END):
        printed.append(next_line(shell))
    return printed[:-1]


def next_line(shell):
    line = shell.stdout.readline()
    if not line:
        sys.exit(f"the shell has ended, status {shell.wait()}")
    print(line, end="", flush=True)
    return line.rstrip("\n")


def compare(shell, printed, expected):
    """Each expected line is printed, in their order. A server in the background may print after its block: that is awaited."""
    for line in expected.splitlines():
        pattern = ".*".join(map(re.escape, line.split("...")))
        while not (printed and re.search(pattern, printed.pop(0))):
            if not printed and "listening on" in line:
                printed.append(next_line(shell))
            elif not printed:
                sys.exit(f"the page says that this is printed next, and it is not:\n{line}")


def follow(shell, work, port):
    printed = []
    for language, text in blocks():
        text = text.replace(f":{PORT_OF_THE_PAGE}", f":{port}")
        if language == "sh":
            printed = run(shell, text)
        elif language == "text":
            compare(shell, printed, text)
        elif language == "cpp":
            shutil.copytree(ROOT / "examples/greenhouse", work / "greenhouse", dirs_exist_ok=True)


def main():
    installed = pathlib.Path(sys.argv[1]).resolve()
    port = free_port()
    environment = dict(
        os.environ,
        PATH=f"{installed}/bin:{os.environ['PATH']}",
        CMAKE_PREFIX_PATH=str(installed),
        REALM_INGEST_GATEWAY_LISTEN=f"127.0.0.1:{port}",
    )
    with tempfile.TemporaryDirectory(prefix="ingest-test-") as work:
        # A group of its own, so that the gateway ends with it.
        shell = subprocess.Popen(
            ["bash", "-e", "-s"],
            cwd=work,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            follow(shell, pathlib.Path(work), port)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


main()
