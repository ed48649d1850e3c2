# SPDX-License-Identifier: Apache-2.0
"""What each operation costs: CPU-seconds of the server's processes per 1000 operations, ours beside
the floor (floor.c) and beside other providers, by turns in one run, so that ratios hold on a machine
that is now slower and now faster."""
import shutil
import statistics

from harness import Floor
from ours import Ours
from glewlwyd import Glewlwyd
from theirs import OidcProvider

# name -> (signatures of the floor's answer, the ratio to reach, operations by server)
OPERATIONS = {
    "client_credentials": (1, 1.6, {"idp": 20000, "oidc-provider": 2000, "glewlwyd": 500}),
    "code_flow": (2, 2.2, {"idp": 10000, "oidc-provider": 1000, "glewlwyd": 200}),
    "refresh": (2, 2.2, {"idp": 10000, "oidc-provider": 1000, "glewlwyd": 300}),
    "introspect": (0, 3.0, {"idp": 40000, "oidc-provider": 3000, "glewlwyd": 500}),
    "userinfo": (0, 3.0, {"idp": 40000, "oidc-provider": 3000, "glewlwyd": 500}),
}
TRIES = 3  # Glewlwyd loses a code now and then


def measure(names=tuple(OPERATIONS), rounds=3, others=True):
    """{operation: {server: {cpu, rate, p50, p99}, "ratio": ..., "goal": ...}}; medians of the rounds"""
    servers = [Ours()] + ([OidcProvider()] if others else [])
    if others and shutil.which("glewlwyd"):
        servers.append(Glewlwyd())
    elif others:
        print("without Glewlwyd: its Debian package is not installed")
    results = {}
    with Floor() as floor:
        try:
            started = []
            for server in servers:
                started.append(server.__enter__())
            for name in names:
                results[name] = operation(name, floor, started, rounds)
        finally:
            for server in reversed(started):
                server.__exit__(None, None, None)
    return results


def run_of(server, name, operations):
    for _ in range(TRIES if server.name != "idp" else 1):
        try:
            return getattr(server, name)(operations).run(server.pids)
        except RuntimeError as error:
            last = error
    raise last


def operation(name, floor, servers, rounds):
    signatures, goal, operations = OPERATIONS[name]
    runs = {"floor": [], **{s.name: [] for s in servers}}
    for _ in range(rounds):
        runs["floor"].append(floor.load(signatures, operations["idp"]).run(floor.pids))
        for server in servers:
            runs[server.name].append(run_of(server, name, operations[server.name]))
    ratios = [a["cpu"] / b["cpu"] for a, b in zip(runs["idp"], runs["floor"])]
    result = {server: {what: round(statistics.median(run[what] for run in of), 4) for what in ("cpu", "rate", "p50", "p99")}
              for server, of in runs.items()}
    result["ratio"], result["goal"] = round(statistics.median(ratios), 2), goal
    result["ratios"] = [round(r, 2) for r in ratios]
    line = "  ".join(f"{server} {result[server]['cpu']:.3f}" for server in runs)
    print(f"{name:<20} CPU-s per 1000: {line}   idp / floor {result['ratio']:.2f} (goal {goal}; rounds {result['ratios']})",
          flush=True)
    return result
