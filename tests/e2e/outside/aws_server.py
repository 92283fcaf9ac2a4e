"""moto behind the strict check of signatures of tests/aws/signed_moto.py, with the caller's keys.

Reads one JSON line, {"key", "secret", "token" (may be null)}; prints {"url"} when it is ready, one
JSON line for each set of keys that STS gave out, and ends when its standard input is closed."""

import json
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "aws"))

from signed_moto import Handler, SignedMoto  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402


class Told(SignedMoto):
    def __init__(self, keys):
        super().__init__()
        self.keys = {keys["key"]: (keys["secret"], keys.get("token"))}

    def learn(self, answer):
        before = dict(self.keys)
        super().learn(answer)
        for key, (secret, token) in self.keys.items():
            if key not in before:
                print(json.dumps({"key": key, "secret": secret, "token": token}), flush=True)


def main():
    server = make_server("127.0.0.1", 0, Told(json.loads(sys.stdin.readline())), threaded=True,
                         request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
