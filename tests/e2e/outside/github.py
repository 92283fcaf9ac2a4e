"""GitHub as far as a deployment needs it: a server with a memory, behind the proxy that holds both
sides against GitHub's own description (tests/github/openapi/proxy.mjs). Its answers are the
description's examples with what it remembers laid over them. Lists come in pages of two, whatever
is asked for, so that whoever does not follow `Link` sees too little."""

import copy
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from outside.children import OPENAPI, Child

DESCRIPTION = OPENAPI / "node_modules/@octokit/openapi/generated/api.github.com.json"
REPOSITORY = "/repos/{owner}/{repo}"
PAGE = 2


class Examples:
    def __init__(self):
        self.all = json.loads(DESCRIPTION.read_text())

    def of(self, method, path, status):
        answer = self.all["paths"][REPOSITORY + path][method]["responses"][status]
        examples = answer["content"]["application/json"]["examples"]
        found = next(iter(examples.values()))
        if "$ref" in found:
            found = self.all["components"]["examples"][found["$ref"].rsplit("/", 1)[1]]
        return found["value"]


class NotThere(Exception):
    pass


class State:
    """What was said, in the order in which it was."""

    def __init__(self, name):
        examples = Examples()
        self.name = name
        self.samples = {
            "repository": examples.of("get", "", "200"),
            "check": examples.of("post", "/check-runs", "201"),
            "status": examples.of("post", "/statuses/{sha}", "201"),
            "deployment": examples.of("post", "/deployments", "201"),
            "deployment_status": examples.of(
                "post", "/deployments/{deployment_id}/statuses", "201"),
            "issue": examples.of("post", "/issues", "201"),
            "comment": examples.of("post", "/issues/{issue_number}/comments", "201"),
            "label": examples.of("post", "/labels", "201"),
            "environment": examples.of("get", "/environments/{environment_name}", "200"),
            "comparison": examples.of("get", "/compare/{basehead}", "200"),
        }
        self.checks, self.statuses, self.deployments = [], [], []
        self.issues, self.labels = [], []
        self.ids = 1000

    def make(self, kind, **known):
        self.ids += 1
        return {**copy.deepcopy(self.samples[kind]), "id": self.ids, **known}

    # ---- one function for each route: (query, body) and the path's parts -> (status, answer) ----

    def repository(self, _query, _body):
        answer = {**self.samples["repository"], "full_name": self.name}
        for each in (answer, answer["source"], answer["parent"]):
            each.setdefault("language", None)  # the example lacks what the schema wants
        return 200, answer

    def environment(self, _query, _body, name):
        return 200, {**self.samples["environment"], "name": name}

    def compare(self, _query, _body, _base, head):
        answer = copy.deepcopy(self.samples["comparison"])
        answer["commits"][-1]["sha"] = head
        return 200, answer

    def list_checks(self, query, _body, sha):
        wanted = query.get("check_name")
        found = [c for c in self.checks if c["head_sha"] == sha and wanted in (None, c["name"])]
        return 200, ("check_runs", found[::-1])

    def make_check(self, _query, body):
        made = self.make("check", conclusion=None, completed_at=None)
        self.checks.append(made)
        return 201, self.fill_check(made, body)

    def change_check(self, _query, body, number):
        return 200, self.fill_check(by_id(self.checks, number), body)

    @staticmethod
    def fill_check(check, body):
        output = body.pop("output", {})
        check["output"] = {**check["output"], "text": None, **output}
        check.update(body)
        if body.get("conclusion"):
            check.update(status="completed", completed_at="2026-01-01T00:00:00Z")
        return check

    def list_statuses(self, _query, _body, sha):
        return 200, (None, [s for s in self.statuses if s["sha"] == sha][::-1])

    def make_status(self, _query, body, sha):
        made = self.make("status", **{"target_url": None, "sha": sha, **body})
        self.statuses.append(made)
        return 201, without(made, "sha")

    def list_deployments(self, query, _body):
        found = [d for d in self.deployments
                 if query.get("sha") in (None, d["sha"])
                 and query.get("environment") in (None, d["environment"])]
        return 200, (None, [without(d, "statuses") for d in found[::-1]])

    def make_deployment(self, _query, body):
        if body.get("required_contexts") is None or body.get("auto_merge") is not False:
            return 409, {"message": "Conflict: commit statuses, or a merge, come first"}
        kept = {k: body[k] for k in ("ref", "task", "environment", "description", "payload",
                                     "production_environment") if k in body}
        made = self.make("deployment", sha=body["ref"], statuses=[], **kept)
        self.deployments.append(made)
        return 201, without(made, "statuses")

    def list_deployment_statuses(self, _query, _body, number):
        return 200, (None, by_id(self.deployments, number)["statuses"][::-1])

    def make_deployment_status(self, _query, body, number):
        deployment = by_id(self.deployments, number)
        if body.get("auto_inactive", True) and body["state"] == "success":
            self.retire(deployment)
        made = self.make("deployment_status", **without(body, "auto_inactive"))
        deployment["statuses"].append(made)
        return 201, made

    def retire(self, successor):
        """https://docs.github.com/en/rest/deployments/statuses: `auto_inactive`."""
        for each in self.deployments:
            if each is not successor and each["environment"] == successor["environment"]:
                if each["statuses"] and each["statuses"][-1]["state"] == "success":
                    each["statuses"].append(self.make("deployment_status", state="inactive"))

    def list_issues(self, query, _body):
        wanted = set(filter(None, query.get("labels", "").split(",")))
        found = [i for i in self.issues
                 if query.get("state", "open") in (i["state"], "all")
                 and wanted <= {label["name"] for label in i["labels"]}]
        return 200, (None, [without(i, "said") for i in found[::-1]])

    def make_issue(self, _query, body):
        names = body.pop("labels", [])
        for name in names:  # GitHub makes those that are not there
            if name not in {label["name"] for label in self.labels}:
                self.labels.append(self.make("label", name=name))
        labels = [label for label in self.labels if label["name"] in names]
        made = self.make("issue", number=len(self.issues) + 1, labels=labels, state="open",
                         said=[], **body)
        made.update(comments=0, closed_at=None, closed_by=None)
        self.issues.append(made)
        return 201, without(made, "said")

    def change_issue(self, _query, body, number):
        issue = self.issue(number)
        issue.update(body)
        return 200, without(issue, "said")

    def list_comments(self, _query, _body, number):
        return 200, (None, self.issue(number)["said"])

    def make_comment(self, _query, body, number):
        made = self.make("comment", **body)
        self.issue(number)["said"].append(made)
        return 201, made

    def issue(self, number):
        found = next((i for i in self.issues if i["number"] == int(number)), None)
        if found is None:
            raise NotThere
        return found

    def list_labels(self, _query, _body):
        return 200, (None, self.labels)

    def make_label(self, _query, body):
        if body["name"] in {label["name"] for label in self.labels}:
            return 422, {"message": "Validation Failed", "documentation_url": "https://x.example",
                         "errors": [{"resource": "Label", "code": "already_exists"}]}
        made = self.make("label", **body)
        self.labels.append(made)
        return 201, made


