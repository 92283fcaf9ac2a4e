"""Gives out the tokens that docker-registry's bearer authentication wants.
https://distribution.github.io/distribution/spec/auth/token/

    python3 token_server.py FOLDER USER PASSWORD

USER gets every action that is asked for, also by OAuth2 with the refresh token "refresh-PASSWORD"; "bob", with the same password, only pull; nobody else
anything. Makes its key in FOLDER, prints one JSON line when it is ready, and ends when its standard
input is closed.
"""
import base64
import json
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

folder, user, password = sys.argv[1:4]
key, certificate = folder + "/token.key", folder + "/token.crt"


def openssl(*words, given=b""):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_for(name, scopes):
    access = []
    for scope in " ".join(scopes).split():
        kind, rest = scope.split(":", 1)
        repository, actions = rest.rsplit(":", 1)
        granted = [a for a in actions.split(",") if name == user or a == "pull"]
        access.append({"type": kind, "name": repository, "actions": granted})
    now = int(time.time())
    head = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
    claims = {"iss": "tokens.test", "aud": "registry.test", "sub": name, "iat": now, "nbf": now - 5,
              "exp": now + 300, "jti": str(uuid.uuid4()), "access": access}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    signature = openssl("dgst", "-sha256", "-sign", key, given=text.encode())
    return text + "." + encoded(signature)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="tokens"')
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        given = self.headers.get("Authorization", "").partition("Basic ")[2]
        name, _, word = base64.b64decode(given).decode().partition(":")
        if name not in (user, "bob") or word != password:
            return self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]})
        if query.get("service") != ["registry.test"]:
            return self.answer(400, {"errors": [{"code": "DENIED", "message": "of another service"}]})
        self.answer(200, {"token": token_for(name, query.get("scope", [])), "expires_in": 300})

    # https://distribution.github.io/distribution/spec/auth/oauth/
    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        if form.get("grant_type") != ["refresh_token"] or not form.get("client_id"):
            return self.answer(400, {"error": "unsupported_grant_type"})
        if form.get("refresh_token") != ["refresh-" + password]:
            return self.answer(401, {"error": "invalid_grant"})
        if form.get("service") != ["registry.test"]:
            return self.answer(400, {"error": "invalid_request"})
        self.answer(200, {"access_token": token_for(user, form.get("scope", [])), "expires_in": 300,
                          "scope": " ".join(form.get("scope", []))})

    def log_message(self, *_):
        pass


openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
        "-days", "2", "-subj", "/CN=tokens.test")
chain = base64.b64encode(openssl("x509", "-in", certificate, "-outform", "DER")).decode()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"url": "http://127.0.0.1:%d" % server.server_port, "certificate": certificate}),
      flush=True)
sys.stdin.read()
