"""The example with its hook switched on: pawl.yaml's own lines, a program whose migration can be
made to go wrong, and a function that holds a password."""

import json
import re
import secrets
import shutil
import subprocess
import time
import urllib.request

from hooking.example import begin_migration_with, switch_on
from killing.images import make_layer
from killing.project import Project

STARTS_WITHIN_S = 60
# A migration that says too much and fails.
TALKS_AND_FAILS = """  const std::string database = environment("DATABASE_URL", "nowhere");
  std::printf("connecting to %s\\n", database.c_str());
  std::printf("ALTER TABLE meals ADD COLUMN vegetarian\\n");
  return std::nullopt;
"""


class HookedProject(Project):
    def prepare(self):
        super().prepare()
        self.password = "mark-" + secrets.token_hex(12)
        self.set_variable("DATABASE_URL", f"postgres://meals:{self.password}@db.example/meals")

    def write_config(self):
        super().write_config()
        self.with_hook()

    def with_hook(self, idempotent=True, compatible=True):
        path = self.folder / "pawl.yaml"
        if not hasattr(self, "plain_config"):
            self.plain_config = path.read_text()
        path.write_text(switch_on(self.plain_config, idempotent, compatible))

    def with_migration(self, first_lines):
        """What the migration does first, in the releases from now on; "": the example's own."""
        begin_migration_with(self.example, self.folder, first_lines)
        self.quietly("make", "--quiet")
        self.layer = make_layer(self.folder)

    def set_variable(self, name, value):
        """Of the function, by AWS's own call, again while Lambda is still busy making it (409);
        what it holds reaches curl by its standard input."""
        known = self.connection["credentials"]
        url = (self.connection["urls"]["aws"] +
               "/2015-03-31/functions/meals-dev/configuration")
        body = json.dumps({"Environment": {"Variables": {name: value}}}).replace('"', '\\"')
        settings = (f'url = "{url}"\nrequest = "PUT"\naws-sigv4 = "aws:amz:us-east-1:lambda"\n'
                    f'user = "{known["access_key_id"]}:{known["secret_access_key"]}"\n'
                    f'header = "Content-Type: application/json"\ndata = "{body}"\n')
        subprocess.run(["curl", "-fsS", "--retry", "20", "--retry-delay", "1", "--retry-all-errors",
                        "-K", "-"], input=settings, text=True, check=True,
                       stdout=subprocess.DEVNULL)

    def fault(self, *words):
        code, said = self.run("sandbox", "fault", "add", *words, sandbox=False)
        assert code == 0, said

    def no_faults(self):
        self.run("sandbox", "fault", "clear", sandbox=False)

    # ---- what happened ----

    def lines_of_migrations(self):
        """What the program printed of them, in all calls so far."""
        code, said = self.run("sandbox", "logs", "meals-dev", "--json", sandbox=False)
        assert code == 0, said
        texts = [json.loads(line)["text"] for line in said.splitlines() if line.startswith("{")]
        return [text for text in texts if text.startswith("migrations: ")]

    def runs(self):
        """How often the migration did its work."""
        return sum("schema is at version" in line for line in self.lines_of_migrations())

    def runs_become(self, times):
        """Of a call whose caller is gone: the sandbox carries it out when its time has come."""
        until = time.monotonic() + STARTS_WITHIN_S
        while self.runs() < times and time.monotonic() < until:
            time.sleep(0.2)
        return self.runs() == times

    def repeats(self):
        """How often it was called with a key that it knew."""
        return sum("done before" in line for line in self.lines_of_migrations())

    def last_deployment(self):
        return self.history()[-1]["id"]

    def answering_version(self):
        status = self.json("status", "dev")
        url = re.search(r'"deployment_url": ?"([^"]+)"', json.dumps(status))
        if url is None:
            return None
        try:
            with urllib.request.urlopen(url.group(1) + "/health", timeout=20) as answer:
                return json.load(answer)["version"]
        except OSError as problem:
            return str(problem)

    def start_until_fault(self, *words):
        """In the background, up to the moment when the sandbox does what a fault wants, that is
        while the request waits for its answer; None when it ends before that."""
        process = self.start(*words)
        until = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until and process.poll() is None:
            if any(each["happened"] for each in self.faults()):
                return process
            time.sleep(0.05)
        process.kill()
        process.wait()
        return None

    def faults(self):
        """By the control API itself: a program that is started each time is slow to look."""
        request = urllib.request.Request(self.connection["urls"]["control"] + "/faults")
        request.add_header("Authorization",
                           "Bearer " + self.connection["credentials"]["control_token"])
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)["faults"]

    def places_with(self, text):
        """Files below .pawl that hold it, but the sandbox's own: that is the cloud. Its journal is
        Pawl's."""
        root, found = self.folder / ".pawl", []
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            is_clouds = inside.parts[0] == "sandbox" and not path.name.startswith("journal.db")
            if not is_clouds and path.is_file() and text.encode() in path.read_bytes():
                found.append(str(inside))
        return found


def missing_program():
    return next((each for each in ("git", "make", "g++", "curl") if not shutil.which(each)), None)