def by_id(things, number):
    found = next((each for each in things if each["id"] == int(number)), None)
    if found is None:
        raise NotThere
    return found


def without(thing, key):
    return {k: v for k, v in thing.items() if k != key}


ROUTES = [
    ("GET", "", State.repository),
    ("GET", "/environments/([^/]+)", State.environment),
    ("GET", r"/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)", State.compare),
    ("GET", "/commits/([^/]+)/check-runs", State.list_checks),
    ("POST", "/check-runs", State.make_check),
    ("PATCH", "/check-runs/([0-9]+)", State.change_check),
    ("GET", "/commits/([^/]+)/statuses", State.list_statuses),
    ("POST", "/statuses/([^/]+)", State.make_status),
    ("GET", "/deployments", State.list_deployments),
    ("POST", "/deployments", State.make_deployment),
    ("GET", "/deployments/([0-9]+)/statuses", State.list_deployment_statuses),
    ("POST", "/deployments/([0-9]+)/statuses", State.make_deployment_status),
    ("GET", "/issues", State.list_issues),
    ("POST", "/issues", State.make_issue),
    ("PATCH", "/issues/([0-9]+)", State.change_issue),
    ("GET", "/issues/([0-9]+)/comments", State.list_comments),
    ("POST", "/issues/([0-9]+)/comments", State.make_comment),
    ("GET", "/labels", State.list_labels),
    ("POST", "/labels", State.make_label),
]


class GitHub:
    def __init__(self, folder, token, name="example/meals"):
        self.state, self.token, self.lock = State(name), token, threading.Lock()
        self.unknown = []   # what was asked and is not played here
        self.quotes_tokens = False  # answers as a proxy in between might: with what it was sent
        github = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                github.answer(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        own = f"http://127.0.0.1:{self.server.server_port}"
        self.child = Child(["node", str(OPENAPI / "proxy.mjs"), own], folder / "prism.log")
        self.url = self.child.first_line()["url"]

    def answer(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = json.loads(request.rfile.read(length) or b"{}")
        url = urlparse(request.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        with self.lock:
            status, answer = self.play(request, url.path, query, body)
        link = ""
        if isinstance(answer, tuple):
            answer, link = self.page(url.path, query, *answer)
        data = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json; charset=utf-8")
        request.send_header("Content-Length", str(len(data)))
        if link:
            request.send_header("Link", link)
        request.end_headers()
        request.wfile.write(data)

    def play(self, request, path, query, body):
        given = request.headers.get("Authorization", "")
        if self.quotes_tokens:
            return 403, {"message": f"who is {given}?", "documentation_url": "https://x.example"}
        if given != "Bearer " + self.token:
            return 401, {"message": "Bad credentials"}
        start = "/repos/" + self.state.name
        for method, pattern, act in ROUTES:
            match = re.fullmatch(re.escape(start) + pattern, path)
            if match and method == request.command:
                try:
                    return act(self.state, query, body, *match.groups())
                except NotThere:
                    return 404, {"message": "Not Found"}
        self.unknown.append(f"{request.command} {path}")
        return 404, {"message": "Not Found"}

    def page(self, path, query, member, items):
        number = int(query.get("page", 1))
        shown = items[(number - 1) * PAGE:number * PAGE]
        link = ""
        if number * PAGE < len(items):
            words = "&".join(f"{k}={v}" for k, v in query.items() if k != "page")
            link = f'<{self.url}{path}?{words}&page={number + 1}>; rel="next"'
        if member is None:
            return shown, link
        return {"total_count": len(items), member: shown}, link

    # ---- what a person would see ----

    def check(self, sha):
        """Of a commit: (status, conclusion) of its newest check run."""
        found = [c for c in self.state.checks if c["head_sha"] == sha]
        return (found[-1]["status"], found[-1]["conclusion"]) if found else None

    def status(self, sha):
        found = [s for s in self.state.statuses if s["sha"] == sha]
        return found[-1]["state"] if found else None

    def deployment(self, sha):
        found = [d for d in self.state.deployments if d["sha"] == sha and d["statuses"]]
        return found[-1]["statuses"][-1] if found else None

    def open_issues(self):
        return [i for i in self.state.issues if i["state"] == "open"]

    def end(self):
        self.child.end()
        self.server.shutdown()
