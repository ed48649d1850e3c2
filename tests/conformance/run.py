#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the modules of the certification plans against a provider of its own. Words on the command
line select modules by a part of their name; --write FILE writes the table of docs/CONFORMANCE.md."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import basic
import conformance
import logout
from idp import Provider

CODE_SECONDS = 5
SETTINGS = f"times:\n  code: {CODE_SECONDS}s\n"


def main():
    only = sys.argv[1:]
    with Provider(SETTINGS) as provider:
        plans = [("Basic", ("basic",), conformance.Plan(provider)),
                 ("Form Post", ("basic",), conformance.Plan(provider, "form_post")),
                 ("Config", ("config",), conformance.Plan(provider)),
                 ("RP-Initiated Logout", ("rp-logout",), conformance.Plan(provider))]
        for _, _, plan in plans:
            plan.code_seconds = CODE_SECONDS
        passed, failed = conformance.run(plans, only)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
