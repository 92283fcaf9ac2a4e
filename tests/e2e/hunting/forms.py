"""The forms in which a secret may stand somewhere: as it is, in base64 at any offset, URL-encoded,
escaped for JSON, in hexadecimal."""

import base64
import json
import re
import urllib.parse

SHORTEST = 8  # what is left of a form must be telling


def base64_forms(secret):
    """What each text that holds the secret holds when encoded, wherever the secret begins."""
    for before in range(3):
        data = base64.b64encode(b"\0" * before + secret)
        # The first and the last group depend on what stands beside the secret.
        start = (before * 8 + 5) // 6 if before else 0
        whole_bits = (before + len(secret)) * 8
        core = data[start:whole_bits // 6]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")


def forms_of(secret):
    text = secret.encode()
    found = {text, text.hex().encode(), text.hex().upper().encode(),
             json.dumps(secret)[1:-1].encode(),
             json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
             json.dumps(json.dumps(secret)[1:-1])[1:-1].encode()}
    for safe in ("", "/", "/:@", "-_.~"):
        found.add(urllib.parse.quote(secret, safe=safe).encode())
        found.add(urllib.parse.quote_plus(secret, safe=safe).encode())
    # Some write the digits of %2F small.
    found.add(re.sub("%..", lambda each: each[0].lower(), urllib.parse.quote(secret, safe=""))
              .encode())
    found.update(base64_forms(text))
    return {form for form in found if len(form) >= SHORTEST}


class Secrets:
    """By name, so that a report names the secret and does not show it."""

    def __init__(self, values):
        self.forms, self.values = {}, {}
        for name, value in values.items():
            self.add(name, value)

    def add(self, name, value):
        self.values[name] = value
        self.forms[name] = forms_of(value)

    def names_in(self, data, but=()):
        if isinstance(data, str):
            data = data.encode(errors="surrogateescape")
        return sorted(name for name, forms in self.forms.items()
                      if name not in but and any(form in data for form in forms))
