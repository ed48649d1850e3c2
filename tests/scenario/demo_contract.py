#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tools outside rely on in `./dev demo`: demo.json's members, its ports, its signals, its state."""
import os
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from browser import Browser
from check import equal, true
from demo_run import DemoRun
from idp import SLOW

MEMBERS = {"issuer", "issuers", "admin_socket", "admin_sockets", "metrics", "ca_file", "users", "clients", "portals",
           "processes", "pids", "national", "overview", "services"}
PORTALS = ["provincial", "ministry", "payment", "onestop"]
CLIENT_MEMBERS = {"client_id", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "scope"}


def is_alive(pid):
    """Zombies, whose parent has gone before them, are not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def listening(pids):
    """(address, port) of every TCP socket that one of the processes listens on."""
    inodes = set()
    for pid in pids:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as f:
            for line in f.readlines()[1:]:
                words = line.split()
                if words[3] == "0A" and words[9] in inodes:
                    address, port = words[1].split(":")
                    found.append((address, int(port, 16)))
    return found


def knows(demo, portal, browser, user):
    page = browser.get(portal["url"] + "/sign-in")
    if page.url.startswith(demo.about["issuer"]):
        page = browser.submit(page, {"username": user["username"], "password": user["password"]})
    return page.url.startswith(portal["url"]) and user["name"] in page.text


def demo_json_says_what_runs():
    with DemoRun() as demo:
        about = demo.about
        equal(set(about), MEMBERS, "members")
        equal(about["ca_file"], None, "ca_file without TLS")
        equal(about["issuer"], f"http://localhost:{demo.base}", "issuer")
        true(about["issuer"] in about["issuers"].values(), "issuers")
        true(about["admin_socket"] in about["admin_sockets"].values(), "admin sockets")
        equal(about["issuers"], {"provincial": about["issuer"], "national": f"http://localhost:{demo.base + 8}"}, "issuers")
        equal(about["admin_sockets"]["provincial"], about["admin_socket"], "admin socket")
        true(all(os.path.exists(path) for path in about["admin_sockets"].values()), "sockets are there")
        for user in about["users"] + about["national"]["users"]:
            equal(set(user), {"username", "password", "name", "level"}, "members of a user")
        for portal in about["portals"] + about["national"]["portals"]:
            equal(set(portal), {"name", "url", "protocol"}, "members of a portal")
        for process in about["processes"]:
            equal(set(process), {"name", "pid", "argv", "config"}, "members of a process")
            true(is_alive(process["pid"]), process["name"])
            equal(about["pids"][process["name"]], process["pid"], "pids")
        equal([p["name"] for p in about["portals"]], PORTALS, "portals")
        equal(len({u["username"] for u in about["users"] + about["national"]["users"]}), 9, "no name twice")
        for client in about["clients"] + about["national"]["clients"]:
            true(CLIENT_MEMBERS <= set(client), f"{client['client_id']}: {CLIENT_MEMBERS - set(client)}")
            equal("client_secret" in client, client["token_endpoint_auth_method"] != "none", client["client_id"])
        rp = demo.client("demo-rp")
        true({"openid", "profile", "email", "phone", "offline_access"} <= set(rp["scope"].split()), rp["scope"])
        true("refresh_token" in rp["grant_types"], rp["grant_types"])
        for client in ("demo-rp", "demo-public"):
            ports = {int(u.split(":")[2].split("/")[0]) for u in demo.client(client)["redirect_uris"]}
            true(ports and all(demo.base <= p < demo.base + 40 for p in ports), ports)
        equal(demo.client("demo-machine")["grant_types"], ["client_credentials"], "machine")


def only_forty_ports_of_this_machine():
    with DemoRun() as demo:
        sockets = listening(demo.about["pids"].values())
        true(len(sockets) >= 12, sockets)
        for address, port in sockets:
            equal(address, "0100007F", "127.0.0.1 alone")  # as /proc writes it
            true(demo.base <= port < demo.base + 40, port)


def secrets_stay_in_files_of_their_owner():
    with DemoRun() as demo:
        here, there = demo.about, demo.about["national"]
        secrets = [u["password"] for u in here["users"] + there["users"]] + [
            c["client_secret"] for c in here["clients"] + there["clients"] if "client_secret" in c]
        true(len(set(secrets)) == len(secrets) and all(len(s) > 12 for s in secrets), "each its own")
        for pid in demo.about["pids"].values():
            for part in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{pid}/{part}", encoding="utf-8", errors="replace") as f:
                        text = f.read()
                except PermissionError:
                    continue  # idp-signer is not dumpable
                true(not any(s in text for s in secrets), f"a secret in {part} of {pid}")
        for name in os.listdir(demo.folder):
            mode = stat.S_IMODE(os.stat(os.path.join(demo.folder, name)).st_mode)
            if name.endswith(".sock"):
                continue
            with open(os.path.join(demo.folder, name), "rb") as f:
                text = f.read()
            if name.endswith("kek") or any(s.encode() in text for s in secrets):
                equal(oct(mode), oct(0o600), name)


def signals_end_every_child_and_the_state_stays():
    demo = DemoRun()
    before = None
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            demo.start()
            if before:
                for part in ("users", "clients", "issuer", "issuers", "national"):
                    equal(demo.about[part], before[part], f"{part} after a restart")
            before = demo.about
            true(knows(demo, before["portals"][0], Browser(), before["users"][0]), "sign-on")
            equal(demo.stop(number), 0, f"exit status after {number.name}")
            for name, pid in before["pids"].items():
                true(not is_alive(pid), f"{name} after {number.name}")
            true(not os.path.exists(demo.json_path), "demo.json after the end")
        demo.options = ("--fresh",)
        demo.start()
        true(demo.about["users"][0]["password"] != before["users"][0]["password"], "--fresh makes new secrets")
    finally:
        demo.__exit__()


def impatience_leaves_nothing_behind():
    with DemoRun() as demo:
        pids = demo.about["pids"].values()
        for _ in range(5):
            demo.process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        equal(demo.stop(), 0, "exit status after five signals")
        true(not any(is_alive(p) for p in pids), "children")


def children_do_not_outlive_it():
    with DemoRun() as demo:
        pids = demo.about["pids"].values()
        demo.stop(signal.SIGKILL)
        end = time.monotonic() + 15 * SLOW
        while any(is_alive(p) for p in pids) and time.monotonic() < end:
            time.sleep(0.05)
        true(not any(is_alive(p) for p in pids), "children after SIGKILL")
        demo.start()
        true(knows(demo, demo.about["portals"][0], Browser(), demo.about["users"][0]), "starts again on what was left")


def a_second_demo_leaves_the_first_alone():
    with DemoRun() as demo:
        second = demo.spawn(stderr=subprocess.PIPE)
        message = second.communicate(timeout=30 * SLOW)[1]
        equal(second.returncode, 1, "exit status of the second")
        true("another demo is running" in message, message)
        true(os.path.exists(demo.json_path), "demo.json is still there")
        true(knows(demo, demo.about["portals"][1], Browser(), demo.about["users"][0]), "and the first still works")


def one_sign_in_for_both_portals_and_one_sign_out():
    with DemoRun() as demo:
        browser, (first, second, *_) = Browser(), demo.about["portals"]
        user = demo.about["users"][0]
        true(knows(demo, first, browser, user), "the first portal")
        page = browser.get(second["url"] + "/sign-in")
        true(page.url.startswith(second["url"]) and user["name"] in page.text, "the second one, silently")
        page = browser.submit(browser.get(first["url"] + "/"), {}, form_id="sign-out")
        if page.url.startswith(demo.about["issuer"]) and any(f["id"] == "logout" for f in page.forms):
            page = browser.submit(page, {}, form_id="logout", button=("decision", "allow"))
        true(page.url.startswith(first["url"] + "/signed-out"), page.url)
        page = browser.get(first["url"] + "/sign-in")
        true(page.url.startswith(demo.about["issuer"]) and page.form(field="password"), "asked for the password again")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("demo_", "only_", "secrets_", "signals_", "impatience_", "children_",
                                                 "a_second", "one_sign"))))
