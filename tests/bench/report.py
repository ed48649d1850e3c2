# SPDX-License-Identifier: Apache-2.0
"""docs/BENCHMARKS.md from the recorded figures (docs/benchmarks.json); the words between them are in
docs/benchmarks.words.md, which is copied in as it is."""
import json
import math
import os

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs")
TITLES = {
    "client_credentials": "client_credentials", "code_flow": "silent code flow (authorize, then token)", "refresh": "refresh (with ID token)",
    "introspect": "introspect", "userinfo": "userinfo",
}
SERVERS = ("floor", "idp", "oidc-provider", "glewlwyd")
WIDTH = 48


def bars(values):
    """Bars on a logarithmic scale that begins at a third of the smallest."""
    least = min(values.values()) / 3
    most = max(values.values())
    lines = []
    for name, value in values.items():
        length = round(WIDTH * math.log(value / least) / math.log(most / least))
        lines.append(f"{name:<14} {'█' * max(length, 1)} {value:.3f}")
    return lines


def operations(found):
    lines = ["| operation | floor | idp | idp / floor | goal | oidc-provider | Glewlwyd | idp: p50, p99 (ms) |", "|---|---|---|---|---|---|---|---|"]
    for name, title in TITLES.items():
        row = found[name]
        cost = {server: f"{row[server]['cpu']:.3f}" if server in row else "" for server in SERVERS}
        verdict = "" if row["ratio"] <= row["goal"] else " **missed**"
        lines.append(f"| {title} | {cost['floor']} | {cost['idp']} | **{row['ratio']:.2f}** ({min(row['ratios'])} to {max(row['ratios'])}) | "
                     f"≤ {row['goal']}{verdict} | {cost['oidc-provider']} | {cost['glewlwyd']} | {row['idp']['p50']:.1f}, {row['idp']['p99']:.1f} |")
    lines += ["", "CPU-seconds per 1000 operations; bars on a logarithmic scale:", "", "```"]
    for name, title in TITLES.items():
        lines += [title] + ["  " + line for line in bars({s: found[name][s]["cpu"] for s in SERVERS if s in found[name]})] + [""]
    lines[-1] = "```"
    return lines


def others(results):
    lines = ["| what | figure | goal |", "|---|---|---|"]
    if "sign_in" in results:
        r = results["sign_in"]
        lines.append(f"| password sign-in, beside the bare Argon2id hash | {r['ratio']:.3f} × ({r['cpu']:.1f} CPU-ms; rounds {min(r['ratios'])} to {max(r['ratios'])}) | |")
    if "storm" in results:
        r = results["storm"]
        verdict = "" if r["ratio"] <= 3 else " **missed**"
        lines.append(f"| p99 of /token beside 8 sign-ins that never pause | {r['ratio']:.2f} × idle ({r['idp_idle_p99']} and {r['idp_busy_p99']} ms; rounds {min(r['ratios'])} to {max(r['ratios'])}) | ≤ 3 ×{verdict} |")
        lines.append(f"| the same of the floor with one signature, beside the same 8 sign-ins | {r['floor_busy_p99'] / r['floor_idle_p99']:.2f} × idle ({r['floor_idle_p99']} and {r['floor_busy_p99']} ms) | |")
    for connector, what in (("dvcqg", "identity from userinfo"), ("vneid", "ID token and userinfo")):
        if "federated" in results:
            r = results["federated"][connector]
            verdict = "" if r["cpu_ms"] <= r["goal"] else " **missed**"
            lines.append(f"| sign-in through another provider ({connector}: {what}), from the choice to the service's code | {r['cpu_ms']:.2f} CPU-ms "
                         f"({min(r['rounds_ms'])} to {max(r['rounds_ms'])}), {r['exchanges']:.0f} round trips to it ({results['federated']['machine']['cores']} cores) | ≤ {r['goal']} ms{verdict}, 2 |")
    if "start" in results:
        r = results["start"]
        lines.append(f"| start to ready, keys made before | {r['ms']} ms | |")
        lines.append(f"| Pss of idpd and idp-signer, empty | {r['pss_idpd']} + {r['pss_signer']} MB | |")
    if "accounts" in results:
        a = results["accounts"]
        lines.append(f"| Pss of both with 1 000 000 accounts, under look-ups | {a['pss_idpd']} + {a['pss_signer']} MB | ≤ 80 MB |")
        for name in a["few"]:
            lines.append(f"| {TITLES[name]}: CPU-s per 1000 with 1000 accounts, with 1 000 000 | {a['few'][name]:.3f}, {a['many'][name]:.3f} | flat |")
        lines.append(f"| import of 999 000 accounts, {a['file_mib']} MiB | {a['import_seconds']} s | |")
    if "purge" in results:
        p = results["purge"]
        lines.append(f"| 1 000 000 expired grants purged | {p['seconds'][0]} s and {p['seconds'][1]} s | |")
        lines.append(f"| p99.9 of refresh without and beside the purge | {p['quiet_p999']} and {p['purging_p999']} ms (worst window {p['quiet_worst']} and {p['purging_worst']}) | ≤ + 50 ms |")
        lines.append(f"| file after two equal cycles of filling and purging | {p['file_mib'][0]} and {p['file_mib'][1]} MiB: {p['growth_percent']:+.2f} % | within 5 % |")
    return lines


def write(results):
    words = os.path.join(DOCS, "benchmarks.words.md")
    machine = next(iter(results.values()))["machine"]
    lines = ["# Benchmarks", "",
             "Written by `./dev bench --record` from the figures in `benchmarks.json`. The floor is libmicrohttpd with exactly as many ES256",
             "signatures as the answer carries and nothing else (`tests/bench/floor.c`). All servers of a row ran by turns in one run, on loopback,",
             "32 connections (Glewlwyd: one, on a RAM disk; more lose codes). idp: durable SQLite, signer process on, log written. CPU-seconds are",
             "the server's own, user and kernel, all its processes; ratios are medians of the rounds.", "",
             f"{machine['cores']} cores, {machine['cpu']}, Linux {machine['kernel']}.", ""]
    if "operations" in results:
        lines += ["## Operations", ""] + operations(results["operations"]) + [""]
    lines += ["## Sign-in, start, scale", ""] + others(results) + [""]
    if os.path.exists(words):
        with open(words, encoding="utf-8") as f:
            lines += [f.read().rstrip("\n")]
    with open(os.path.join(DOCS, "BENCHMARKS.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines).rstrip("\n") + "\n")


if __name__ == "__main__":
    with open(os.path.join(DOCS, "benchmarks.json"), encoding="utf-8") as f:
        write(json.load(f))
