"""Servers as children, and where on this machine the programs and packages are that they need."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
OPENAPI = REPOSITORY / "tests/github/openapi"
READY_WITHIN_S = 60
ENDS_WITHIN_S = 10


class Missing(Exception):
    """Something that is not on this machine: the test is skipped, and says so."""


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def find_mirror():
    """The folder with Terraform's AWS provider: PAWL_TEST_TERRAFORM_MIRROR, or a usual place (as
    tests/terraform/provider_mirror.h has them)."""
    home = pathlib.Path.home()
    places = [os.environ.get("PAWL_TEST_TERRAFORM_MIRROR"), os.environ.get("TF_PLUGIN_CACHE_DIR"),
              home / ".terraform.d/plugins", home / ".terraform.d/plugin-cache",
              "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"]
    for root in ("/opt", "/srv", "/usr/local", "/var/lib"):
        places += sorted(pathlib.Path(root).glob("*")) + sorted(pathlib.Path(root).glob("*/*"))
    for place in places:
        if place and (pathlib.Path(place) / "registry.terraform.io/hashicorp/aws").is_dir():
            return str(place)
    raise Missing("a mirror of Terraform's AWS provider (PAWL_TEST_TERRAFORM_MIRROR)")


def need_programs(*names):
    for name in names:
        if shutil.which(name) is None:
            raise Missing(name)


def need_python(*modules):
    words = "import " + ", ".join(modules)
    if subprocess.run(["python3", "-c", words], capture_output=True).returncode != 0:
        raise Missing(f"python3 with {' and '.join(modules)}")


def need_openapi():
    need_programs("node")
    if not (OPENAPI / "node_modules/@octokit/openapi").is_dir():
        raise Missing("GitHub's description (npm ci --prefix tests/github/openapi)")


class Child:
    """A program that runs until `end`. What it is told goes in by its standard input, so that no
    secret stands in the list of processes."""

    def __init__(self, argv, log, environment=None, told=None):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env=environment or dict(os.environ))
        if told is not None:
            self.process.stdin.write(json.dumps(told).encode() + b"\n")
            self.process.stdin.flush()

    @property
    def pid(self):
        return self.process.pid

    def first_line(self):
        """The one JSON line that these servers print when they are ready."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[:2]} did not start; see {self.log.name}")
        return json.loads(line)

    def wait_for_port(self, port):
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            with socket.socket() as each:
                if each.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{self.process.args[:2]} did not start; see {self.log.name}")

    def end(self):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
