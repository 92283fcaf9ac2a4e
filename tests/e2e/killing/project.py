"""A copy of the example with its own git repository and sandbox, and pawl to be run in it."""

import json
import os
import random
import shutil
import subprocess
import time
import urllib.request

from killing.images import Registry, make_layer
from killing.world import World

COMMAND_LIMIT_S = 120
CALLS_AN_HOUR = 1_000_000  # hundreds of rounds take more than GitHub grants
PORT_TRIES = 5
SAVED_WITHIN_S = 30


class Project:
    # Whether what it deploys is in the sandbox's journal, or, deployed with the addresses of the
    # sandbox in the environment, in that of the real account.
    keeps_sandbox_journal = True

    def __init__(self, pawl, example, work):
        self.pawl, self.folder = pawl, work / "meals"
        self.output = work / "output"
        self.output.mkdir()
        self.extra = {}      # environment of pawl: PAWL_STORE
        self.commands = self.marks = 0
        self.releases = []   # those that are good
        self.pushed = {}     # version -> digest
        self.bad = set()     # versions of the others
        shutil.copytree(example, self.folder, ignore=shutil.ignore_patterns(".pawl", "out"))

    # ---- set-up ----

    def prepare(self):
        self.write_config()
        self.quietly("make", "--quiet")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "kill")
        self.git("config", "user.email", "kill@example.com")
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "the example")
        self.start_sandbox()
        self.connection = json.loads((self.folder / ".pawl/sandbox/connection.json").read_text())
        secrets = self.connection["credentials"]
        self.registry = Registry(self.connection["urls"]["source_registry"],
                                 secrets["registry_user"], secrets["registry_password"],
                                 "example/meals")
        self.layer = make_layer(self.folder)

    def start_sandbox(self):
        """On ports that nobody has: below those that the system gives out by itself."""
        for _ in range(PORT_TRIES):
            port = random.SystemRandom().randrange(12000, 32000, 20)
            code, said = self.run("sandbox", "up", "--detach", "--port", str(port), "--quiet",
                                  "--github-rate-limit", str(CALLS_AN_HOUR), sandbox=False)
            if code == 0:
                return
        raise RuntimeError(f"the sandbox does not start ({code}): {said}")

    def write_config(self):
        """A check that does not take long to fail; the images are there, so none is built."""
        text = (self.folder / "pawl.yaml").read_text()
        start, end = text.index("  build:\n"), text.index("function:")
        text = text[:start] + "\n" + text[end:]
        text = text.replace("attempts: 15, max_wait: 60s", "attempts: 2, max_wait: 1s")
        text = text.replace("    health: {attempts: 5, max_wait: 2s}  # nobody waits for dev\n", "")
        (self.folder / "pawl.yaml").write_text(text)
        (self.folder / ".gitignore").write_text(".pawl/\nout/\n")

    def close(self):
        self.run("sandbox", "down", "--quiet", sandbox=False)

    # ---- releases ----

    def release(self, version, is_good):
        """A commit that is no ancestor of another, its tag, and its image."""
        tree = self.git("rev-parse", "main^{tree}")
        commit = self.git("commit-tree", tree, "-p", "main", "-m", version)
        self.git("tag", "v" + version, commit)
        says = version if is_good else "0.0.0-broken"
        environment = [f"APP_VERSION={says}", "MEALS_DATA=/srv/meals",
                       "MEALS_ASSETS=/srv/meals/manifest.json"]
        labels = {"org.opencontainers.image.version": version,
                  "org.opencontainers.image.revision": commit, "release": version}
        self.pushed[version] = self.registry.push_image(version, self.layer, environment, labels)
        self.releases.append(version) if is_good else self.bad.add(version)
        return version

    def change_files(self, words):
        """Static files with fixed names that are this release's alone."""
        (self.folder / "app/static/robots.txt").write_text(f"# {words}\nUser-agent: *\n")

    # ---- commands ----

    def environment(self):
        return {**os.environ, "PAWL_COLOR": "never", **self.extra}

    def arguments(self, words, sandbox):
        return [self.pawl, *words] + (["--sandbox"] if sandbox else [])

    def run(self, *words, sandbox=True, limit=COMMAND_LIMIT_S):
        """To its end: exit code and output."""
        done = subprocess.run(self.arguments(words, sandbox), cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment(), timeout=limit)
        return done.returncode, done.stdout

    def start(self, *words):
        """In the background; its output goes to a file, which `lines_of` counts."""
        self.commands += 1
        path = self.output / f"{self.commands}.txt"
        with open(path, "wb") as out:
            process = subprocess.Popen(self.arguments(words, True), cwd=self.folder, stdout=out,
                                       stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                       env=self.environment())
        process.words, process.path, process.is_killed = " ".join(words), path, False
        return process

    def json(self, *words):
        done = subprocess.run(self.arguments([*words, "--json"], self.keeps_sandbox_journal), cwd=self.folder,
                              capture_output=True, text=True, env=self.environment(),
                              timeout=COMMAND_LIMIT_S)
        if done.returncode != 0:
            raise RuntimeError(f"pawl {' '.join(words)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def history(self):
        """All deployments, in the order of their acceptance."""
        return self.json("history", "--limit", "5000")["deployments"][::-1]

    def world(self):
        """The world as it is now. The sandbox saves it whole, a while after each change: once a
        mark that is made now is in it, so is all that went before."""
        self.marks += 1
        mark = f"mark/{self.marks}"
        self.make_mark(mark)
        until = time.monotonic() + SAVED_WITHIN_S
        while time.monotonic() < until:
            world = World(json.loads((self.folder / ".pawl/sandbox/state.json").read_text()))
            if mark in world.marks:
                return world
            time.sleep(0.05)
        raise RuntimeError(f"the sandbox had not saved its state after {SAVED_WITHIN_S} s")

    def make_mark(self, mark):
        """A commit status that nobody asks for."""
        url = self.connection["urls"]["github"] + "/repos/example/meals/statuses/" + "0" * 40
        request = urllib.request.Request(url, method="POST", data=json.dumps(
            {"state": "success", "context": mark}).encode())
        token = self.connection["credentials"]["github_token"]
        request.add_header("Authorization", "Bearer " + token)
        urllib.request.urlopen(request, timeout=20).close()

    def quietly(self, *words):
        subprocess.run(words, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def git(self, *words):
        done = subprocess.run(["git", "-c", "commit.gpgsign=false", *words], cwd=self.folder,
                              check=True, capture_output=True, text=True)
        return done.stdout.strip()


def lines_of(process):
    return process.path.read_bytes().count(b"\n")
