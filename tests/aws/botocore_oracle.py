"""Signs a table of odd requests with botocore and prints one JSON object a line.

The program under test signs the same requests; the signatures must be the same.
"""
import hashlib
import json
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = ["plain", "a b", "a+b", "a%20b", "ünï/kødé", "日本語/ファイル.txt", "quote'\"`", "star*(1)!",
        "semi;colon", "at@sign:colon", "tilde~", "hash#and?mark", "dots/../x", "a//b", "emoji🙂", "e=m&c"]
QUERIES = ["", "b=2&a=1", "prefix=" + quote("a/b", safe=""), "empty=&novalue=", "k=b&k=a",
           "list-type=2&prefix=" + quote("ü n+i&c=", safe=""), "Qualifier=" + quote("$LATEST", safe="")]
BODIES = ["", "hello", "{\"a\": \"ü\"}"]


def cases():
    for service in ("s3", "lambda", "sts", "ecr", "apigateway", "monitoring"):
        for index, key in enumerate(KEYS):
            if service != "s3" and ("//" in key or ".." in key):
                continue  # an SDK never sends these
            # What a URL's path carries; other services' SDKs encode labels once, then sign twice.
            path = "/" + quote(key, safe="/~")
            query = QUERIES[index % len(QUERIES)]
            yield service, path, query, BODIES[index % len(BODIES)], index % 2 == 0


def main():
    for service, path, query, body, with_token in cases():
        method = "PUT" if body else "GET"
        url = "https://host.example.com" + path + ("?" + query if query else "")
        headers = {"Content-Type": "text/plain; charset=utf-8", "X-Amz-Meta-Note": "  two   spaces "}
        request = AWSRequest(method=method, url=url, data=body.encode(), headers=headers)
        credentials = Credentials("AKIDEXAMPLE", "secret/Key+1", "token/+=" if with_token else None)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        if service == "s3":
            request.context["payload_signing_enabled"] = True
            request.context["client_config"] = None
        signer(credentials, service, "eu-central-1").add_auth(request)
        print(json.dumps({
            "service": service, "method": method, "target": path + ("?" + query if query else ""),
            "body_sha256": hashlib.sha256(body.encode()).hexdigest(),
            "token": "token/+=" if with_token else "",
            "date": request.headers["X-Amz-Date"],
            "authorization": request.headers["Authorization"],
            "headers": {"Content-Type": headers["Content-Type"],
                        "X-Amz-Meta-Note": headers["X-Amz-Meta-Note"]},
        }))


if __name__ == "__main__":
    main()
