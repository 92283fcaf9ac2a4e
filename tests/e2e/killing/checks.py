"""What must hold after each round, by the numbers of docs/guarantees.md. Each check yields
sentences about what does not."""

import json
import re
import urllib.request
from datetime import datetime

class After:
    """A round that is over: the journal and the world, before it and after it."""

    def __init__(self, project, environment, before, world_before):
        self.project, self.environment = project, environment
        self.before, self.world_before = before, world_before
        self.world = project.world()
        self.all = [d for d in project.history() if d["environment"] == environment]
        known = {d["id"] for d in before if d["finished"]}
        self.new = [d for d in self.all if d["id"] not in known]
        # Those that held the environment, in the order in which they did.
        self.ran = sorted((d for d in self.new if d["started_at"]), key=lambda d: d["started_at"])
        self.live = self.world.live(environment)

    def violations(self):
        for number, check in ((4, one_owner), (7, effects_once), (7, told_once), (9, witnessed),
                              (11, proven_ground), (13, in_order), (15, at_rest),
                              (16, what_was_live), ("issues", one_issue)):
            for sentence in check(self):
                yield f"invariant {number}: {sentence}"


def is_left(deployment):
    return deployment["rollback_status"] == "left"


def at_rest(after):
    for each in after.all:
        if not each["finished"]:
            yield f"{each['id']} is not finished ({each['phase']})"
        for step in each["steps"]:
            if step["status"] in ("running", "undoing"):
                yield f"{each['id']} has ended, and its step {step['id']} is {step['status']}"
    for each in after.new:
        if each["phase"] == "failed":
            yield f"{each['id']} failed, and nothing stood in its way: {each['reason']}"


def one_owner(after):
    for first, second in zip(after.ran, after.ran[1:]):
        if first["finished_at"] and first["finished_at"] > second["started_at"]:
            yield (f"{second['id']} began at {second['started_at']}, and {first['id']} held the "
                   f"environment until {first['finished_at']}")


def in_order(after):
    begun = [d["id"] for d in after.ran]
    accepted = [d["id"] for d in after.new if d["started_at"]]
    if begun != accepted:
        yield f"accepted in the order {accepted}, begun in the order {begun}"


def milliseconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def effects_once(after):
    """Within the time of one deployment nothing is changed to the same thing twice."""
    changes = list(after.world.changes(after.environment, after.world_before.last_change))
    for each in after.ran:
        if not each["finished_at"]:
            continue
        start, end = milliseconds(each["started_at"]), milliseconds(each["finished_at"]) + 1
        seen, last = {}, {}
        for at, action, resource, details in changes:
            if not start <= at <= end or action in ("PutImage",) or "/.pawl/" in resource:
                continue
            value = (details.get("resolvedImageUri") or details.get("etag")
                     or (details.get("version"), str(details.get("weights"))))
            if action == "PublishVersion":
                value = "a version"
            # The same again changes nothing: a file that is put once more, or what an undo found
            # as it was and wrote once, so that a late request is refused.
            if last.get(resource) == (action, value) and action != "PublishVersion":
                continue
            last[resource] = (action, value)
            seen[action, resource, value] = seen.get((action, resource, value), 0) + 1
        for (action, resource, value), count in seen.items():
            if count > 1:
                yield f"{each['id']}: {action} of {resource} to {value}, {count} times"
    keys = {}
    for version in after.world.function(after.environment)["versions"]:
        key = re.search(r"pawl [0-9a-f]{16}", version["settings"]["description"])
        if key and keys.setdefault(key.group(), version["version"]) != version["version"]:
            yield (f"versions {keys[key.group()]} and {version['version']} were published for one "
                   f"deployment ({version['settings']['description']})")


def told_once(after):
    for kind, open_states in (("check_runs", {"queued", "in_progress"}),
                              ("deployments", {"in_progress", "queued", "pending", "none"})):
        told = after.world.told(kind)
        for each in after.new:
            left_open = [s for s in told.get(each["id"], []) if s in open_states]
            if left_open and each["finished"]:
                yield f"{each['id']} has ended, and its {kind} say {told[each['id']]}"


def witnessed(after):
    """What the journal says is live is live, and answers."""
    ended = [d for d in after.ran if d["finished"]]
    changed = [d for d in ended if d["phase"] == "succeeded" or is_left(d)]
    if not changed or is_left(changed[-1]):
        return
    last = changed[-1]
    alias = after.live.get("alias", {})
    if alias.get("digest") != last["outputs"]["digest"] and last["kind"] == "deploy":
        yield f"{last['id']} succeeded with {last['outputs']['digest']}, live is {alias}"
    if alias.get("weights"):
        yield f"{last['id']} succeeded, and the alias has weights {alias['weights']}"
    with urllib.request.urlopen(last["outputs"]["deployment_url"] + "/health", timeout=20) as reply:
        answer = json.load(reply)
    if answer.get("version") != last["release"]["version"]:
        yield f"{last['id']} made {last['release']['version']} live, /health says {answer}"


def proven_ground(after):
    for each in after.new:
        if each["kind"] != "rollback":
            continue
        proven = {(d["release"]["version"], d["release"]["sha"]) for d in after.all
                  if d["phase"] == "succeeded" and d["accepted_at"] < each["accepted_at"]}
        if (each["release"]["version"], each["release"]["sha"]) not in proven:
            yield f"{each['id']} went back to {each['release']['version']}, never verified"
        if each["phase"] == "succeeded" and each["release"]["version"] in after.project.bad:
            yield f"{each['id']} went back to a release that is broken"


def what_was_live(after):
    """Only deployments that did not succeed: then all is as it was before the round."""
    if any(d["phase"] == "succeeded" or is_left(d) or d["phase"] == "failed" for d in after.ran):
        return
    was = after.world_before.live(after.environment)
    for part in ("alias", "latest", "files"):
        if was.get(part) != after.live.get(part):
            yield f"{part} was {was.get(part)}, and is {after.live.get(part)}"


def one_issue(after):
    """One open issue for each release that broke since the last success."""
    broken = []
    for each in (d for d in after.all if d["started_at"] and d["finished"]):
        if each["phase"] == "succeeded":
            broken = []
        if each["phase"] in ("rolled_back", "failed"):
            broken.append(each["release"]["version"])
    found = sorted(re.search(r"pawl:release \S+/([^/@\s]+)@", issue["body"]).group(1)
                   for issue in after.world.open_issues(after.environment))
    if found != sorted(set(broken)):
        yield f"open issues of {found}, and these broke since the last success: {broken}"
