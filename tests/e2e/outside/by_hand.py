"""Lambda's Invoke, played by hand: the image of the version that is asked for runs in a chroot with
a Runtime API of its own, is given the one event, and ends.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

import os
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS_WITHIN_S = 60
TAIL_BYTES = 4096
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


class RuntimeApi:
    def __init__(self, event):
        self.answers, api = queue.Queue(), self
        events = queue.Queue()
        events.put(event)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                event = events.get()  # after the only one: until the program is ended
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", REQUEST_ID)
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.answers.put((not self.path.endswith("/response"), body))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def call(root, config, variables, event):
    """The answer: whether the function failed, what it said, and the end of what it printed."""
    api = RuntimeApi(event)
    of_image = dict(each.split("=", 1) for each in config.get("Env") or [])
    words = (config.get("Entrypoint") or []) + (config.get("Cmd") or [])
    enter = ["unshare"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    process = subprocess.Popen(
        [*enter, f"--root={root}", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**of_image, **variables, "AWS_LAMBDA_RUNTIME_API": api.address})
    try:
        has_failed, body = api.answers.get(timeout=ANSWERS_WITHIN_S)
    finally:
        process.kill()
        log = process.communicate()[0]
        api.server.shutdown()
    return has_failed, body, log[-TAIL_BYTES:]
