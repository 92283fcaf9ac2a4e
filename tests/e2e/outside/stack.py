"""All of it together: two registries, AWS, GitHub, the function by hand, and the environment with
which Pawl finds them. Nothing of Pawl's sandbox is in it."""

import base64
import json

from outside import dockerd
from outside.aws import ACCOUNT, ECR_HOST, ECR_PASSWORD, REGION, Aws
from outside.children import find_mirror, need_openapi, need_programs, need_python
from outside.front import Front
from outside.github import GitHub
from outside.project import PROVIDERS, Project
from outside.registries import DockerRegistry

FUNCTION, ALIAS, BUCKET = "meals-dev", "live", "meals-dev-static"
REPOSITORY = "meals-dev-lambda"
SOURCE = "example/meals"
STATE_BUCKET, STATE_KEY = f"meals-terraform-{ACCOUNT}", "meals/dev/terraform.tfstate"
USUAL_SECRETS = {
    "registry_user": "alice", "registry_password": "s3cret-word",
    "aws_key": "AKIDREALWORLD0000000", "aws_secret": "real/World+Secret1", "aws_token": None,
    "github_token": "ghp_realworld", "web_identity": "eyJhbGciOiJSUzI1NiJ9.real.world",
}


def needs(builder):
    need_programs("git", "make", "g++", "docker-registry", "htpasswd", "openssl", "terraform",
                  "unshare")
    if builder == "docker":
        dockerd.needs()
    else:
        need_programs("buildah")
    need_python("moto", "boto3", "werkzeug")
    need_openapi()
    find_mirror()


class Stack:
    def __init__(self, pawl, example, work, builder="auto", with_tokens=True, by_role=True,
                 secrets=None):
        """`with_tokens`: the source registry wants bearer tokens, else a password. `by_role`: AWS's
        keys come from a web identity token, as in CI, else they stand in the environment."""
        self.secrets = {**USUAL_SECRETS, **(secrets or {})}
        self.work, self.by_role, self.parts, self.docker = work, by_role, [], None
        try:
            self.start(with_tokens)
            if builder == "docker":
                self.docker = self.kept(dockerd.Dockerd(work / "dockerd"))
        except BaseException:
            self.end()
            raise
        self.project = Project(pawl, example, work / "meals", self.variables(), self.front.url,
                               builder)

    def start(self, with_tokens):
        known = self.secrets
        self.source = self.kept(DockerRegistry(self.work / "source", known["registry_user"],
                                               known["registry_password"], with_tokens))
        self.ecr = self.kept(DockerRegistry(self.work / "ecr", "AWS", ECR_PASSWORD, False))
        self.aws = self.kept(Aws(self.work, known["aws_key"], known["aws_secret"],
                                 known["aws_token"]))
        self.github = self.kept(GitHub(self.work, known["github_token"]))
        self.front = self.kept(Front(self.work / "function", self.aws, self.ecr, FUNCTION, ALIAS,
                                     f"{ECR_HOST}/{REPOSITORY}"))
        self.aws.client("s3").create_bucket(Bucket=STATE_BUCKET)
        self.aws.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")

    def kept(self, part):
        self.parts.append(part)
        return part

    # ---- what Pawl is given ----

    def variables(self):
        self.write_files()
        found = {
            "HOME": str(self.work / "home"),
            "AWS_ENDPOINT_URL": self.aws.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "GITHUB_API_URL": self.github.url, "GITHUB_TOKEN": self.secrets["github_token"],
            "DOCKER_CONFIG": str(self.work / "docker"),
            "PAWL_REGISTRIES": f"ghcr.io={self.source.url},{ECR_HOST}={self.ecr.url}",
            "TF_CLI_CONFIG_FILE": str(self.work / "terraform.rc"),
            "CONTAINERS_STORAGE_CONF": str(self.work / "storage.conf"),
        }
        if self.docker:
            found["DOCKER_HOST"] = self.docker.host
        if self.by_role:
            found["AWS_ROLE_ARN"] = f"arn:aws:iam::{ACCOUNT}:role/deployer"
            found["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(self.work / "web-identity")
        else:
            found.update(self.keys())
        return found

    def keys(self):
        found = {"AWS_ACCESS_KEY_ID": self.secrets["aws_key"],
                 "AWS_SECRET_ACCESS_KEY": self.secrets["aws_secret"]}
        if self.secrets["aws_token"]:
            found["AWS_SESSION_TOKEN"] = self.secrets["aws_token"]
        return found

    def write_files(self):
        known = self.secrets
        (self.work / "home").mkdir(exist_ok=True)
        self.write_docker_config("docker", known["registry_password"])
        (self.work / "terraform.rc").write_text(PROVIDERS % find_mirror())
        (self.work / "web-identity").write_text(known["web_identity"])
        (self.work / "storage.conf").write_text(
            "[storage]\ndriver = \"vfs\"\n"
            f"runroot = \"{self.work}/containers/run\"\ngraphroot = \"{self.work}/containers\"\n")

    def write_docker_config(self, name, password):
        """As `docker login` leaves it; returns the folder."""
        folder = self.work / name
        folder.mkdir()
        word = base64.b64encode(f"{self.secrets['registry_user']}:{password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": word}}}))
        return str(folder)

    # ---- the first apply, as the example's README.md has it ----

    def bootstrap(self):
        """A repository with an image, for the function that Terraform will make."""
        project, backend = self.project, self.work / "backend.hcl"
        text = (project.folder / "terraform/environments/dev/backend.hcl.template").read_text()
        backend.write_text(text.replace("${AWS_ACCOUNT_ID}", ACCOUNT)
                           .replace("${AWS_REGION}", REGION))
        project.terraform("init", "-input=false", f"-backend-config={backend}")
        project.terraform("apply", "-input=false", "-auto-approve",
                          "-var-file=environments/dev/terraform.tfvars",
                          "-target=aws_ecr_repository.app")

    def terraform_state(self):
        body = self.aws.client("s3").get_object(Bucket=STATE_BUCKET, Key=STATE_KEY)["Body"]
        return json.loads(body.read())

    # ---- everything that a rollback has to put back ----

    def live(self):
        function = self.aws.client("lambda").get_function(FunctionName=FUNCTION)
        return {"alias": self.aws.alias(FUNCTION, ALIAS), "digest": self.front.live_digest(),
                "latest": function["Code"]["ImageUri"].split("@")[-1],
                "files": self.mutable_files()}

    def files(self):
        return {key: value for key, value in self.aws.objects(BUCKET, "static/").items()
                if not key.startswith("static/.pawl/")}

    def mutable_files(self):
        return {key: value for key, value in self.files().items() if not is_hashed(key)}

    def end(self):
        for each in reversed(self.parts):
            each.end()


def is_hashed(key):
    parts = key.rsplit("/", 1)[-1].split(".")
    return len(parts) == 3 and len(parts[1]) == 8
