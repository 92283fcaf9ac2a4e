"""A good release, a bad one, a good one after it, and a rollback; after each, whether the world is
as the exit code says."""

import json
import urllib.error
import urllib.request

from outside.aws import ECR_HOST
from outside.stack import BUCKET, REPOSITORY, SOURCE, STATE_BUCKET, STATE_KEY, is_hashed

EMPTY_IMAGE = b'{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[]}'
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
DEPLOYED, ROLLED_BACK = 0, 3


class Scenario:
    def __init__(self, stack, verbose=False):
        self.stack, self.verbose, self.problems = stack, verbose, []
        self.project = stack.project
        self.said = []  # all that pawl printed

    def play(self):
        stack, project = self.stack, self.project
        stack.bootstrap()
        first = project.release("v1.0.0")
        self.doctor()
        self.plan_changes_nothing("v1.0.0")
        self.good("v1.0.0", first)
        self.again("v1.0.0")
        project.apply(project.example / "broken-release.patch")
        self.bad("v1.1.0", project.release("v1.1.0"))
        project.apply(project.example / "broken-release.patch", back=True)
        self.good("v1.1.1", project.release("v1.1.1"))
        self.holds("the issue of the broken release is closed", not stack.github.open_issues())
        self.rollback("v1.0.0")
        self.at_the_end()
        return self.problems

    # ---- the parts ----

    def good(self, tag, sha):
        said = self.pawl(DEPLOYED, "deploy", "dev", "--tag", tag)
        self.holds(f"pawl says that {tag} is live", f"{tag[1:]} is live in dev" in said)
        self.is_live(tag)
        github = self.stack.github
        self.equal("check run", github.check(sha), ("completed", "success"))
        self.equal("commit status", github.status(sha), "success")
        told = github.deployment(sha) or {}
        self.equal("deployment status", told.get("state"), "success")
        self.equal("environment_url", told.get("environment_url"), self.stack.front.url)
        self.equal("what a visitor gets of the files", self.stack.mutable_files().keys(),
                   {"static/manifest.json", "static/favicon.svg", "static/robots.txt"})
        self.files_are_those_of_the_release()
        self.terraform_is_at_rest()

    def bad(self, tag, sha):
        before, serial = self.stack.live(), self.stack.terraform_state()["serial"]
        said = self.pawl(ROLLED_BACK, "deploy", "dev", "--tag", tag)
        self.holds("pawl says what is live now", "1.0.0" in said)
        self.equal("what is live after the rollback", self.stack.live(), before)
        self.equal("the version that answers", self.version(), "1.0.0")
        github = self.stack.github
        self.equal("check run", github.check(sha), ("completed", "failure"))
        self.equal("commit status", github.status(sha), "failure")
        self.equal("deployment status", (github.deployment(sha) or {}).get("state"), "failure")
        issues = github.open_issues()
        self.equal("number of open issues", len(issues), 1)
        if issues:
            labels = {label["name"] for label in issues[0]["labels"]}
            self.holds(f"the issue has its labels, not {labels}",
                       {"deployment", "rollback", "dev"} <= labels)
            self.holds("the issue names the release", tag[1:] in issues[0]["title"])
        self.equal("Terraform's state", self.stack.terraform_state()["serial"], serial)
        self.terraform_is_at_rest()

    def again(self, tag):
        """A deployment of its own, which callers do not notice."""
        before = self.stack.live()
        self.pawl(DEPLOYED, "deploy", "dev", "--tag", tag)
        after = self.stack.live()
        for part in ("digest", "latest", "files"):
            self.equal(f"{part} after the same again", after[part], before[part])

    def rollback(self, tag):
        self.pawl(DEPLOYED, "rollback", "dev", "--to", tag[1:])
        self.is_live(tag)

    def plan_changes_nothing(self, tag):
        before = self.everything()
        self.pawl(DEPLOYED, "plan", "dev", "--tag", tag)
        self.equal("the world after a plan", self.everything(), before)

    def doctor(self):
        """Before anything is there: it says what is missing, and does not fall over it."""
        code, said = self.project.run("doctor", "dev")
        self.note("doctor", code, said)
        self.holds("doctor ends with 0 or 1", code in (0, 1))

    def at_the_end(self):
        self.equal("what pawl asked of GitHub that is not played", self.stack.github.unknown, [])
        code, said = self.project.run("status", "dev", "--json")
        self.note("status", code, said)
        live = json.loads(said)["environments"][0]["live"]
        self.equal("the version of pawl status", live["release"]["version"], "1.0.0")
        code, said = self.project.run("history", "dev", "--json")
        phases = [each["phase"] for each in json.loads(said)["deployments"]]
        self.equal("the phases in pawl history", sorted(phases),
                   sorted(["rolled_back"] + 4 * ["succeeded"]))

    # ---- what is looked at ----

    def is_live(self, tag):
        stack = self.stack
        pushed = stack.source.digest(SOURCE, tag[1:])
        self.holds(f"{tag} is in the source registry", pushed is not None)
        self.equal("the digest that callers get", stack.front.live_digest(), pushed)
        self.equal("the image of the function", stack.live()["latest"], pushed)
        self.equal("the version that answers", self.version(), tag[1:])
        self.holds("the copy has the image's bytes", pushed in stack.ecr.digests(REPOSITORY)
                   and stack.ecr.blob(pushed) == stack.source.blob(pushed))

    def files_are_those_of_the_release(self):
        found = self.stack.files()
        folder = self.project.folder / "app/static"
        for path in folder.iterdir():
            body, _, cached = found.get("static/" + path.name, (None, None, None))
            self.holds(f"{path.name} is in the bucket as it is here", body == path.read_bytes())
            self.holds(f"{path.name} is cached as it may be ({cached})",
                       ("immutable" in (cached or "")) == is_hashed(path.name))

    def terraform_is_at_rest(self):
        names = {each["type"] for each in self.stack.terraform_state()["resources"]}
        self.holds("Terraform's state knows the function and the bucket",
                   {"aws_lambda_function", "aws_lambda_alias", "aws_s3_bucket"} <= names)
        found = self.stack.aws.client("s3").list_objects_v2(Bucket=STATE_BUCKET)["Contents"]
        self.equal("what is in the state's bucket", [each["Key"] for each in found], [STATE_KEY])

    def version(self):
        try:
            with urllib.request.urlopen(self.stack.front.url + "/health", timeout=20) as answer:
                return json.load(answer).get("version")
        except urllib.error.HTTPError as problem:
            return f"status {problem.code}"

    def everything(self):
        """The parts that exist before the first deployment."""
        stack = self.stack
        buckets = [each["Name"] for each in stack.aws.client("s3").list_buckets()["Buckets"]]
        functions = stack.aws.client("lambda").list_functions()["Functions"]
        return {"buckets": {name: stack.aws.objects(name) for name in buckets},
                "functions": [each["FunctionName"] for each in functions],
                "source": stack.source.digests(SOURCE), "ecr": stack.ecr.digests(REPOSITORY),
                "github": [len(stack.github.state.checks), len(stack.github.state.statuses),
                           len(stack.github.state.deployments), len(stack.github.state.issues)]}

    # ---- how it is said ----

    def pawl(self, expected, *words):
        code, said = self.project.run(*words)
        self.note(" ".join(words), code, said)
        if code != expected:
            self.problems.append(f"pawl {' '.join(words)} ended with {code}, not {expected}:\n"
                                 + "\n".join("  | " + line for line in said.splitlines()[-40:]))
        return said

    def note(self, what, code, said):
        self.said.append(said)
        if self.verbose:
            print(f"$ pawl {what}\n{said}-> {code}", flush=True)

    def equal(self, what, found, wanted):
        if found != wanted:
            self.problems.append(f"{what}: {found!r} instead of {wanted!r}")

    def holds(self, what, is_so):
        if not is_so:
            self.problems.append("it does not hold that " + what)
