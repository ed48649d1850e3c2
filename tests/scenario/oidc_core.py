# SPDX-License-Identifier: Apache-2.0
"""What relying parties do every day: sign on, sign on again silently, refresh, read claims, sign out."""
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import run
from party import is_consent, is_sign_in, jwt_part


def scenario_one_sign_in_serves_two_parties(w):
    browser = w.browser()
    page = browser.get(w.portal.url(scope="openid profile"))
    assert is_sign_in(page) and "Cổng tỉnh" in page.text
    page = browser.sign_in(page, "an", w.an["password"])
    assert is_consent(page) and "Nguyễn Văn An" in page.text
    answer = browser.consent(page)
    tokens = w.portal.redeem(answer.query()["code"]).json()
    assert w.portal.userinfo(tokens["access_token"]).json()["name"] == "Nguyễn Văn An"
    answer = browser.get(w.ministry.url())
    assert answer.status == 303 and "code" in answer.query(), "the second party asked again"
    assert w.ministry.redeem(answer.query()["code"]).status == 200


def scenario_consent_is_remembered_and_asked_anew_on_more(w):
    user = w.new_user("remember")
    browser = w.browser()
    w.portal.code(browser, user, scope="openid profile")
    assert "code" in browser.get(w.portal.url(scope="openid profile")).query()
    assert "code" in browser.get(w.portal.url(scope="openid")).query()
    page = browser.get(w.portal.url(scope="openid profile email"))
    assert is_consent(page)
    browser.consent(page)
    assert "code" in browser.get(w.portal.url(scope="openid email")).query()
    assert is_consent(browser.get(w.portal.url(scope="openid", prompt="consent")))


def scenario_silent_sign_on_writes_nothing(w):
    browser = w.signed_in()
    before = w.store_rows()
    for _ in range(20):
        answer = browser.get(w.ministry.url(prompt="none"))
        assert "code" in answer.query()
    for _ in range(5):
        assert w.machine.token({"grant_type": "client_credentials"}).status == 200
    assert w.store_rows() == before
    assert w.ministry.redeem(answer.query()["code"]).status == 200
    after = w.store_rows()
    changed = {t: len(after[t]) - len(before[t]) for t in after if after[t] != before[t]}
    assert changed == {"oauth_grant": 1, "audit": 1}, changed


def scenario_a_code_that_carries_too_much_goes_through_a_row(w):
    browser = w.signed_in()
    nonce = "n" * 512
    tokens = w.ministry.tokens(browser, w.an, nonce=nonce)
    assert jwt_part(tokens["id_token"], 1)["nonce"] == nonce


def scenario_scopes_and_claims(w):
    browser = w.signed_in()
    token = w.ministry.tokens(browser, w.an, scope="openid")["access_token"]
    claims = w.ministry.userinfo(token).json()
    assert "name" not in claims and "email" not in claims
    token = w.ministry.tokens(browser, w.an, scope="openid profile email phone")["access_token"]
    claims = w.ministry.userinfo(token).json()
    assert claims["name"] == "Nguyễn Văn An" and claims["email"] == "an@example.vn"
    assert claims["email_verified"] is True and claims["phone_number"] == "+84912345678"


def scenario_acr_in_the_vocabulary_asked_for(w):
    browser = w.signed_in()
    for asked, given in ((None, "urn:vn:dvc:loa:1"), ("LoA1", "LoA1"), ("1", "1"), ("LoA3 LoA1", "LoA1"),
                         ("urn:other LoA2", "LoA1"), ("urn:vn:dvc:loa:2", "urn:vn:dvc:loa:1"), ("x", "urn:vn:dvc:loa:1")):
        tokens = w.ministry.tokens(browser, w.an, acr_values=asked)
        assert jwt_part(tokens["id_token"], 1)["acr"] == given, (asked, given)


def scenario_requests_of_todays_portals(w):
    """No nonce, no PKCE, state as Base64 with unescaped + / =."""
    browser = w.signed_in()
    url = w.ministry.url(nonce=None, code_challenge=None, code_challenge_method=None, state=None, acr_values="LoA1")
    answer = browser.get(url + "&state=aHR0cHM6Ly9leC52bi8/+a==")
    assert "&state=aHR0cHM6Ly9leC52bi8/+a==&" in answer.location
    tokens = w.ministry.redeem(answer.query()["code"], code_verifier=None).json()
    claims = jwt_part(tokens["id_token"], 1)
    assert "nonce" not in claims and claims["acr"] == "LoA1", claims


def scenario_refresh_and_lifetimes(w):
    tokens = w.portal.tokens(w.browser(), w.binh, scope="openid offline_access")
    for _ in range(5):
        time.sleep(0.05)
        tokens = w.portal.refresh(tokens["refresh_token"]).json()
        assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 300
        assert w.portal.userinfo(tokens["access_token"]).status == 200


def scenario_sign_in_pages_survive_a_wrong_password(w):
    user = w.new_user("typo")
    browser = w.browser()
    page = browser.get(w.ministry.url())
    wrong = browser.submit(page, username=user["username"], password="wrong")
    assert wrong.status == 422 and browser.session_cookie() is None
    forms = [f for f in wrong.forms() if "password" in f["types"].values()]
    fields = dict(forms[0]["fields"], username=user["username"], password=user["password"])
    answer = browser.follow(browser.post(forms[0]["action"], fields))
    assert "code" in answer.query()


def scenario_select_account(w):
    browser = w.signed_in(w.an)
    first = jwt_part(w.ministry.tokens(browser, w.an)["id_token"], 1)["sub"]
    page = browser.get(w.ministry.url(prompt="select_account"))
    assert is_sign_in(page)
    answer = browser.sign_in(page, w.binh["username"], w.binh["password"])
    second = jwt_part(w.ministry.redeem(answer.query()["code"]).json()["id_token"], 1)["sub"]
    assert first != second


def scenario_logout_with_a_hint(w):
    browser = w.signed_in()
    hint = w.portal.tokens(browser, w.an)["id_token"]
    answer = browser.get("/logout?id_token_hint=" + hint +
                         "&post_logout_redirect_uri=https%3A%2F%2Fportal.example%2Fbye&state=a/b%2B")
    assert answer.location == "https://portal.example/bye?state=a/b%2B", answer
    assert is_sign_in(browser.get(w.portal.url()))


def scenario_without_a_signer_503_then_tokens_again(w):
    browser = w.signed_in()
    seen = set()
    for _ in range(3):
        code = w.ministry.code(browser, w.an)
        os.kill(w.provider.signer_pid(), signal.SIGKILL)
        answer = w.ministry.redeem(code)
        seen.add(answer.status)
        if answer.status == 503:
            assert answer.json()["error"] == "temporarily_unavailable" and answer.header("Retry-After")
        else:
            assert answer.status == 200, answer
        deadline = time.monotonic() + 10
        while w.machine.token({"grant_type": "client_credentials"}).status != 200:
            assert time.monotonic() < deadline, "no tokens 10 s after the signer died"
            time.sleep(0.05)
    assert 503 in seen, "the signer was never missed: nothing was shown"
    assert w.ministry.redeem(w.ministry.code(browser, w.an)).status == 200


if __name__ == "__main__":
    sys.exit(run(__name__))
