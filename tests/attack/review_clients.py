# SPDX-License-Identifier: Apache-2.0
"""Attacks by relying parties that registered themselves, on people and on other services: catalogue 1A A37,
1D D08, D13, D14, D19. The provider asks for an initial access token."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import run
from party import Party, error_of, is_consent, jwt_part
from registration import manage, register, registered, sub_of, update_of


def A37_a_registration_that_grows_behind_the_page(w):
    """The person agrees to what the page shows, not to what the client has allowed itself since."""
    client = registered(w, scope="openid")
    party, browser = Party(w.issuer, client), w.signed_in()
    page = browser.get(party.url(scope="openid email phone"))
    assert is_consent(page) and w.an["claims"]["name"] in page.text
    assert manage(w, client, "PUT", update_of(client, scope="openid email phone")).status == 200
    again = browser.consent(page)
    assert is_consent(again), again
    assert browser.consent(page).location is None, "the first page's handle"
    answer = browser.consent(again)
    tokens = party.redeem(answer.query()["code"]).json()
    assert tokens["scope"] == "openid email phone", "the twin: what the second page showed"
    smaller = browser.get(party.url(scope="openid email phone", prompt="consent"))
    assert manage(w, client, "PUT", update_of(client, scope="openid email")).status == 200
    assert is_consent(browser.consent(smaller)), "also what shrank is shown anew"


def A37_the_handle_of_another_step(w):
    """A sign-in page's flow with the form token of a consent page: nothing was shown."""
    browser, client = w.browser(), registered(w)
    party = Party(w.issuer, client)
    sign_in = browser.get(party.url(scope="openid profile"))
    page = browser.sign_in(sign_in, w.an["username"], w.an["password"])
    assert is_consent(page), page
    early = sign_in.forms()[0]["fields"]["flow"]
    answer = browser.submit(page, "consent", ("decision", "allow"), flow=early)
    assert is_consent(answer), answer
    assert browser.consent(page).query()["code"], "the twin"


def D13_scopes_of_resources(w):
    """Nobody gives themselves a resource's scopes: a machine would get tokens for it that no person and no
    staff agreed to."""
    api = "https://dossier.example"
    w.provider.idpctl("resource", "add", "--file", "-", stdin=json.dumps({"resource": api, "scopes_supported": ["dossier.admin"]}))
    machine = {"grant_types": ["client_credentials"], "response_types": [], "redirect_uris": []}
    for scope in ("dossier.admin", "openid dossier.admin", "later.read"):
        assert error_of(register(w, **machine, scope=scope)) == (400, "invalid_client_metadata"), scope
        assert error_of(register(w, scope=scope)) == (400, "invalid_client_metadata"), scope
    client = registered(w, **machine)
    assert error_of(manage(w, client, "PUT", update_of(client, scope="dossier.admin"))) == (400, "invalid_client_metadata")
    for more in ({"resource": api}, {"scope": "dossier.admin", "resource": api}, {"scope": "dossier.admin"}):
        assert Party(w.issuer, client).token({"grant_type": "client_credentials", **more}).status == 400, more
    staffs = Party(w.issuer, w.provider.add_client(**machine, scope="dossier.admin", token_endpoint_auth_method="client_secret_basic"))
    answer = staffs.token({"grant_type": "client_credentials", "resource": api})
    assert jwt_part(answer.json()["access_token"], 1)["aud"] == api, "the twin: by staff"


def D14_replacements_without_end(w):
    """Each is a commit, an audit row, and all clients to be read again."""
    client, other = registered(w), registered(w)
    answers = [manage(w, client, "PUT", update_of(client)) for _ in range(40)]
    assert answers[0].status == 200
    assert answers[-1].status == 429 and answers[-1].header("Retry-After"), answers[-1]
    before = w.store_rows()["audit"]
    assert manage(w, client, "PUT", update_of(client)).status == 429 and w.store_rows()["audit"] == before
    assert manage(w, client, "GET").status == 200 and manage(w, other, "PUT", update_of(other)).status == 200
    assert manage(w, client, "DELETE").status == 204


def D19_hosts_that_nobody_owns(w):
    """Programs on a device share its loopback addresses, and any may claim a scheme: that one registered
    such a redirect URI makes no two of them one service."""
    uris = ["http://127.0.0.1/cb", "vn.gov.phone:/cb"]
    native = {"token_endpoint_auth_method": "none", "application_type": "native", "grant_types": ["authorization_code"]}
    staffs = [w.provider.add_client(**native, redirect_uris=[uri], legal_basis="QĐ 3/2026") for uri in uris]
    mine = [registered(w, **native, redirect_uris=[uri]) for uri in uris + uris[:1] + ["vn.gov.phone:/cb?x=://"]] + [registered(w, **native, redirect_uris=uris)]
    mine.append(registered(w, redirect_uris=["http://localhost/cb"]))
    subs = [sub_of(Party(w.issuer, c), w) for c in staffs + mine]
    assert len(set(subs)) == len(subs), subs
    moved = manage(w, mine[0], "PUT", update_of(mine[0], redirect_uris=["http://[::1]/other"]))
    assert moved.status == 200 and sub_of(Party(w.issuer, moved.json()), w) == subs[len(staffs)], moved
    again = manage(w, mine[0], "PUT", update_of(mine[0], redirect_uris=["https://tu.example/cb"]))
    assert error_of(again) == (400, "invalid_client_metadata")


def D13_what_the_server_chooses(w):
    """A client that sends what only the answer has gets the server's, once."""
    chosen = {"registration_client_uri": "https://evil.example/", "client_secret_expires_at": 5, "client_id_issued_at": 7, "client_id": "x"}
    client = registered(w, **chosen)
    for answer in (register(w, **chosen), manage(w, client, "GET"), manage(w, client, "PUT", update_of(client))):
        assert answer.status in (200, 201), answer
        pairs = json.loads(answer.text, object_pairs_hook=list)
        assert len(pairs) == len(dict(pairs)), "a member twice"
        assert not set(chosen.items()) & set(dict((n, v) for n, v in pairs if n in chosen).items()), pairs


def D13_names_that_are_no_text(w):
    """A refusal names the member at fault, whatever it is called."""
    for name in ('client_name#","error":"x', "client_name#\\", "client_name#\u0001\u2028\ufffd", "client_name#" + '"' * 30000):
        answer = register(w, **{name: 5})
        assert error_of(answer) == (400, "invalid_client_metadata"), answer
        assert answer.json()["error_description"].startswith(name), name[:40]


def D08_a_disabled_client_leads_nowhere(w):
    client = registered(w, post_logout_redirect_uris=["https://tu.example/bye"])
    party, browser = Party(w.issuer, client), w.signed_in()
    hint = party.tokens(browser, w.an)["id_token"]
    to = "post_logout_redirect_uri=https://tu.example/bye"
    by_id, by_hint = f"/logout?client_id={client['client_id']}&{to}", f"/logout?id_token_hint={hint}&{to}"
    assert w.browser().get(by_id).location == "https://tu.example/bye", "the twin"
    w.idpctl("client", "disable", client["client_id"])
    for who in (w.browser(), browser):
        for path in (by_id, by_hint):
            answer = who.get(path)
            assert answer.location is None and "tu.example" not in answer.header("Content-Security-Policy"), answer
            assert not [f for f in answer.forms() if "post_logout_redirect_uri" in f["fields"]]
    page = browser.get(by_hint)
    answer = browser.submit(page, "logout", ("decision", "allow"))
    assert answer.location is None, answer


if __name__ == "__main__":
    sys.exit(run(__name__, "registration:\n  policy: token\n"))
