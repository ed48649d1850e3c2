# SPDX-License-Identifier: Apache-2.0
"""What a sign-in through another provider costs on our side: from the request of a service to its code, with the
national portal's dialect, in a fresh browser each. The double upstream is a process's worth of Python beside us; CPU
is that of idpd and idp-signer alone."""
import statistics

from federation_world import Federation
from harness import cpu_of

SIGN_INS = 400


def measure(rounds):
    costs = []
    with Federation(("dvcqg",), settings="throttle:\n  network_free: 100000\n") as f:
        pids = [f.provider.process.pid, f.provider.signer_pid()]
        f.signed_on("dvcqg")  # makes the account
        for _ in range(rounds):
            f.dvcqg.forget()
            before = sum(map(cpu_of, pids))
            for _ in range(SIGN_INS):
                page = f.sign_on(f.browser(), "dvcqg")
                assert "code" in f.query(page), page
            costs.append((sum(map(cpu_of, pids)) - before) * 1000 / SIGN_INS)
            exchanges = (len(f.dvcqg.heard("token")) + len(f.dvcqg.heard("userinfo"))) / SIGN_INS
            print(f"federated sign-in    {costs[-1]:.2f} CPU-ms, {exchanges:.2f} round trips to upstream", flush=True)
    return {"cpu_ms": round(statistics.median(costs), 2), "rounds_ms": [round(c, 2) for c in costs], "exchanges": exchanges}
