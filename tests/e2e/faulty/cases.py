"""Which faults are tried where, and what Pawl has to make of them."""

from dataclasses import dataclass

DONE, FAILED, ROLLED_BACK, REFUSED = 0, 1, 3, 4

# Adapter -> requests at which it breaks, as "METHOD PATH". The first is what ctest tries.
PLACES = {
    "github": [r"POST .*/check-runs", r"POST .*/deployments$", r"GET .*/check-runs"],
    "source": [r"GET .*/blobs/", r"GET .*/manifests/", r"GET .*/referrers/"],
    "ecr": [r"(PUT|PATCH) .*/uploads/", r"POST .*/uploads/", r"PUT .*/manifests/"],
    "lambda": [r"PUT .*/code", r"POST .*/versions", r"PUT .*/aliases/", r"GET .*/functions/"],
    "s3": [r"PUT .*robots", r"PUT .*/static/", r"GET "],
    "sts": [r"POST /"],
    "ecr-control": [r"POST /"],
    "health": [r"GET .*/health"],
}
FAULTS = ("reset", "reset while sending", "truncated", "silence", "429", "503", "redirect loop",
          "wrong digest", "expired certificate")
# What the sentence must name: one of these words, in any case.
WORDS = {
    "reset": "reset|closed|connection|recv|ended|empty reply|unclear",
    "reset while sending": "reset|closed|connection|send|recv|empty reply",
    "truncated": "closed|truncat|outstanding|bytes|incomplete|reset|recv|empty reply|connection",
    "silence": "within|limit|timed out|nothing was received|longer than",
    "429": "429|slow down|throttl|rate",
    "503": "503",
    "redirect loop": "redirect|307",
    "wrong digest": "digest|sha256|bytes|corrupt|hash",
    "expired certificate": "expired",
}
# Adapter -> how it may be named where it fails, besides its address.
NAMES = {
    "github": "check run|commit status|deployment|issue|github", "source": "ghcr.io",
    "ecr": "meals-dev-lambda", "lambda": "lambda:", "s3": "s3:|bucket|s3://",
    "sts": "sts:|web identity", "ecr-control": "ecr:", "health": "/health",
}
# With a fault that is over after one request these may end in a rollback: there is nothing to be
# repeated, since the time of the step is used up, or the answer was a lie and not a failure.
MAY_ROLL_BACK_ONCE = {"silence", "redirect loop", "wrong digest", "truncated"}


@dataclass(frozen=True)
class Case:
    adapter: str
    kind: str
    place: str
    for_good: bool

    def __str__(self):
        how = "from there on" if self.for_good else "once"
        return f"{self.adapter}: {self.kind} at {self.place}, {how}"

    def codes(self):
        """With which `pawl deploy` may end."""
        if self.adapter == "github":
            return {DONE}  # whoever cannot be told does not stop a deployment
        if not self.for_good:
            return {DONE, ROLLED_BACK, REFUSED} if self.kind in MAY_ROLL_BACK_ONCE else {DONE}
        if self.adapter == "lambda" or self.adapter == "s3" or self.adapter == "sts":
            return {FAILED, ROLLED_BACK, REFUSED}  # what is to be undone cannot be reached either
        if self.adapter == "health":
            return {FAILED, ROLLED_BACK}
        return {DONE, ROLLED_BACK, REFUSED}  # may not be asked again after it was once


def is_sensible(adapter, kind, place, for_good):
    if kind == "wrong digest":
        return adapter in ("source", "ecr")
    if kind == "reset while sending":
        return adapter in ("ecr", "s3", "lambda") and not place.startswith("GET")  # has no body
    if kind == "expired certificate":
        return for_good
    return True


def all_cases():
    for adapter, places in PLACES.items():
        for kind in FAULTS:
            for place in places:
                for for_good in (False, True):
                    if is_sensible(adapter, kind, place, for_good):
                        # A certificate is seen before any request.
                        at = "." if kind == "expired certificate" else place
                        if at == place or place == places[0]:
                            yield Case(adapter, kind, at, for_good)


def some_cases():
    """Each adapter, each fault, once and for good, but not every combination: about two minutes."""
    slow = {"silence"}
    wanted = [
        ("github", "503", True), ("github", "truncated", False), ("github", "429", False),
        ("source", "reset", False), ("source", "wrong digest", True), ("source", "503", True),
        ("ecr", "reset while sending", False), ("ecr", "reset", False), ("ecr", "429", False),
        ("ecr", "wrong digest", True), ("ecr", "silence", True),
        ("lambda", "reset", False), ("lambda", "truncated", False), ("lambda", "503", True),
        ("lambda", "silence", False), ("lambda", "expired certificate", True),
        ("s3", "reset while sending", False), ("s3", "redirect loop", True), ("s3", "429", False),
        ("sts", "503", False), ("sts", "expired certificate", True), ("sts", "truncated", True),
        ("ecr-control", "reset", False), ("ecr-control", "redirect loop", True),
        ("health", "truncated", False), ("health", "503", True), ("health", "reset", True),
    ]
    for adapter, kind, for_good in sorted(wanted, key=lambda each: each[1] in slow):
        place = "." if kind == "expired certificate" else PLACES[adapter][0]
        yield Case(adapter, kind, place, for_good)
