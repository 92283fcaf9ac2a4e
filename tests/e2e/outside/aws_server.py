"""moto behind the strict check of signatures of tests/aws/signed_moto.py, with the caller's keys.

Reads one JSON line, {"key", "secret", "token" (may be null)}; prints {"url"} when it is ready, one
JSON line for each set of keys that STS gave out, and ends when its standard input is closed. After
a line {"invoke": URL} it hands Lambda's Invoke, once its signature was checked, to that URL, since
moto itself wants a docker daemon for it."""

import json
import pathlib
import re
import sys
import threading
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "aws"))

from signed_moto import Handler, SignedMoto  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402


INVOKE = re.compile(r"/2015-03-31/functions/[^/]+/invocations")


class Told(SignedMoto):
    def __init__(self, keys):
        super().__init__()
        self.moto, self.app, self.invoke_url = self.app, self.invoke_or_moto, None
        self.keys = {keys["key"]: (keys["secret"], keys.get("token"))}

    def learn(self, answer):
        before = dict(self.keys)
        super().learn(answer)
        for key, (secret, token) in self.keys.items():
            if key not in before:
                print(json.dumps({"key": key, "secret": secret, "token": token}), flush=True)

    def invoke_or_moto(self, environ, start):
        if self.invoke_url is None or not INVOKE.fullmatch(environ["PATH_INFO"]):
            return self.moto(environ, start)
        url = self.invoke_url + environ["PATH_INFO"] + "?" + environ.get("QUERY_STRING", "")
        request = urllib.request.Request(url, environ["wsgi.input"].read(), method="POST")
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as problem:
            answer = problem
        with answer:
            body = answer.read()
            headers = [(name, value) for name, value in answer.headers.items()
                       if name.lower().startswith(("x-amz", "content"))]
            start(f"{answer.status} {answer.reason}", headers)
            return [body]


def main():
    told = Told(json.loads(sys.stdin.readline()))
    server = make_server("127.0.0.1", 0, told, threaded=True,
                         request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    for line in sys.stdin:
        told.invoke_url = json.loads(line)["invoke"]


if __name__ == "__main__":
    main()
