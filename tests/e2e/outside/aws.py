"""AWS played by moto, and what it holds as boto3 reads it.

Where moto is not AWS (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html):
GetFunction with a qualifier gives the newest ImageUri whatever the version, so the image of a
version is told by its CodeSha256, which moto makes of the ImageUri's text and AWS of the image."""

import hashlib
import json
import pathlib
import threading

from outside.children import Child

ACCOUNT, REGION = "123456789012", "us-east-1"
ECR_HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
# What moto's GetAuthorizationToken hands out; user AWS.
ECR_PASSWORD = f"{ACCOUNT}-auth-token"


class Aws:
    def __init__(self, folder, key, secret, token=None):
        server = pathlib.Path(__file__).with_name("aws_server.py")
        self.key, self.secret, self.token = key, secret, token
        self.child = Child(["python3", str(server)], folder / "moto.log",
                           told={"key": key, "secret": secret, "token": token})
        self.url = self.child.first_line()["url"]
        self.given_out = []  # what STS made: dictionaries of key, secret, token
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        for line in self.child.process.stdout:
            self.given_out.append(json.loads(line))

    def client(self, name):
        import boto3
        from botocore.config import Config
        return boto3.client(name, endpoint_url=self.url, region_name=REGION,
                            aws_access_key_id=self.key, aws_secret_access_key=self.secret,
                            aws_session_token=self.token,
                            config=Config(s3={"addressing_style": "path"}))

    def invoke_by(self, url):
        """Has Lambda's Invoke answered at that URL (outside/front.py)."""
        self.child.process.stdin.write(json.dumps({"invoke": url}).encode() + b"\n")
        self.child.process.stdin.flush()

    # ---- what is live ----

    def alias(self, function, name):
        found = self.client("lambda").get_alias(FunctionName=function, Name=name)
        weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return {"version": found["FunctionVersion"], "weights": weights,
                "description": found.get("Description", "")}

    def code_of(self, function, version):
        pages = self.client("lambda").get_paginator("list_versions_by_function")
        for page in pages.paginate(FunctionName=function):
            for each in page["Versions"]:
                if each["Version"] == version:
                    return each["CodeSha256"]
        return None

    def image_of(self, function, version, uris):
        """Which of `uris` that version was made of."""
        code = self.code_of(function, version)
        return next((u for u in uris if hashlib.sha256(u.encode()).hexdigest() == code), None)

    def objects(self, bucket, prefix=""):
        """key -> what a visitor gets: body and the headers that matter."""
        s3, found = self.client("s3"), {}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for each in page.get("Contents", []):
                got = s3.get_object(Bucket=bucket, Key=each["Key"])
                found[each["Key"]] = (got["Body"].read(), got["ContentType"],
                                      got.get("CacheControl", ""))
        return found

    def end(self):
        self.child.end()
