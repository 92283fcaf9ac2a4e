"""The example with its sandbox, and a proxy before each of the services that Pawl asks."""

import base64
import json
import os
import random

from killing.images import make_layer
from killing.project import Project
from faulty.proxy import Proxy

# `limits` of pawl.yaml, where nothing but they ends a silence.
SHORT_LIMITS = "limits: {step: 10s, deployment: 90s}"
UPDATE_TIMEOUT = "20s"
# For GitHub, when it is silent or asks for patience.
PATIENCE = "github: {patience: 5s}\n"
RANDOM_BYTES = 200_000
ADAPTERS = ("github", "source", "ecr", "lambda", "s3", "sts", "ecr-control", "health")
# Adapter -> the variable that says where it is; those of AWS have one address in the sandbox.
VARIABLES = {"github": "GITHUB_API_URL", "lambda": "AWS_ENDPOINT_URL_LAMBDA",
             "s3": "AWS_ENDPOINT_URL_S3", "sts": "AWS_ENDPOINT_URL_STS",
             "ecr-control": "AWS_ENDPOINT_URL_ECR"}
ROLE = "arn:aws:iam::{account}:role/pawl-deploy"


def token_of_ci():
    """Nobody checks its signature here."""
    parts = ({"alg": "RS256"}, {"iss": "https://ci.example", "aud": "sts.amazonaws.com",
                                "sub": "repo:example/meals:environment:dev"}, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
                    for part in parts)


class BehindProxies(Project):
    keeps_sandbox_journal = False

    def __init__(self, pawl, example, work, certificates):
        super().__init__(pawl, example, work)
        self.work, self.certificates, self.proxies = work, certificates, {}
        self.count = 0

    def prepare(self):
        super().prepare()
        urls = self.connection["urls"]
        places = {"github": urls["github"], "source": urls["source_registry"],
                  "ecr": urls["ecr_registry"], "health": self.application_url()}
        for adapter in ADAPTERS:
            port = int(places.get(adapter, urls["aws"]).rsplit(":", 1)[1].strip("/"))
            self.proxies[adapter] = Proxy(port, self.certificates)
        path = self.folder / "pawl.yaml"
        text = path.read_text().replace("app: meals\n", "app: meals\nurl: URL\nLIMITS\n" + PATIENCE)
        # A function that cannot be read is asked again for as long as an update may take.
        text = text.replace("alias: live,", f"alias: live, update_timeout: {UPDATE_TIMEOUT},")
        path.write_text(text)
        self.config = text
        (self.work / "web-identity").write_text(token_of_ci())

    def application_url(self):
        return next(each["url"] for each in self.connection["apis"]
                    if each["environment"] == "dev")

    def point_at_proxies(self, limits=""):
        """In pawl.yaml and in the environment; a proxy that speaks TLS has another URL."""
        at = {name: proxy.url for name, proxy in self.proxies.items()}
        (self.folder / "pawl.yaml").write_text(
            self.config.replace("URL", at["health"]).replace("LIMITS", limits))
        found = dict(self.connection["environment"])
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            found.pop(name)
        found["AWS_ROLE_ARN"] = ROLE.format(account=self.connection["account"])
        found["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(self.work / "web-identity")
        found["AWS_CA_BUNDLE"] = str(self.certificates.roots)
        for adapter, variable in VARIABLES.items():
            found[variable] = at[adapter]
        found["PAWL_REGISTRIES"] = ",".join(
            f"{host}={at['source' if url == self.connection['urls']['source_registry'] else 'ecr']}"
            for host, url in self.registries().items())
        self.extra = found

    def registries(self):
        """Host in image names -> where it is; the sandbox's ECR is in them under its address."""
        ecr = self.connection["urls"]["ecr_registry"]
        return {**self.connection["registries"], ecr.split("//")[1]: ecr}

    def heal(self):
        for proxy in self.proxies.values():
            proxy.heal()
        self.point_at_proxies()

    def new_release(self):
        """A good one, whose image has a layer that nobody has yet, and a file of its own."""
        self.count += 1
        version = f"1.{self.count}.0"
        (self.folder / "data/noise").write_bytes(random.SystemRandom().randbytes(RANDOM_BYTES))
        self.layer = make_layer(self.folder)
        self.change_files(version)
        return self.release(version, True)

    def deploy(self, version):
        return self.run("deploy", "dev", "--tag", "v" + version, sandbox=False)

    def environment(self):
        own = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GITHUB_"))}
        return {**own, "PAWL_COLOR": "never", **self.extra}
