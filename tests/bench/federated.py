# SPDX-License-Identifier: Apache-2.0
"""What a sign-in through another provider costs on our side: start, callback and resume, from the choice on our page to
the service's code, in a fresh browser each. The double upstream is a process's worth of Python beside us; CPU is that
of idpd and idp-signer alone."""
import statistics

from harness import cpu_of
from federation_world import VNEID_CLAIMS, Federation

SIGN_INS = 400
GOAL = 2  # CPU milliseconds
# connector -> its settings; both ask the other side twice
CONNECTORS = {
    "dvcqg": {},  # identity from userinfo
    "vneid": {"person": {"claims": VNEID_CLAIMS, "from_userinfo": True}},  # an ID token (RS256) to verify, and userinfo
}


def measure_one(connector, rounds):
    costs = []
    with Federation((connector,), "throttle:\n  network_free: 100000\n", {connector: CONNECTORS[connector]}) as f:
        pids, double = [f.provider.process.pid, f.provider.signer_pid()], f.double(connector)
        f.signed_on(connector)  # makes the account
        for _ in range(rounds):
            starts = [(browser, f.offered(f.begin(browser), connector)) for browser in (f.browser() for _ in range(SIGN_INS))]
            double.forget()
            before = sum(map(cpu_of, pids))
            for browser, start in starts:
                page = browser.get(start)
                assert "code" in f.query(page), page
            costs.append((sum(map(cpu_of, pids)) - before) * 1000 / SIGN_INS)
            asked = {e: len(double.heard(e)) / SIGN_INS for e in ("token", "userinfo", "jwks", "discovery")}
            print(f"federated, {connector:<6}    {costs[-1]:.2f} CPU-ms, {sum(asked.values()):.2f} round trips to upstream", flush=True)
    return {"cpu_ms": round(statistics.median(costs), 2), "rounds_ms": [round(c, 2) for c in costs], "exchanges": sum(asked.values()),
            "goal": GOAL}


def measure(rounds):
    return {connector: measure_one(connector, rounds) for connector in CONNECTORS}
