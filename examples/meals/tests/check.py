"""Tests the meals binary from outside: as a plain HTTP server, and as a Lambda function under a
small Runtime API. Run from the example's folder: check.py BINARY; with --image STATUS, it tests instead
that /health answers STATUS where files and variables are as the Dockerfile has them."""

import http.server
import json
import os
import queue
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

PATIENCE = 20  # seconds; only a test that fails waits so long


class RuntimeApi(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Hands out the events that are put in, one after another, and keeps what is posted back."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), RuntimeHandler)
        self.events = queue.Queue()
        self.posted = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def invoke(self, event):
        """Where the function posted its answer to the event, and the answer."""
        self.events.put(event if isinstance(event, bytes) else json.dumps(event).encode())
        return self.posted.get(timeout=PATIENCE)


class RuntimeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        body = self.server.events.get()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        if len(body) % 2:  # both ways to say where a body ends
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in (body[:7], body[7:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.posted.put((self.path.removeprefix("/2018-06-01/runtime/"), json.loads(body)))


def http_event(path, method="GET", stage="$default"):
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {"user-agent": "\u00fc \"quoted\" \\ \ud83c\udf72"},
        "requestContext": {"stage": stage, "http": {"method": method, "path": path}},
        "isBase64Encoded": False,
    }


class MealsTest(unittest.TestCase):
    binary = None

    def setUp(self):
        # A copy of what the binary reads, to be broken at will.
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree("data", os.path.join(self.root, "data"))
        shutil.copytree("app/static", os.path.join(self.root, "app/static"))

    def start(self, **variables):
        state = os.path.join(self.root, "state")
        process = subprocess.Popen(
            [self.binary], cwd=self.root,
            env={"APP_VERSION": "1.2.3", "MEALS_STATE": state, **variables},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_server(self):
        line = self.start(PORT="0").stdout.readline()
        self.base = re.search(r"http://\S+", line).group()

    def start_function(self, **variables):
        api = RuntimeApi()
        self.addCleanup(api.server_close)
        self.addCleanup(api.shutdown)
        self.start(AWS_LAMBDA_RUNTIME_API="127.0.0.1:%d" % api.server_port, **variables)
        return api

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.base + path, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read().decode()


class AsAServer(MealsTest):
    def test_the_front_page_lists_the_meals_and_links_to_assets_that_are_there(self):
        self.start_server()
        status, headers, page = self.get("/")
        self.assertEqual(status, 200)
        self.assertIn("text/html", headers["Content-Type"])
        self.assertIn("Cod &amp; leek pie", page)
        assets = re.findall(r'"(/static/[^"]+)"', page)
        self.assertEqual(len(assets), 3)
        for asset in assets:
            self.assertEqual(self.get(asset)[0], 200, asset)

    def test_the_api_gives_the_meals(self):
        self.start_server()
        status, _, body = self.get("/api/meals?page=1")
        self.assertEqual(status, 200)
        with open("data/meals.json", encoding="utf-8") as file:
            self.assertEqual(json.loads(body)["meals"], json.load(file))

    def test_health_names_the_version(self):
        self.start_server()
        status, headers, body = self.get("/health")
        self.assertEqual((status, headers["X-App-Version"]), (200, "1.2.3"))
        self.assertEqual(json.loads(body), {"status": "ok", "version": "1.2.3", "database": "ok"})

    def test_what_is_not_there_is_404_and_what_is_not_allowed_405(self):
        self.start_server()
        for path in ("/nowhere", "/static/", "/static/../meals.json", "/static/%2e%2e/x"):
            self.assertEqual(self.get(path)[0], 404, path)
        self.assertEqual(self.get("/", "DELETE")[0], 405)
        self.assertEqual(self.get("/", "HEAD")[2], "")


class AsAFunction(MealsTest):
    def test_http_events_are_answered_in_the_gateways_format(self):
        api = self.start_function()
        path, answer = api.invoke(http_event("/health"))
        self.assertEqual(path, "invocation/request-1/response")
        self.assertEqual(answer["statusCode"], 200)
        self.assertEqual(answer["headers"]["X-App-Version"], "1.2.3")
        self.assertIs(answer["isBase64Encoded"], False)
        self.assertEqual(json.loads(answer["body"])["database"], "ok")
        for event, status in (
            (http_event("/"), 200),
            (http_event("/dev/api/meals", stage="dev"), 200),
            (http_event("/device", stage="dev"), 404),
            (http_event("/", "POST"), 405),
        ):
            self.assertEqual(api.invoke(event)[1]["statusCode"], status, event["rawPath"])

    def test_migrations_run_once_for_each_key(self):
        api = self.start_function()

        def migrate(key):
            return api.invoke({"admin_operation": "run_migrations", "idempotency_key": key})

        path, first = migrate("deploy-1")
        self.assertEqual(path, "invocation/request-1/response")
        self.assertEqual((first["status"], len(first["applied"])), ("ok", 2))
        self.assertEqual(migrate("deploy-1")[1], first)
        self.assertEqual(migrate("deploy-2")[1]["applied"], [])
        self.assertEqual(migrate("deploy-1")[1], first)

    def test_what_it_cannot_do_is_an_error_and_the_next_event_is_served(self):
        api = self.start_function()
        texts = [b"{\"a\": ", b"[" * 100000, b"\"\\ud800\""]
        for event in [{"admin_operation": "drop_tables"}, {}, []] + texts:
            path, answer = api.invoke(event)
            self.assertEqual(path, "invocation/request-1/error")
            self.assertEqual(set(answer), {"errorMessage", "errorType"})
        self.assertEqual(api.invoke(http_event("/health"))[1]["statusCode"], 200)

    def test_a_release_that_is_not_whole_reports_an_init_error(self):
        os.remove(os.path.join(self.root, "app/static/manifest.json"))
        path, answer = self.start_function().posted.get(timeout=PATIENCE)
        self.assertEqual(path, "init/error")
        self.assertIn("MEALS_ASSETS", answer["errorMessage"])

    def test_health_is_an_error_when_the_storage_cannot_be_read(self):
        os.remove(os.path.join(self.root, "data/meals.json"))
        answer = self.start_function().invoke(http_event("/health"))[1]
        self.assertEqual(answer["statusCode"], 503)
        self.assertEqual(json.loads(answer["body"])["database"], "error")


class InTheImage(MealsTest):
    expected_status = None

    def test_health_answers_as_expected(self):
        folder = os.path.join(self.root, "srv")
        os.rename(os.path.join(self.root, "data"), folder)
        shutil.move(os.path.join(self.root, "app/static/manifest.json"), folder)
        with open("Dockerfile", encoding="utf-8") as file:
            variables = dict(re.findall(r"(\w+)=/srv/meals(\S*)", file.read()))
        api = self.start_function(**{name: folder + rest for name, rest in variables.items()})
        answer = api.invoke(http_event("/health"))[1]
        self.assertEqual(answer["statusCode"], self.expected_status)
        self.assertEqual(answer["headers"]["X-App-Version"], "1.2.3")
        word = "ok" if self.expected_status == 200 else "error"
        self.assertEqual(json.loads(answer["body"]),
                         {"status": word, "version": "1.2.3", "database": word})


if __name__ == "__main__":
    MealsTest.binary = os.path.abspath(sys.argv[-1])
    cases = [AsAServer, AsAFunction]
    if sys.argv[1] == "--image":
        InTheImage.expected_status = int(sys.argv[2])
        cases = [InTheImage]
    suite = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromTestCase, cases))
    sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
