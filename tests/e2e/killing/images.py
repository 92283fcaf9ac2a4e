"""Images without a builder: one layer with the example's program, pushed over the registry's HTTP
API. Releases differ in what APP_VERSION says, and so in their digest; a broken one says a version
that is not its own, which the health check sees."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_layer(project):
    """out/bootstrap and the data, as the example's Dockerfile puts them."""
    plain = io.BytesIO()
    files = {project / "out/bootstrap": "bootstrap",
             project / "app/static/manifest.json": "srv/meals/manifest.json"}
    for path in sorted((project / "data").iterdir()):
        files[path] = "srv/meals/" + path.name
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for folder in ("srv", "srv/meals"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for path, name in files.items():
            entry = tarfile.TarInfo(name)
            data = path.read_bytes()
            entry.size, entry.mode = len(data), 0o755 if name == "bootstrap" else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return plain.getvalue()


class Registry:
    def __init__(self, url, user, password, repository):
        self.base = f"{url}/v2/{repository}"
        self.url = url
        code = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.authorization = "Basic " + code

    def call(self, method, url, data=None, kind="application/octet-stream"):
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("Authorization", self.authorization)
        if data is not None:
            request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers

    def has_blob(self, digest):
        try:
            self.call("HEAD", f"{self.base}/blobs/{digest}")
            return True
        except urllib.error.HTTPError:
            return False

    def push_blob(self, data):
        digest = digest_of(data)
        if not self.has_blob(digest):
            place = self.call("POST", f"{self.base}/blobs/uploads/", b"")["Location"]
            place = place if place.startswith("http") else self.url + place
            joint = "&" if "?" in place else "?"
            self.call("PUT", f"{place}{joint}digest={digest}", data)
        return {"digest": digest, "size": len(data)}

    def push_image(self, tag, layer, environment, labels):
        config = {"architecture": "amd64", "os": "linux",
                  "config": {"Entrypoint": ["/bootstrap"], "Env": environment, "Labels": labels},
                  "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]}}
        layer_type = "application/vnd.oci.image.layer.v1.tar+gzip"
        config_type = "application/vnd.oci.image.config.v1+json"
        packed = gzip.compress(layer, mtime=0)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE,
                    "config": {"mediaType": config_type,
                               **self.push_blob(json.dumps(config).encode())},
                    "layers": [{"mediaType": layer_type, **self.push_blob(packed)}]}
        data = json.dumps(manifest).encode()
        self.call("PUT", f"{self.base}/manifests/{tag}", data, MANIFEST_TYPE)
        return digest_of(data)
