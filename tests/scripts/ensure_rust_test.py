#!/usr/bin/env python3
"""scripts/ensure-rust.sh on machines of every kind: they are folders of stand-ins for the commands that it calls.

What rustup and its installer do when they are real is theirs; here it is whether they are called, and what is said.
"""

import os
import shutil
import subprocess
import tempfile
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/ensure-rust.sh")
SYSTEM = "bash cat chmod cut dirname env grep head mkdir mktemp rm sed sh sort".split()

# `rustup toolchain install` makes the two programs that a shell finds afterwards.
RUSTUP = """
    case "$1 $2" in
    "toolchain install")
        mkdir -p "$HOME/.cargo/bin"
        printf '#!/bin/sh\\necho "cargo %s"\\n' "$3" >"$HOME/.cargo/bin/cargo"
        printf '#!/bin/sh\\necho "rustc %s (0 2026)"\\n' "$3" >"$HOME/.cargo/bin/rustc"
        chmod +x "$HOME/.cargo/bin/cargo" "$HOME/.cargo/bin/rustc" ;;
    esac"""
# As Debian's: there, and without a toolchain it only complains.
CARGO_WITHOUT_TOOLCHAIN = '[ ! -x "$HOME/.cargo/bin/cargo" ] && exit 1; exec "$HOME/.cargo/bin/cargo" "$@"'
RUSTC_WITHOUT_TOOLCHAIN = CARGO_WITHOUT_TOOLCHAIN.replace("cargo", "rustc").replace(".rustc", ".cargo")
CARGO_WITHOUT_COMPONENTS = '[ "$1" = --version ]'


class Machine:
    """An empty machine, on which only what is installed here can be called."""

    def __init__(self, test):
        self.folder = tempfile.mkdtemp(prefix="ingest-test-")
        test.addCleanup(shutil.rmtree, self.folder)
        self.bin, self.home = (os.path.join(self.folder, name) for name in ("bin", "home"))
        self.calls = os.path.join(self.folder, "calls")
        os.mkdir(self.bin)
        os.mkdir(self.home)
        for name in SYSTEM:
            os.symlink(shutil.which(name), os.path.join(self.bin, name))

    def install(self, name, body="", folder=None):
        path = os.path.join(folder or self.bin, name)
        with open(path, "w") as file:
            file.write(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{textwrap.dedent(body)}\n')
        os.chmod(path, 0o755)

    def user(self, number):
        self.install("id", f"echo {number}")

    def debian(self, candidate):
        """With apt, which knows this version of rustup, and installs it like Debian's."""
        self.install("apt-cache", f'echo "  Candidate: {candidate}"')
        self.install("apt-get", '[ "$1" != install ] || unpack')
        self.install("packaged", RUSTUP)
        cargo = f"printf '#!/bin/sh\\n%s\\n' '{CARGO_WITHOUT_TOOLCHAIN}'"
        self.install("unpack", f'cat "{self.bin}/packaged" >"{self.bin}/rustup"; chmod +x "{self.bin}/rustup"\n'
                               f'{cargo} >"{self.bin}/cargo"; chmod +x "{self.bin}/cargo"')

    def network(self):
        """With curl, which fetches an installer that brings rustup."""
        self.install("packaged", RUSTUP)
        self.install("curl", f"""
            for word; do [ "$last" = --output ] && file=$word; last=$word; done
            echo 'mkdir -p "$HOME/.cargo/bin"; echo "installer $*" >>"{self.calls}"
                cat "{self.bin}/packaged" >"$HOME/.cargo/bin/rustup"; chmod +x "$HOME/.cargo/bin/rustup"' >"$file"
            """)

    def run(self, purpose="build"):
        return subprocess.run(["bash", SCRIPT, purpose], env={"PATH": self.bin, "HOME": self.home},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def called(self):
        with open(self.calls) as file:
            return file.read()


class EnsureRust(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        self.machine.user(0)

    def rust(self, version):
        self.machine.install("cargo", f'echo "cargo {version}"')
        self.machine.install("rustc", f'echo "rustc {version} (0 2026)"')

    def assert_ran(self, done):
        self.assertEqual(done.returncode, 0, done.stdout)

    def assert_refused(self, done, sentence):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(sentence, done.stdout)

    def test_what_is_there_is_left_alone(self):
        self.rust("1.99.0")
        done = self.machine.run("test")
        self.assert_ran(done)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("apt-get", self.machine.called())

    def test_the_package_is_taken_where_there_is_one(self):
        self.machine.debian("1.27.1-3")
        self.machine.network()
        done = self.machine.run()
        self.assert_ran(done)
        self.assertIn("installing the package rustup", done.stdout)
        self.assertIn("installed 1.95.0", done.stdout)
        self.assertIn("apt-get install -y -qq --no-install-recommends rustup", self.machine.called())
        self.assertNotIn("curl", self.machine.called())

    def test_the_installer_is_announced_and_run_where_there_is_no_package(self):
        self.machine.debian("(none)")
        self.machine.network()
        done = self.machine.run()
        self.assert_ran(done)
        self.assertIn(f"running the installer of https://rustup.rs, which puts it into {self.machine.home}/.cargo", done.stdout)
        self.assertIn(f"cargo is {self.machine.home}/.cargo/bin/cargo", done.stdout)
        self.assertIn("installer -y --quiet --no-modify-path", self.machine.called())
        self.assertNotIn("apt-get install", self.machine.called())

    def test_who_is_not_root_gets_it_in_the_home_folder(self):
        self.machine.user(1000)
        self.machine.debian("1.27.1-3")
        self.machine.network()
        self.assert_ran(self.machine.run())
        self.assertNotIn("apt-get", self.machine.called())

    def test_a_rustup_without_toolchain_gets_one(self):
        self.machine.install("rustup", RUSTUP)
        self.machine.install("cargo", CARGO_WITHOUT_TOOLCHAIN)
        self.machine.install("rustc", RUSTC_WITHOUT_TOOLCHAIN)
        self.assert_ran(self.machine.run())
        self.assertIn("rustup default 1.95.0", self.machine.called())

    def test_without_network_it_says_what_to_do(self):
        self.machine.install("curl", "exit 6")
        self.assert_refused(self.machine.run(), "the installer could not be fetched, or failed: install Rust")
        self.assertNotIn("installer ", self.machine.called())

    def test_a_toolchain_that_cannot_be_had_is_an_error(self):
        self.machine.install("rustup", "exit 1")
        self.assert_refused(self.machine.run(), "rustup could not install Rust 1.95.0")

    def test_what_is_too_old_is_not_replaced(self):
        self.rust("1.63.0")
        self.assert_refused(self.machine.run(), f"{self.machine.bin}/rustc is 1.63.0, which is too old")
        self.machine.install("rustup", RUSTUP)
        self.assert_refused(self.machine.run(), "rustup default 1.95.0")
        self.assertNotIn("rustup default", self.machine.called())

    def test_components_are_added_for_tests(self):
        self.rust("1.99.0")
        self.machine.install("cargo", CARGO_WITHOUT_COMPONENTS)
        self.assert_refused(self.machine.run("test"), "rustfmt or clippy is missing")
        self.assert_ran(self.machine.run("build"))
        self.machine.install("rustup")
        done = self.machine.run("test")
        self.assert_ran(done)
        self.assertIn("added rustfmt and clippy", done.stdout)
        self.assertIn("rustup component add rustfmt clippy", self.machine.called())


if __name__ == "__main__":
    unittest.main()
