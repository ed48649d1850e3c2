#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo's machines: the dossier-status API checks tokens by itself, the adapter of the integration
platform asks the provider first. And what the demo registers for the national portal's dialect."""
import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "demo"))
import check
import picture
from check import equal, true
from demo_run import DemoRun

DEMO = None
CODE = next(iter(picture.DOSSIERS))


def ask(url, form=None, authorization=None):
    """(status, JSON or None, headers)"""
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode() if form else None)
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body else None, answer.headers
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, json.loads(body) if body else None, error.headers


def basic(client):
    return "Basic " + base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()


def token(client_id="dossier-sync", **form):
    status, tokens, _ = ask(DEMO.about["issuer"] + "/token", {"grant_type": "client_credentials", **form},
                            basic(DEMO.client(client_id)))
    equal(status, 200, tokens)
    return tokens["access_token"]


def for_dossiers():
    return token(scope=picture.DOSSIER_SCOPE, resource=DEMO.about["services"]["dossiers"])


def places(code=CODE):
    services = DEMO.about["services"]
    return [f"{services['dossiers']}/dossiers/{code}", f"{services['lgsp']}/ho-so/{code}"]


def a_machine_reads_the_status_of_a_dossier():
    good = "Bearer " + for_dossiers()
    for place in places():
        status, answer, _ = ask(place, authorization=good)
        equal((status, answer), (200, {"ma_ho_so": CODE, **picture.DOSSIERS[CODE]}), place)
    for place in places("H23.15-000000-0000"):
        equal(ask(place, authorization=good)[0], 404, place)


def a_token_for_others_is_refused():
    good = for_dossiers()
    header, payload, signature = good.split(".")
    changed = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed["exp"] += 3600
    longer = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    for bad in (None, "Basic eDp5", "Bearer", "Bearer ", "Bearer x", "Bearer " + good + "x", f"Bearer {header}.{payload}.",
                f"Bearer {header}.{longer}.{signature}", "Bearer " + token("demo-machine")):
        for place in places():
            status, answer, headers = ask(place, authorization=bad)
            equal(status, 401, f"{place} {bad if bad is None else bad[:12]}")
            true(headers["WWW-Authenticate"].startswith("Bearer"), headers)
            true("trang_thai" not in answer, answer)


def a_revoked_token_ends_at_the_adapter_at_once():
    good = for_dossiers()
    equal(ask(places()[1], authorization="Bearer " + good)[0], 200, "before")
    equal(ask(DEMO.about["issuer"] + "/revoke", {"token": good}, basic(DEMO.client("dossier-sync")))[0], 200, "revocation")
    equal(ask(places()[1], authorization="Bearer " + good)[0], 401, "the adapter asks")
    equal(ask(places()[0], authorization="Bearer " + good)[0], 200, "the API alone believes it to its end (SECURITY: five minutes)")


def the_tools_clients_meet_no_other_provider():
    for client in ("demo-rp", "demo-public"):
        equal(DEMO.client(client)["connectors"], [], client)
    true("connectors" not in DEMO.client("portal-provincial"), "portals do")
    equal(DEMO.client("portal-onestop")["minimum_level"], 2, "the one-stop system")


if __name__ == "__main__":
    with DemoRun() as DEMO:
        sys.exit(check.run(check.collect(globals(), ("a_machine", "a_token", "a_revoked", "the_tools"))))
