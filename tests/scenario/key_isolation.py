#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Private keys are in idp-signer and nowhere else: every mapping of idpd is searched during load for
each private number in four forms, and holds none; the same search of an idp-signer whose sandbox is
off finds them, so the search can find. And idp-signer links no HTTP, SQL or XML library."""
import os
import re
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from check import Checks  # noqa: E402
from idp import BUILD, SLOW, Provider  # noqa: E402
from party import Browser, Party  # noqa: E402

FORBIDDEN = re.compile(r"microhttpd|curl|nghttp|sqlite|libpq|xml|gnutls|libjwt|yaml")


def scan(provider, pid, uses=("sig", "envelope")):
    with sqlite3.connect(f"file:{provider.path('idp.db')}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT kid, key_use, alg, lower(hex(wrapped)) FROM signing_key "
                          "WHERE key_use IN ('sig', 'envelope')").fetchall()
    lines = "".join(" ".join(row) + "\n" for row in rows if row[1] in uses)
    return subprocess.run([f"{BUILD}/tests/key_scan", provider.path("kek"), provider.issuer, str(pid)],
                          input=lines, capture_output=True, text=True)


def load(provider, client, stop):
    """Sign-ins and tokens of all algorithms while the memory is read."""
    user = provider.add_user()
    while not stop.is_set():
        browser = Browser(provider.issuer)
        for metadata in client:
            Party(provider.issuer, metadata).tokens(browser, user)


def libraries(binary):
    """All that the loader would bring, directly or not."""
    run = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in run.stdout.splitlines() if line.strip()]


def main():
    checks = Checks()
    if SLOW > 1:
        checks.that("key isolation is searched without sanitizers: their shadow memory has no end", True)
        return checks.end()
    with Provider(policy={"sandbox": "off", "envelopes": "on"}) as provider:
        made = provider.idpctl("keys", "generate", "--use", "envelope")[1]
        checks.that("a key for envelopes is there", made["alg"] == "RSA1_5", made)
        clients = [provider.add_client(client_name=alg, redirect_uris=["http://127.0.0.1:9/cb"],
                                       id_token_signed_response_alg=alg, legal_basis="test", scope="openid")
                   for alg in ("ES256", "RS256", "PS256", "EdDSA")]
        stop = threading.Event()
        worker = threading.Thread(target=load, args=(provider, clients, stop))
        worker.start()
        try:
            for number in range(3):
                run = scan(provider, provider.process.pid)
                print(run.stdout.strip().replace("\n", "; "))
                checks.that(f"no private key in idpd, scan {number + 1}", run.returncode == 0, run.stdout + run.stderr)
            run = scan(provider, provider.signer_pid())
            print(run.stdout.strip().replace("\n", "; "))
            checks.that("the same scan finds them in idp-signer", run.returncode == 1, run.stdout + run.stderr)
            run = scan(provider, provider.signer_pid(), uses=["envelope"])
            checks.that("the envelope key among them", run.returncode == 1 and "keys 1," in run.stdout, run.stdout + run.stderr)
            limbs = re.search(r"^limbs (\d+)$", run.stdout, re.M)
            checks.that("as limbs, the form that OpenSSL keeps", limbs and int(limbs.group(1)) > 0, run.stdout)
        finally:
            stop.set()
            worker.join()
    linked = libraries(f"{BUILD}/idp-signer")
    bad = [name for name in linked if FORBIDDEN.search(name)]
    checks.that("idp-signer links no HTTP, SQL or XML library", linked and not bad, str(bad))
    checks.that("idpd does, so the look can see them",
                any(FORBIDDEN.search(name) for name in libraries(f"{BUILD}/idpd")), "")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
