#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the modules of the certification plans (plans.txt) against a provider of its own. Words on
the command line select modules by a part of their name; --document prints docs/CONFORMANCE.md."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import backchannel_logout  # noqa: F401 (the modules register themselves)
import basic  # noqa: F401
import conformance
import dynamic  # noqa: F401
import logout  # noqa: F401
import rp_site
import third_party_login  # noqa: F401
from idp import Provider

CODE_SECONDS = 5
NETWORK = os.path.join(HERE, "..", "own_network.sh")
SETTINGS = f"""times:
  code: {CODE_SECONDS}s
registration:
  policy: token
outbound:
  jwks: [public]
  sector: [public]
  request_uri: [public]
  logo: [public]
  logout: [public]
  ca_file: {rp_site.CA_FILE}
"""

# Label of a run, the plan whose modules it runs, response mode.
RUNS = [("Basic", "Basic", None), ("Form Post", "Basic", "form_post"), ("Config", "Config", None),
        ("RP-Initiated Logout", "RP-Initiated Logout", None), ("Back-Channel Logout", "Back-Channel Logout", None),
        ("Dynamic", "Dynamic", None),
        ("Third-Party-Initiated Login", "Third-Party-Initiated Login", None)]

INTRODUCTION = """# Certification plans

What the OpenID Foundation's conformance suite demands of a provider, module by module, and the test of ours that demands
the same (`./dev test conformance`; this page is printed by `tests/conformance/run.py --document`, and `./dev lint` says
when it is stale). The suite itself has not been run against this provider: these are its modules' demands, tested by our
own scripted browser without JavaScript. The Form Post plan is every module of Basic again with `response_mode=form_post`.
"""


def listed():
    """(plan, module, why it is no goal), as plans.txt says."""
    with open(os.path.join(HERE, "plans.txt"), encoding="utf-8") as f:
        lines = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    return [[part.strip() for part in (line + " |").split("|")[:3]] for line in lines]


def faults():
    """Modules without a test, and tests of modules that no plan has."""
    tested = {(plan, name) for plan, name, _ in conformance.MODULES}
    wanted = {(plan, name) for plan, name, why in listed() if not why}
    known = {(plan, name) for plan, name, _ in listed()}
    return [f"{plan}: {name} has no test" for plan, name in sorted(wanted - tested)] + \
           [f"{plan}: {name} stands in no plan" for plan, name in sorted(tested - known)]


def document():
    tests = {(plan, name): function for plan, name, function in conformance.MODULES}
    lines, last = [INTRODUCTION], None
    for plan, name, why in listed():
        if plan != last:
            lines += ["" if last else None, f"## {plan}", "", "| module | demands | test |", "|---|---|---|"]
        last = plan
        function = tests.get((plan, name))
        demands = " ".join(function.__doc__.split()) if function else f"no goal: it {why}"
        where = f"`tests/conformance/{function.__module__}.py` {function.__name__}" if function else ""
        lines.append(f"| `{name}` | {demands} | {where} |")
    return "\n".join(line for line in lines if line is not None) + "\n"


def main():
    if sys.argv[1:] == ["--document"]:
        print(document(), end="")
        return 0
    only = sys.argv[1:]
    wrong = faults()
    for fault in wrong:
        print("FAIL", fault)
    if "OWN_ADDRESS" not in os.environ:
        os.execv(NETWORK, [NETWORK, sys.executable, *sys.argv])
    with Provider(SETTINGS) as provider:
        site = rp_site.Site("rp.example.vn", os.environ["OWN_ADDRESS"])
        token = provider.idpctl("registration-token", "add", "--uses", "1000")[1]["initial_access_token"]
        plans = [(label, (plan,), conformance.Plan(provider, mode)) for label, plan, mode in RUNS]
        for _, _, plan in plans:
            plan.code_seconds, plan.site, plan.initial_token = CODE_SECONDS, site, token
        passed, failed = conformance.run(plans, only)
    print(f"{passed} passed, {failed + len(wrong)} failed")
    return 1 if failed or wrong or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
