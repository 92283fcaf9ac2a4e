"""What GitHub, Lambda and S3 really hold, read from the sandbox's own state."""


class World:
    def __init__(self, state):
        self.cloud, self.github = state["cloud"], state["github"]["repositories"][0]
        self.marks = {each["context"] for each in self.github["statuses"]}
        self.last_change = self.cloud["ledger"]["lastSequence"]

    def function(self, environment):
        name = "meals-" + environment
        return next(f for f in self.cloud["lambda"]["functions"] if f["name"] == name)

    def live(self, environment):
        """Everything that a rollback has to put back."""
        function = self.function(environment)
        found = {"latest": digest(function["latest"]), "files": self.files(environment)}
        for alias in function["aliases"]:
            if alias["name"] == "live":
                version = next(v for v in function["versions"] if v["version"] == alias["version"])
                found["alias"] = {"version": alias["version"], "weights": alias["weights"],
                                  "digest": digest(version)}
        return found

    def files(self, environment):
        """Static files with fixed names: key -> ETag."""
        name = f"meals-{environment}-static"
        bucket = next(b for b in self.cloud["s3"]["buckets"] if b["name"] == name)
        return {each["key"]: each["etag"] for each in bucket["objects"]
                if not each["key"].startswith("static/.pawl/") and not is_immutable(each["key"])}

    def changes(self, environment, after):
        """The world's own list of what was changed: (time in ms, action, resource, details)."""
        for each in self.cloud["ledger"]["entries"]:
            if each["sequence"] > after and f"meals-{environment}" in each["resource"]:
                yield each["time"], each["action"], each["resource"], each["details"]

    def told(self, kind):
        """Check runs and deployments at GitHub: deployment's id -> their states."""
        states = {}
        for each in self.github[kind]:
            if kind == "check_runs":
                states.setdefault(each["external_id"], []).append(each["status"])
            else:
                last = each["statuses"][-1]["state"] if each["statuses"] else "none"
                states.setdefault(each["payload"]["pawl_deployment"], []).append(last)
        return states

    def open_issues(self, environment):
        return [each for each in self.github["issues"] if each["state"] == "open"
                and f"pawl:release meals/{environment}/" in each["body"]]


def digest(version):
    return "sha256:" + version["settings"]["codeSha256"]


def is_immutable(key):
    parts = key.rsplit("/", 1)[-1].split(".")
    return len(parts) == 3 and len(parts[1]) == 8
