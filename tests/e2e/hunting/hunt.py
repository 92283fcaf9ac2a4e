"""Runs pawl as it is used, with secrets of which each is marked, and keeps all that comes out: what
it prints, what it writes, what stands in the list of processes, what it tells GitHub and puts into
buckets and registries."""

import gzip
import json
import os
import subprocess
import tarfile
import io

from hunting.files import FileWatch
from hunting.forms import Secrets
from hunting.processes import ProcessWatch
from outside.stack import BUCKET, REPOSITORY, SOURCE

COMMAND_LIMIT_S = 1200
TREE = """variable "password" {
  type      = string
  sensitive = true
}
resource "aws_ssm_parameter" "password" {
  name  = "/meals/password"
  type  = "String"
  value = var.password
}
output "password" {
  value     = var.password
  sensitive = true
}
"""


class Hunt:
    def __init__(self, stack, secrets, work):
        self.stack, self.project, self.secrets = stack, stack.project, Secrets(secrets)
        self.work, self.outputs, self.problems, self.codes = work, [], [], []
        self.words, self.environments = set(), set()
        (self.project.folder / "terraform/password.tf").write_text(TREE)
        temporary = work / "tmp"
        temporary.mkdir()
        (self.project.folder / ".pawl").mkdir()
        self.files = FileWatch([temporary, self.project.folder / ".pawl", work / "home"],
                               work / "kept")
        self.variables = {"TMPDIR": str(temporary)}

    # ---- running ----

    def pawl(self, expected, *words, **variables):
        """Its words and those of its descendants are watched; None: any exit code will do."""
        environment = {**self.project.environment(), **self.variables, **variables}
        process = subprocess.Popen([self.project.pawl, *words], cwd=self.project.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=environment)
        watch = ProcessWatch(process.pid)
        said = process.communicate(timeout=COMMAND_LIMIT_S)[0]
        watch.end()
        own = os.fsencode(self.project.pawl)
        self.words |= watch.words
        self.environments |= {each for each in watch.environments
                              if each[0] != os.fsdecode(own)}
        self.outputs.append((" ".join(words), said))
        if expected is not None and process.returncode != expected:
            self.problems.append(f"pawl {' '.join(words)} ended with {process.returncode}, not "
                                 f"{expected}: " + self.hidden(said[-3000:]))
        return said

    def hidden(self, data):
        """For a report: without the secrets that it may hold."""
        text = data.decode(errors="replace")
        for name, value in self.secrets.values.items():
            text = text.replace(value, f"<{name}>")
        return text

    # ---- looking ----

    def look(self, where, data, but=()):
        found = self.secrets.names_in(data, but)
        if found:
            self.problems.append(f"{', '.join(found)} in {where}")
        return found

    def look_everywhere(self):
        for key in list(self.stack.aws.given_out):  # what STS made meanwhile
            self.secrets.add(f"STS's secret key {key['key']}", key["secret"])
            if key["token"]:
                self.secrets.add(f"STS's session token {key['key']}", key["token"])
        for words, said in self.outputs:
            self.look(f"what `pawl {words}` printed", said)
        for words in self.words:
            self.look("the list of processes: " + words.split(b"\0")[0].decode(), words)
        self.look_at_environments()
        self.look_at_files()
        self.look_at_the_world()

    def look_at_environments(self):
        """A child has what it needs: Terraform, whose providers read them, the keys of AWS,
        GitHub's token and its own variables."""
        for program, variable in self.environments:
            found = self.secrets.names_in(variable)
            if found and not self.may_have(program, variable):
                name = variable.split(b"=")[0].decode()
                self.problems.append(f"{', '.join(found)} in the environment of {program} ({name})")

    @staticmethod
    def may_have(program, variable):
        if variable.startswith(b"NPM_TOKEN="):
            return True  # a person's own variable, which a build reads; children inherit those
        is_terraform = "terraform" in program.rsplit("/", 1)[-1]
        return is_terraform and variable.startswith((b"AWS_", b"TF_VAR_", b"GITHUB_TOKEN="))

    def look_at_files(self):
        """One that its owner alone can read may hold a secret while a program needs it."""
        self.passing = []
        for path, data, is_private, is_there in self.files.files():
            found = self.secrets.names_in(data)
            if found and is_private and not is_there:
                self.passing.append((path, found))
            elif found:
                how = "still there" if is_there else "gone"
                who = "" if is_private else ", and not only its owner could read it"
                self.problems.append(f"{', '.join(found)} in {path} ({how}{who})")
        left = [self.project.folder / ".pawl", self.work / "tmp", self.work / "home"]
        for folder in left:
            for path in folder.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    self.look(str(path), path.read_bytes())

    def look_at_the_world(self):
        state = self.stack.github.state
        self.look("what GitHub was told", json.dumps([state.checks, state.statuses, state.issues,
                                                      state.deployments, state.labels]))
        for key, (body, *headers) in self.stack.aws.objects(BUCKET).items():
            self.look(f"s3://{BUCKET}/{key}", body + repr(headers).encode())
        for registry, name in ((self.stack.source, SOURCE), (self.stack.ecr, REPOSITORY)):
            for digest in registry.digests(name):
                manifest = registry.blob(digest)
                self.look(f"the manifest {digest}", manifest)
                for part in [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]:
                    self.look(f"the blob {part['digest']}", opened(registry.blob(part["digest"])))


def opened(blob):
    """A layer's files; else as it is."""
    if blob[:2] != b"\x1f\x8b":
        return blob
    data = gzip.decompress(blob)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = " ".join(tar.getnames()).encode()
    return names + data
