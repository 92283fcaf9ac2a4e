"""A copy of the example with a git repository of its own, set up for what is not the sandbox."""

import os
import re
import shutil
import subprocess

TREE = "terraform"
MINUTE_S = 60
COMMAND_LIMIT_S = 20 * MINUTE_S
# moto has one host for all buckets, and no metadata service. Where keys come from a web identity,
# Terraform asks AWS's own STS whatever AWS_ENDPOINT_URL says.
BACKEND = """use_path_style              = true
skip_credentials_validation = true
skip_metadata_api_check     = true
skip_requesting_account_id  = true
skip_region_validation      = true
endpoints = {
  s3  = "%(url)s"
  sts = "%(url)s"
  iam = "%(url)s"
}
"""
PROVIDER = """provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {
    sts = "%(url)s"
  }
}
"""
PROVIDERS = """disable_checkpoint = true
provider_installation {
  filesystem_mirror {
    path    = "%s"
    include = ["registry.terraform.io/*/*"]
  }
  direct {
    exclude = ["registry.terraform.io/*/*"]
  }
}
"""


class Project:
    def __init__(self, pawl, example, folder, variables, url, builder):
        """`variables`: the environment of pawl; `url`: where the application answers."""
        self.pawl, self.folder, self.variables = pawl, folder, variables
        self.example = example
        shutil.copytree(example, folder, ignore=shutil.ignore_patterns(".pawl", "out"))
        self.write_config(url, builder)
        # Nothing but the example's own dev environment is deployed here.
        places = {"url": variables["AWS_ENDPOINT_URL"]}
        (folder / TREE / "real_override.tf").write_text(PROVIDER % places)
        template = folder / TREE / "environments/dev/backend.hcl.template"
        template.write_text(template.read_text() + BACKEND % places)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "e2e")
        self.git("config", "user.email", "e2e@example.com")

    def write_config(self, url, builder):
        text = (self.folder / "pawl.yaml").read_text()
        for line in ("infrastructure:", "  terraform:", "    dir: terraform", "    backend: ",
                     "    var_files: "):
            text = text.replace("# " + line, line, 1)
        text = text.replace("    context: .\n", f"    context: .\n    builder: {builder}\n", 1)
        text = text.replace("health: {attempts: 5, max_wait: 2s}", f"url: {url}", 1)
        text = re.sub(r"attempts: 15, max_wait: 60s", "attempts: 3, max_wait: 1s", text)
        (self.folder / "pawl.yaml").write_text(text)

    def release(self, tag, words=None):
        """A commit and its tag; returns the commit."""
        (self.folder / "data/release.txt").write_text((words or tag) + "\n")
        self.make()
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", words or tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def make(self):
        subprocess.run(["make", "--quiet"], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL)

    def apply(self, patch, back=False):
        subprocess.run(["git", "apply", *(["--reverse"] if back else []), str(patch)],
                       cwd=self.folder, check=True)

    def run(self, *words):
        """pawl, to its end: exit code and all that it said."""
        done = subprocess.run([self.pawl, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment(),
                              timeout=COMMAND_LIMIT_S)
        return done.returncode, done.stdout

    def terraform(self, *words):
        subprocess.run(["terraform", *words], cwd=self.folder / TREE, check=True,
                       env=self.environment(), stdout=subprocess.PIPE, timeout=COMMAND_LIMIT_S)

    def environment(self):
        # What the person who runs the test has of the like must not take part.
        own = {k: v for k, v in os.environ.items()
               if not k.startswith(("AWS_", "GITHUB_", "TF_", "PAWL_", "ACTIONS_", "REGISTRY_",
                                    "DOCKER_"))}
        return {**own, "PAWL_COLOR": "never", **self.variables}

    def git(self, *words):
        done = subprocess.run(["git", "-c", "commit.gpgsign=false", *words], cwd=self.folder,
                              check=True, capture_output=True, text=True)
        return done.stdout.strip()
