"""Prints what botocore knows, one JSON object: the codes of its standard retry mode, and the host
of each service in each region, with and without FIPS and dual-stack.
"""
import json

from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import RetryQuotaChecker, ThrottledRetryableChecker
from botocore.retries.standard import TransientRetryableChecker

SERVICES = {"sts": {"UseGlobalEndpoint": False}, "ecr": {}, "lambda": {}, "apigatewayv2": {},
            "cloudwatch": {}, "sso": {}, "sso-oidc": {},
            "s3": {"Accelerate": False, "UseGlobalEndpoint": False, "ForcePathStyle": False,
                   "DisableMultiRegionAccessPoints": False}}


def endpoints():
    loader = Loader()
    partitions = loader.load_data("partitions")
    for service, extra in SERVICES.items():
        rules = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"),
                                 partitions)
        for partition in partitions["partitions"]:
            for region in partition["regions"]:
                if region.endswith("-global"):
                    continue
                for fips in (False, True):
                    for dual in (False, True):
                        try:
                            url = rules.resolve_endpoint(Region=region, UseFIPS=fips,
                                                         UseDualStack=dual, **extra).url
                        except Exception:  # a pair that the partition does not have
                            continue
                        yield {"service": service, "region": region, "fips": fips, "dual": dual,
                               "url": url, "partition": partition["id"]}


def main():
    print(json.dumps({
        "throttling": ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
        "transient": TransientRetryableChecker._TRANSIENT_ERROR_CODES,
        "tokens": RetryQuota.INITIAL_CAPACITY,
        "cost": RetryQuotaChecker._RETRY_COST,
        "timeout_cost": RetryQuotaChecker._TIMEOUT_RETRY_REQUEST,
        "given_back": RetryQuotaChecker._NO_RETRY_INCREMENT,
        "endpoints": list(endpoints()),
    }))


if __name__ == "__main__":
    main()
