"""Steers Schemathesis to what exists: ids that the server knows, and credentials that it takes.

Without this nearly every request would be refused for its id or its credential, and few answers but refusals would
be held against their description. What is malformed on purpose stays as it is.
"""

import atexit
import json
import os
import re

import schemathesis

KNOWN = json.loads(os.environ["STEER"])
ID = re.compile(r"(evt_)?[0-9a-f]{24}")
ANSWERED = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    path, method = case.operation.path, case.operation.method.upper()
    # What is to be read later must not be deleted.
    known = {} if method == "DELETE" else KNOWN["paths"].get(path, {})
    for name, value in known.items():
        given = (case.path_parameters or {}).get(name)
        if isinstance(given, str) and (ID.fullmatch(given) or name in ("name", "token")):
            case.path_parameters[name] = value
    token = KNOWN["bearers"].get(path)
    if case.headers is not None:
        case.headers.pop("Authorization", None)
        if token:
            case.headers["Authorization"] = f"Bearer {token}"
    if ID.fullmatch(str((case.query or {}).get("membershipId"))):
        case.query["membershipId"] = KNOWN["membershipId"]
    if isinstance(case.body, dict):
        steer(case.body)


def steer(body):
    """A random text is no token, no alias and no code, and would hide what comes after it."""
    if isinstance(body.get("data"), dict):
        steer(body["data"])
    body.pop("access_token", None)
    for name, value in KNOWN["bodies"].items():
        if isinstance(body.get(name), str):
            body[name] = value


@schemathesis.hook
def after_call(context, case, response):
    operation = f"{case.operation.method.upper()} {case.operation.path}"
    ANSWERED.setdefault(operation, set()).add(response.status_code)


@atexit.register
def write():
    with open(os.environ["STEER_ANSWERED"], "w") as file:
        json.dump({name: sorted(codes) for name, codes in ANSWERED.items()}, file)
