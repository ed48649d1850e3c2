#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X14: an upstream provider takes connections and says nothing, while a crowd of people waits for it.

  upstream_hangs.py [--people 1000] [--pairs 5]

In pairs, by turns without and with the crowd: tokens for machines and the sign-in page, each under load. Everybody
else is answered, nobody waits longer than an exchange may take, and no more sockets go there than the connector
allows. The ratios of p99 are printed and not asserted: they are figures of a machine."""
import argparse
import os
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "bench")]
os.environ.setdefault("IDP_BUILD", os.path.join(HERE, "..", "..", "build"))
import check  # noqa: E402
from check import equal, true  # noqa: E402
from crowd import Crowd  # noqa: E402
from federation_world import Federation, eventually  # noqa: E402
from harness import FORM, Load, head  # noqa: E402
from idp import SLOW  # noqa: E402
from oidc_world import Canary  # noqa: E402
from ours import basic  # noqa: E402

CONNECTIONS = 8    # of the connector
ANSWER_SECONDS = 6  # an exchange's 5 s, and a page
OPERATIONS = {"token": 4000, "page": 4000}


class Sockets:
    """The most connections to a port at once, looked at every 20 ms: the upstream end would count those that it has
    not noticed to be closed."""

    def __init__(self, port):
        self.remote, self.most, self.over = f":{port:04X}", 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.over.wait(0.02):
            with open("/proc/net/tcp", encoding="ascii") as f:
                open_now = sum(1 for line in f.readlines()[1:] if line.split()[2].endswith(self.remote) and line.split()[3] in ("01", "02"))
            self.most = max(self.most, open_now)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.over.set()
        self.thread.join()


def loads(f, machine):
    host = f"localhost:{f.provider.port}"
    token = {"head": head("POST", "/token", host, basic(machine)) + FORM, "body": "grant_type=client_credentials", "status": 200}
    page = {"head": head("GET", f.portal.url(), host, "Accept: text/html"), "status": 200}
    return {"token": token, "page": page}


def p99(f, steps):
    """Milliseconds, one after the other: {name: p99}."""
    return {name: Load(f.provider.port, [step], operations=OPERATIONS[name], warm=100, connections=4).start().run(
        [f.provider.process.pid])["p99"] for name, step in steps.items()}


def pair(f, steps, people):
    """({name: p99} alone, the same beside the crowd, the crowd's answers, the most sockets to upstream)."""
    alone = p99(f, steps)
    visits = [(b, f.callback(b, "dvcqg")) for b in (f.browser() for _ in range(people))]
    f.dvcqg.faults = {"token": "hang"}
    true(eventually(lambda: f.dvcqg.open_now <= 1), "browsers have hung up")
    with Sockets(f.dvcqg.server.server_port) as sockets, Crowd(visits) as crowd:
        true(eventually(lambda: f.dvcqg.heard("token")), "somebody waits")
        beside = p99(f, steps)
        answers = crowd.answers()
    f.dvcqg.faults = {}
    time.sleep(1.1)
    f.signed_on("dvcqg")  # it goes on when upstream does
    f.dvcqg.forget()
    return alone, beside, answers, sockets.most


def X14_upstream_hangs(people, pairs):
    settings = "throttle:\n  network_free: 100000\n"
    changed = {"dvcqg": {"network": {"failures": 100, "retry": "1s", "connections": CONNECTIONS}}}
    with Federation(("dvcqg",), settings=settings, changed=changed) as f, Canary("::1") as canary:
        machine = f.provider.add_client(client_name="machine", grant_types=["client_credentials"], redirect_uris=[],
                                        response_types=[], access_token_signed_response_alg="ES256")
        steps, ratios = loads(f, machine), {name: [] for name in OPERATIONS}
        for _ in range(pairs):
            alone, beside, answers, sockets = pair(f, steps, people)
            for name in ratios:
                ratios[name].append(beside[name] / alone[name])
            print("  ".join(f"{name}: p99 {alone[name]:.2f} ms alone, {beside[name]:.2f} ms beside {people} people" for name in ratios), flush=True)
            equal(sorted({status for status, _ in answers}), [303], "what those who wait are answered")
            true(max(s for _, s in answers) < ANSWER_SECONDS * SLOW, f"the last was answered after {max(s for _, s in answers):.1f} s")
            true(0 < sockets <= CONNECTIONS, f"{sockets} sockets to upstream")
        for name, values in ratios.items():
            print(f"{name}: p99 beside / alone, median of {pairs}: {statistics.median(values):.2f} ({', '.join(f'{v:.2f}' for v in values)})")
        print(f"sockets to upstream at once: {sockets} of {CONNECTIONS}; to places that are not listed: {canary.connections}")
        equal(canary.connections, 0, "requests outside the allow-list")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    sys.argv[1:] = []
    return check.run([("X14_upstream_hangs", lambda: X14_upstream_hangs(options.people, options.pairs))])


if __name__ == "__main__":
    sys.exit(main())
