#!/usr/bin/env python3
"""What packaging/ gives to operators is accepted by what it is for.

    examples_test.py GATEWAY WORK_DIR
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGING = os.path.join(ROOT, "packaging")
TLS = os.path.join(ROOT, "gateway/tests/data/tls")
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
GATEWAY, WORK = map(os.path.abspath, sys.argv[1:3])
INSTALLED = "ExecStart=realm-ingest-gateway"


def read(path):
    with open(os.path.join(PACKAGING, path)) as file:
        return file.read()


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def environment():
    lines = (line for line in read("systemd/realm-ingest-gateway.env").splitlines() if line and line[0] != "#")
    return dict(line.split("=", 1) for line in lines)


class Examples(unittest.TestCase):
    def test_every_setting_that_is_named_is_one(self):
        settings = set(re.findall(r"REALM_INGEST_GATEWAY_\w+", run(GATEWAY, "serve", "--help").stdout))
        for path in ("systemd/realm-ingest-gateway.env", "kubernetes/realm-ingest-gateway.yaml", "oci/Containerfile"):
            named = set(re.findall(r"REALM_INGEST_GATEWAY_\w+", read(path)))
            self.assertTrue(named)
            self.assertEqual(named - settings, set(), path)

    def test_the_environment_file_has_settings_that_hold(self):
        done = run(GATEWAY, "serve", "--print-config", env={**os.environ, **environment()})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn('listen = "0.0.0.0:9090"', done.stdout)
        self.assertNotIn("password", done.stdout)

    def test_the_manifests_are_about_the_same_pods(self):
        deployment, service, budget = yaml.safe_load_all(read("kubernetes/realm-ingest-gateway.yaml"))
        kinds = [manifest["kind"] for manifest in (deployment, service, budget)]
        self.assertEqual(kinds, ["Deployment", "Service", "PodDisruptionBudget"])
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(deployment["spec"]["selector"]["matchLabels"], labels)
        self.assertEqual(service["spec"]["selector"], labels)
        self.assertEqual(budget["spec"]["selector"]["matchLabels"], labels)
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")
        self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/healthz")

    def test_the_image_checks_itself_by_a_command_of_the_gateway(self):
        [check] = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", read("oci/Containerfile"), re.MULTILINE)
        program, *command = json.loads(check)
        self.assertEqual(os.path.basename(program), "realm-ingest-gateway")
        # Nobody listens at port 1.
        done = run(GATEWAY, *command, env={"REALM_INGEST_GATEWAY_LISTEN": "0.0.0.0:1"})
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("http://127.0.0.1:1/healthz", done.stdout)

    def test_systemd_takes_the_unit(self):
        unit = os.path.join(WORK, "realm-ingest-gateway.service")
        with open(unit, "w") as file:
            file.write(read("systemd/realm-ingest-gateway.service").replace(INSTALLED, f"ExecStart={GATEWAY}"))
        done = run("systemd-analyze", "verify", unit)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_nginx_takes_its_configuration(self):
        site = read("nginx/realm-ingest.conf")
        for of_the_operator, ours in (
            ("/etc/nginx/tls/gateway.example.crt", f"{TLS}/server.pem"),
            ("/etc/nginx/tls/gateway.example.key", f"{TLS}/server.key"),
            ("/etc/nginx/realm-ingest-locations.conf", f"{PACKAGING}/nginx/realm-ingest-locations.conf"),
        ):
            self.assertIn(of_the_operator, site)
            site = site.replace(of_the_operator, ours)
        path, log = os.path.join(WORK, "nginx.conf"), os.path.join(WORK, "nginx.log")
        with open(path, "w") as file:
            file.write(f"pid {WORK}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{site}}}\n")
        done = run(NGINX, "-t", "-q", "-p", WORK, "-e", log, "-c", path)
        # The way of saying it that every version takes, and later ones warn of.
        said = [line for line in done.stdout.splitlines() if 'the "listen ... http2" directive is deprecated' not in line]
        self.assertEqual((done.returncode, said), (0, []))

    def test_recipes_are_for_this_version(self):
        with open(os.path.join(ROOT, "Cargo.toml")) as file:
            version = re.search(r'^version = "(.*)"', file.read(), re.MULTILINE).group(1)
        self.assertIn(f'"version": "{version}"', read("vcpkg/realm-ingest/vcpkg.json"))
        self.assertIn(f"realm-ingest-{version}.tar.gz", read("homebrew/realm-ingest.rb"))
        self.assertIn(f"realm-ingest-gateway:{version}", read("kubernetes/realm-ingest-gateway.yaml"))
        self.assertTrue(read(f"yocto/realm-ingest_{version}.bb"))

    def test_the_recipe_for_conan_has_all_of_the_workspace(self):
        # Which cargo refuses to build without.
        with open(os.path.join(ROOT, "Cargo.toml")) as file:
            [members] = re.findall(r"^members = \[(.*?)\]", file.read(), re.MULTILINE | re.DOTALL)
        [sources] = re.findall(r"^SOURCES = \[(.*?)\]", read("conan/conanfile.py"), re.MULTILINE | re.DOTALL)
        exported = re.findall(r'"([^"]+)"', sources)
        for member in re.findall(r'"([^"]+)"', members):
            self.assertTrue(any(fnmatch.fnmatch(f"{member}/Cargo.toml".removeprefix("./"), path) for path in exported), member)


if __name__ == "__main__":
    os.makedirs(WORK, exist_ok=True)
    unittest.main(argv=sys.argv[:1])
