"""Prints what botocore makes of a pair of files: each profile's settings, and the keys of the ones
that have some.

    python3 botocore_profiles.py CONFIG CREDENTIALS
"""
import json
import os
import sys

os.environ.clear()
os.environ.update(AWS_CONFIG_FILE=sys.argv[1], AWS_SHARED_CREDENTIALS_FILE=sys.argv[2],
                  HOME="/nowhere", AWS_EC2_METADATA_DISABLED="true")

from botocore.session import Session  # noqa: E402


def main():
    profiles = {}
    for name in Session().available_profiles:
        session = Session(profile=name)
        values = {k: v for k, v in session.get_scoped_config().items() if isinstance(v, str)}
        keys = None
        if "role_arn" not in values and "sso_account_id" not in values:
            found = session.get_credentials()
            keys = found.get_frozen_credentials()[:] if found else None
        profiles[name] = {"values": values, "keys": list(keys) if keys else None}
    print(json.dumps(profiles))


if __name__ == "__main__":
    main()
