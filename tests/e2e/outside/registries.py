"""Two of Debian's docker-registry: where CI pushes to (tokens, as GHCR gives them, or a password),
and the one that stands in for ECR, which takes what GetAuthorizationToken of the AWS stand-in
says."""

import base64
import os
import subprocess
import urllib.error
import urllib.request

from outside.children import REPOSITORY, Child, free_port

TOKEN_SERVER = REPOSITORY / "tests/support/token_server.py"
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json, "
             "application/vnd.docker.distribution.manifest.v2+json, "
             "application/vnd.oci.image.index.v1+json, "
             "application/vnd.docker.distribution.manifest.list.v2+json")


class DockerRegistry:
    def __init__(self, folder, user, password, with_tokens):
        self.folder, self.user, self.password = folder, user, password
        self.port, self.tokens = free_port(), None
        folder.mkdir(parents=True)
        access = self.token_access() if with_tokens else self.password_access()
        (folder / "config.yml").write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, "
            "delete: {enabled: true}}\n"
            f"http: {{addr: 127.0.0.1:{self.port}}}\n{access}")
        # Any REGISTRY_* variable would override the file.
        variables = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
        self.child = Child(["docker-registry", "serve", str(folder / "config.yml")],
                           folder / "log", variables)
        self.child.wait_for_port(self.port)
        self.url = f"http://127.0.0.1:{self.port}"

    def password_access(self):
        made = subprocess.run(["htpasswd", "-Bni", self.user], input=self.password + "\n",
                              capture_output=True, text=True, check=True)
        (self.folder / "passwords").write_text(made.stdout)
        return f"auth: {{htpasswd: {{realm: pawl, path: {self.folder}/passwords}}}}\n"

    def token_access(self):
        self.tokens = Child(["python3", str(TOKEN_SERVER), str(self.folder), self.user,
                             self.password], self.folder / "tokens.log")
        said = self.tokens.first_line()
        return (f"auth: {{token: {{realm: \"{said['url']}/token\", service: registry.test, "
                f"issuer: tokens.test, rootcertbundle: {said['certificate']}}}}}\n")

    # ---- what is in it, read from its own files: no login, no Pawl ----

    def repository(self, name):
        return self.folder / "data/docker/registry/v2/repositories" / name / "_manifests"

    def digest(self, name, tag):
        link = self.repository(name) / "tags" / tag / "current/link"
        return link.read_text() if link.exists() else None

    def digests(self, name):
        folder = self.repository(name) / "revisions/sha256"
        return ["sha256:" + each.name for each in folder.iterdir()] if folder.exists() else []

    def blob(self, digest):
        kind, value = digest.split(":")
        return (self.folder / f"data/docker/registry/v2/blobs/{kind}/{value[:2]}/{value}/data"
                ).read_bytes()

    def push_manifest(self, name, tag, data, media_type):
        """With the password; for what a test puts there by hand."""
        self.call("PUT", f"/v2/{name}/manifests/{tag}", data, media_type)

    def call(self, method, path, data=None, media_type="application/octet-stream"):
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=data, method=method)
        word = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.add_header("Authorization", "Basic " + word)
        request.add_header("Content-Type", media_type)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers

    def end(self):
        self.child.end()
        if self.tokens:
            self.tokens.end()
