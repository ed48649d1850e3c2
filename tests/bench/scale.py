# SPDX-License-Identifier: Apache-2.0
"""A million accounts, and a million expired grants: do look-ups stay flat, does memory stay small, does
anybody notice the purge, does the file stay as it is."""
import json
import os
import sqlite3
import subprocess
import threading
import time

from harness import BUILD, Load, pss_of
from ours import Ours

FEW, MANY = 1000, 1_000_000
PER_FILE = 100_000  # an import file has at most 64 MiB
EXPIRED = 1_000_000
LOOKUPS = ("code_flow", "userinfo")


def import_accounts(provider, first, last):
    hash_ = ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$XRHLN1xRKAaWKXDu3ohrXIvfZHy4Ux08u2m/0/zZwMc")
    while first < last:
        upto = min(last, first + PER_FILE)
        users = [{"username": f"nguoi-dan-{i}", "type": "citizen", "ial": 2, "password_hash": hash_,
                  "identifiers": {"SoDinhDanh": f"0{i:011d}"}, "claims": {"HoVaTen": "Nguyễn Thị Đo Lường"}} for i in range(first, upto)]
        text = json.dumps({"format": "idp-export", "version": 1, "users": users})
        run = subprocess.run([f"{BUILD}/idpctl", "--socket", provider.path("admin.sock"), "import", "-"], input=text, text=True, capture_output=True)
        if run.returncode:
            raise RuntimeError(run.stdout[-500:] + run.stderr[-500:])
        first = upto


def lookups(ours):
    return {name: round(min(getattr(ours, name)(5000).run(ours.pids)["cpu"] for _ in range(3)), 4) for name in LOOKUPS}


def accounts():
    with Ours() as ours:
        import_accounts(ours.provider, 0, FEW)
        few = lookups(ours)
        began = time.monotonic()
        import_accounts(ours.provider, FEW, MANY)
        took = time.monotonic() - began
        many = lookups(ours)
        pss = [round(pss_of(pid), 1) for pid in ours.pids]
        size = os.path.getsize(ours.provider.path("idp.db"))
    result = {"few": few, "many": many, "pss_idpd": pss[0], "pss_signer": pss[1], "import_seconds": round(took), "file_mib": size >> 20}
    print(f"10^6 accounts        imported in {took:.0f} s; CPU-s per 1000 with {FEW}: {few}, with {MANY}: {many}; Pss {pss[0]} + {pss[1]} MB", flush=True)
    return result


def fill(path, count):
    """So many grants that ended long ago, as copies of one that is there."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous = OFF")
        columns = [row[1] for row in db.execute("PRAGMA table_info(oauth_grant)")]
        changed = {"key": "cast(x'65000000' || randomblob(16) as blob)", "expires_at": "1700000000 + n.n % 1000", "idle_expires_at": "1700000000"}
        row = ", ".join(changed.get(name, "g." + name) for name in columns)
        db.execute(f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) "
                   f"INSERT INTO oauth_grant SELECT {row} FROM n, (SELECT * FROM oauth_grant LIMIT 1) g")
    db.close()


def expired(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        count = db.execute("SELECT count(*) FROM oauth_grant WHERE expires_at < 1700002000").fetchone()[0]
    db.close()
    return count


def watch(ours, until):
    """p99.9 (ms) of refreshes, one second after another until `until()`: they go through the writer as the purge does."""
    worst = []
    while True:
        worst.append(ours.refresh(2000, connections=4).run(ours.pids)["p999"])
        if until():
            return sorted(worst)


def purge():
    sizes, seconds, beside = [], [], []
    with Ours() as ours:
        path = ours.provider.path("idp.db")
        ours.refresh(10, connections=4).run(ours.pids)  # a grant to copy
        quiet = watch(ours, iter([False] * 9 + [True]).__next__)
        for _ in range(2):
            ours.provider.stop()
            fill(path, EXPIRED)
            ours.start_again()
            began = time.monotonic()
            is_done = threading.Event()

            def count():
                while expired(path):
                    time.sleep(1)
                seconds.append(time.monotonic() - began)
                is_done.set()
            counter = threading.Thread(target=count)
            counter.start()
            beside.extend(watch(ours, is_done.is_set))
            counter.join()
            sizes.append(os.path.getsize(path))
    middle = lambda values: sorted(values)[len(values) // 2]  # noqa: E731
    result = {"quiet_p999": round(middle(quiet), 2), "purging_p999": round(middle(beside), 2), "purging_worst": round(max(beside), 2),
              "quiet_worst": round(max(quiet), 2), "seconds": [round(s) for s in seconds], "file_mib": [s >> 20 for s in sizes],
              "growth_percent": round(100 * (sizes[1] - sizes[0]) / sizes[0], 2)}
    print(f"10^6 expired grants  purged in {result['seconds']} s; refresh p99.9 {result['quiet_p999']} ms without, {result['purging_p999']} ms beside it "
          f"(worst window {result['quiet_worst']} and {result['purging_worst']}); file {result['file_mib']} MiB after each of two cycles", flush=True)
    return result
