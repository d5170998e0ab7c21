"""The official client for Python, called as the lines of JSON on stdin say, one answer a line."""

import inspect
import json
import os
import sys

import pingpp

pingpp.api_base = os.environ["PINGPP_TEST_URL"]
pingpp.api_key = "sk_test_conformance"
pingpp.private_key_path = os.environ["PINGPP_TEST_KEY"]


def call(name, ids, params, exists):
    owner, method = name.split(".")
    owner = getattr(pingpp, owner, None)
    function = getattr(owner, method, None)
    if function is None or exists:
        return "missing" if function is None else "there"
    # It takes the app of a path from its settings.
    pingpp.app_id = dict(ids).get("app")
    ids = [value for key, value in ids if key != "app"]
    if inspect.ismethod(function):
        function(*ids, **params)
    else:
        getattr(owner(*ids), method)(**params)
    return "sent"


for line in sys.stdin:
    try:
        print(call(**json.loads(line)), flush=True)
    except Exception as error:
        print("failed: %r" % error, flush=True)
