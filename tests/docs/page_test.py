#!/usr/bin/env python3
"""Does what a page of the documentation says, in an empty folder.

    page_test.py INSTALLED PAGE FILES

INSTALLED is where the library and the gateway are installed. All `sh` blocks of the PAGE are run by one shell, one after another; a
`text` block behind one is what it prints, among other lines, with `...` for what differs each time. FILES, a file or a folder,
come into the shell's folder where the page shows a C++ program; that they are what it shows, tests/docs.rs sees to. The
gateway gets another port than the page's.
"""

import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile

PORT_OF_THE_PAGE = "9090"
END = "end of the block:"


def blocks(page):
    """The page's blocks as (language, text)."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def free_port():
    """Below those that the system gives to others, also while no gateway listens there."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return str(port)
            except OSError:
                continue


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


def copy(files, to):
    folder = to / files.name if files.is_dir() else to
    for file in files.iterdir() if files.is_dir() else [files]:
        (folder / file.name).write_bytes(file.read_bytes())


def follow(page, files, shell, work, port):
    printed = None
    for language, text in blocks(page):
        text = text.replace(f":{PORT_OF_THE_PAGE}", f":{port}")
        if language == "sh":
            printed = run(shell, text)
        elif language == "text" and printed is not None:
            compare(shell, printed, text)
        elif language == "cpp":
            copy(files, work)


def main():
    installed, page, files = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    port = free_port()
    environment = dict(os.environ, REALM_INGEST_GATEWAY_LISTEN=f"127.0.0.1:{port}")
    # What is below /usr is found, as on a machine with the Debian packages.
    if installed != pathlib.Path("/usr"):
        environment.update(
            PATH=f"{installed}/bin:{os.environ['PATH']}",
            CMAKE_PREFIX_PATH=str(installed),
            CPATH=f"{installed}/include",
            LIBRARY_PATH=f"{installed}/lib",
            LD_LIBRARY_PATH=f"{installed}/lib",
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
            # Where a command fails, the gateway ends too, and with it what is printed.
            run(shell, "trap 'kill -- -$$' EXIT")
            follow(page, files, shell, pathlib.Path(work), port)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


main()
