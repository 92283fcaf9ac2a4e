"""The function, run by hand: what stands before it follows alias -> version -> image, unpacks that
image from the registry's files and runs it in a chroot. This is what health checks ask, and what
answers Lambda's Invoke, also of a version that no alias leads to."""

import base64
import http.client
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from outside import by_hand
from outside.children import Child, free_port

ANSWERS_WITHIN_S = 10


def unpack(registry, digest, folder):
    """The image's files in `folder`; returns its config."""
    manifest = json.loads(registry.blob(digest))
    config = json.loads(registry.blob(manifest["config"]["digest"]))["config"]
    for layer in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(registry.blob(layer["digest"])), mode="r:*") as tar:
            tar.extractall(folder)
    (folder / "tmp").mkdir(exist_ok=True)
    return config


class Running:
    """One image that runs."""

    def __init__(self, registry, digest, folder):
        config = unpack(registry, digest, folder)
        self.port = free_port()
        variables = dict(each.split("=", 1) for each in config.get("Env") or [])
        variables["PORT"] = str(self.port)
        words = (config.get("Entrypoint") or []) + (config.get("Cmd") or [])
        enter = ["unshare"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        self.child = Child([*enter, f"--root={folder}", *words], str(folder) + ".log", variables)
        self.child.wait_for_port(self.port)

    def ask(self, method, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWERS_WITHIN_S)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class Front:
    def __init__(self, folder, aws, registry, function, alias, image):
        """`image`: host and repository of the function's images."""
        self.folder, self.aws, self.registry = folder, aws, registry
        self.function, self.alias, self.image = function, alias, image
        self.running, self.lock = {}, threading.Lock()
        self.configs = {}  # of the images that were invoked, by version
        folder.mkdir(parents=True)
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                front.answer(self)

            def do_POST(self):
                front.invoke(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def live_digest(self):
        """Of the image that callers get; None when nothing is live."""
        try:
            version = self.aws.alias(self.function, self.alias)["version"]
        except self.aws.client("lambda").exceptions.ResourceNotFoundException:
            return None
        return self.digest_of(version)

    def digest_of(self, version):
        name = self.image.split("/", 1)[1]
        uris = [f"{self.image}@{each}" for each in self.registry.digests(name)]
        found = self.aws.image_of(self.function, version, uris)
        return found and found.split("@")[1]

    def invoke(self, request):
        """Of a version, with the variables that it pins."""
        words = urllib.parse.urlsplit(request.path)
        version = urllib.parse.parse_qs(words.query)["Qualifier"][0]
        settings = self.aws.client("lambda").get_function_configuration(
            FunctionName=self.function, Qualifier=version)
        root = self.folder / f"invoked-{version}"
        config = self.configs.get(version)
        if config is None:
            root.mkdir()
            config = self.configs[version] = unpack(self.registry, self.digest_of(version), root)
        event = request.rfile.read(int(request.headers["Content-Length"]))
        has_failed, body, log = by_hand.call(
            root, config, settings.get("Environment", {}).get("Variables", {}), event)
        request.send_response(200)
        request.send_header("X-Amz-Executed-Version", version)
        request.send_header("X-Amz-Log-Result", base64.b64encode(log).decode())
        if has_failed:
            request.send_header("X-Amz-Function-Error", "Unhandled")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def answer(self, request):
        try:
            status, headers, body = self.running_image().ask("GET", request.path, {})
        except Exception as problem:  # as API Gateway says it
            status, headers, body = 502, [], json.dumps({"message": str(problem)}).encode()
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def running_image(self):
        digest = self.live_digest()
        if digest is None:
            raise RuntimeError("nothing that is in the registry is live")
        with self.lock:
            if digest not in self.running:
                place = self.folder / digest.split(":")[1]
                place.mkdir()
                self.running[digest] = Running(self.registry, digest, place)
            return self.running[digest]

    def end(self):
        self.server.shutdown()
        for each in self.running.values():
            each.child.end()
        shutil.rmtree(self.folder, ignore_errors=True)
