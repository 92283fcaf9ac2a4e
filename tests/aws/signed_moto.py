"""moto behind a strict check of AWS signatures, with the resources that the contract tests need.

moto's own enforcing mode refuses requests that AWS takes, so the check here is made on the raw
request, as AWS documents it. Prints one JSON line with its URL and keys when it is ready, and ends
when its standard input is closed.

    python3 signed_moto.py [PORT]
"""
import datetime
import hashlib
import hmac
import io
import json
import re
import sys
import threading
from urllib.parse import quote, unquote_to_bytes

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCESS_KEY, SECRET_KEY = "AKIDCONTRACT00000000", "contract/Secret+Key1"
METADATA_TOKEN = "fake-imdsv2-token"  # what moto gives
MAX_SKEW_SECONDS = 900
HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$")


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_query(query):
    pairs = (part.partition("=") for part in query.split("&") if part)
    encoded = ((quote(unquote_to_bytes(k), safe="-_.~"), quote(unquote_to_bytes(v), safe="-_.~"))
               for k, _, v in pairs)
    return "&".join(k + "=" + v for k, v in sorted(encoded))


def headers_of(environ):
    headers = {name[5:].replace("_", "-").lower(): value
               for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    headers["content-length"] = environ.get("CONTENT_LENGTH", "")
    return headers


class SignedMoto:
    def __init__(self):
        self.app = DomainDispatcherApplication(create_backend_app)
        self.keys = {ACCESS_KEY: (SECRET_KEY, None)}

    def check(self, environ, body):
        target = environ.get("RAW_URI") or environ["REQUEST_URI"]
        headers = headers_of(environ)
        match = HEADER.match(headers.get("authorization", ""))
        if not match:
            raise Refused("IncompleteSignature", "no or malformed Authorization")
        key_id, day, region, service, signed_names, signature = match.groups()
        signed = signed_names.split(";")
        if "host" not in signed:
            raise Refused("SignatureDoesNotMatch", "host must be signed")
        for name in headers:
            if name.startswith("x-amz-") and name not in signed:
                raise Refused("SignatureDoesNotMatch", "%s is not signed" % name)
        if service == "s3" and "x-amz-content-sha256" not in headers:
            raise Refused("InvalidRequest", "x-amz-content-sha256 is missing")
        secret, token = self.keys.get(key_id, (None, None))
        if secret is None or headers.get("x-amz-security-token") != token:
            raise Refused("InvalidClientTokenId", "unknown key or wrong token")
        body_hash = hashlib.sha256(body).hexdigest()
        claimed = headers.get("x-amz-content-sha256") or body_hash
        if re.fullmatch("[0-9a-f]{64}", claimed) and claimed != body_hash:
            raise Refused("XAmzContentSHA256Mismatch", "the body is another one")
        stamp = headers.get("x-amz-date", "")
        age = datetime.datetime.utcnow() - datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
        if abs(age.total_seconds()) > MAX_SKEW_SECONDS:
            raise Refused("RequestTimeTooSkewed", stamp)
        path, _, query = target.partition("?")
        path = (quote(unquote_to_bytes(path), safe="/-_.~") if service == "s3"
                else quote(path, safe="/-_.~"))
        canonical = "\n".join(
            [environ["REQUEST_METHOD"], path, canonical_query(query),
             "".join("%s:%s\n" % (n, " ".join(headers.get(n, "").split())) for n in signed),
             signed_names, claimed])
        scope = "/".join([day, region, service, "aws4_request"])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = mac(mac(mac(mac(("AWS4" + secret).encode(), day), region), service), "aws4_request")
        if mac(key, to_sign).hex() != signature:
            raise Refused("SignatureDoesNotMatch", "expected: " + canonical.replace("\n", "|"))

    def learn(self, answer):
        def find(tag):
            found = re.search(("<%s>([^<]*)</%s>" % (tag, tag)).encode(), answer)
            return found[1].decode() if found else None
        if find("AccessKeyId"):
            self.keys[find("AccessKeyId")] = (find("SecretAccessKey"), find("SessionToken"))

    def __call__(self, environ, start):
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", ""):
            body = environ["wsgi.input"].read()
        else:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        if environ["PATH_INFO"].startswith("/latest/"):
            return self.metadata(environ, start)
        by_identity = b"Action=AssumeRoleWithWebIdentity" in body
        try:
            if not by_identity:
                self.check(environ, body)
        except (Refused, ValueError) as problem:
            code = getattr(problem, "code", "IncompleteSignature")
            text = ("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error>"
                    "</ErrorResponse>" % (code, quote(str(problem), safe=" /|:;=-&")))
            start("403 Forbidden", [("Content-Type", "text/xml"), ("Content-Length", str(len(text)))])
            return [text.encode()]
        answer = b"".join(self.app(environ, start))
        if b"Action=AssumeRole" in body:
            self.learn(answer)
        return [answer]

    # Moto's own answers; that a session must be opened and named is checked here, as documented:
    # docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html
    def metadata(self, environ, start):
        environ["HTTP_HOST"] = "169.254.169.254"
        headers = headers_of(environ)
        if environ["PATH_INFO"] == "/latest/api/token":
            lifetime = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
            good = (environ["REQUEST_METHOD"] == "PUT" and lifetime.isdigit()
                    and 1 <= int(lifetime) <= 21600 and "x-forwarded-for" not in headers)
        else:
            good = headers.get("x-aws-ec2-metadata-token") == METADATA_TOKEN
        if not good:
            start("401 Unauthorized", [("Content-Length", "0")])
            return [b""]
        self.keys["test-key"] = ("test-secret-key", "test-session-token")
        return self.app(environ, start)


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


def make_resources(url):
    import boto3
    from moto.core.config import default_user_config

    # Functions are not run: an invocation gives back what it was called with.
    default_user_config["lambda"] = {"use_docker": False}

    def client(name):
        return boto3.client(name, endpoint_url=url, region_name="us-east-1",
                            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
    client("s3").create_bucket(Bucket="contract-assets")
    client("s3").create_bucket(Bucket="contract-locked", ObjectLockEnabledForBucket=True)
    client("s3").put_object_lock_configuration(
        Bucket="contract-locked",
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
                                 "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})
    client("ecr").create_repository(repositoryName="contract-lambda")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = client("iam").create_role(RoleName="contract", AssumeRolePolicyDocument=trust)
    client("lambda").create_function(
        FunctionName="contract", Role=role["Role"]["Arn"], PackageType="Image",
        Code={"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/contract-lambda:v1"})
    client("apigatewayv2").create_api(Name="contract", ProtocolType="HTTP")
    client("cloudwatch").put_metric_alarm(
        AlarmName="contract-errors", Namespace="Contract", MetricName="Errors", Statistic="Sum",
        Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
    origin = {"Id": "s3", "DomainName": "contract-assets.s3.amazonaws.com",
              "S3OriginConfig": {"OriginAccessIdentity": ""}}
    made = client("cloudfront").create_distribution(DistributionConfig={
        "CallerReference": "contract", "Comment": "contract", "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "s3", "ViewerProtocolPolicy": "allow-all"}})
    return made["Distribution"]["Id"]


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = make_server("127.0.0.1", port, SignedMoto(), threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d" % server.server_port
    distribution = make_resources(url)
    print(json.dumps({"url": url, "key": ACCESS_KEY, "secret": SECRET_KEY,
                      "distribution": distribution}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
