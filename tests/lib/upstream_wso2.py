# SPDX-License-Identifier: Apache-2.0
"""The national portal's sign-on host as relying parties see it (a WSO2 Identity Server): code flow
with client_secret_post, PKCE where it is sent, userinfo by GET or by POST with a JSON type, its claims in
Vietnamese, a logoutUri for each session that carries a token of the ministry's.

`spoils` of its own: level_downgrade (IAL 1, loAs LoA1), no_levels, tech_id_missing, replay (a code that was
used before), code_plus (codes with a `+`, escaped as it must be)."""
import secrets

from upstream import Reply
from upstream_code_flow import CodeFlow

PERSON, ENTERPRISE = 1, 2
SENSITIVE = {"DanToc": "Kinh", "TonGiao": "Không", "NhomMau": "O", "Cha": "Nguyễn Văn Cha", "Me": "Trần Thị Mẹ"}


class Wso2Double(CodeFlow):
    """`has_id_token`: its answers carry one (the real one's do). `issuer_is_token_endpoint`: WSO2 names its
    token endpoint as issuer unless it is told otherwise."""

    cookie = "commonAuthId"

    def __init__(self, has_id_token=True, issuer_is_token_endpoint=True, **options):
        self.has_id_token, self.issuer_is_token_endpoint = has_id_token, issuer_is_token_endpoint
        super().__init__(**options)

    @property
    def issuer(self):
        return self.base + ("/oauth2/token" if self.issuer_is_token_endpoint else "")

    def routes(self):
        return {"/oauth2/authorize": ("authorize", self.authorize), "/oauth2/token": ("token", self.token),
                "/oauth2/userinfo": ("userinfo", self.userinfo), "/oauth2/jwks": ("jwks", self.jwks),
                "/oidc/logout": ("logout", self.logout), "/oidc/sso/logout": ("logout_uri", self.logout_uri),
                "/oidc/sso/profile": ("profile", lambda seen: Reply(200, "<p>profile</p>"))}

    def endpoints(self):
        return {"authorization": self.base + "/oauth2/authorize", "token": self.base + "/oauth2/token",
                "userinfo": self.base + "/oauth2/userinfo", "jwks": self.base + "/oauth2/jwks",
                "end_session": self.base + "/oidc/logout"}

    # ---- people

    def add_citizen(self, name, number, full_name, ial=2, **claims):
        return self.add_person(name, **{
            "sub": "sub-" + secrets.token_hex(6), "TechID": "tech-" + secrets.token_hex(8), "LoaiTaiKhoan": PERSON,
            "HoVaTen": full_name, "SoDinhDanh": number, "NgayThangNamSinh": "19900212", "GioiTinh": 1, "QuocTich": "VN",
            "SoDienThoai": "0912345678", "ThuDienTu": f"{name}@example.vn", "DiaChi": "1 Trần Hưng Đạo, Hải Dương",
            "IAL": ial, "loAs": f"LoA{ial}", "loginIdp": "BCA", **SENSITIVE, **claims})

    def add_enterprise(self, name, tax_code, enterprise_name, actor_number, **claims):
        """An enterprise's account, and the number of the person who acts with it."""
        return self.add_person(name, **{
            "sub": "sub-" + secrets.token_hex(6), "TechID": "tech-" + secrets.token_hex(8), "LoaiTaiKhoan": ENTERPRISE,
            "MaSoThue": tax_code, "MaSoDoanhNghiep": tax_code, "TenDoanhNghiep": enterprise_name,
            "NguoiDaiDien": "Nguyễn Văn An", "SoDinhDanh": actor_number, "IAL": 2, "loAs": "LoA2", "loginIdp": "BCA", **claims})

    def second_identity(self, name, other):
        """Another account of the portal's on the same number."""
        return self.add_person(other, **{**self.people[name], "TechID": "tech-" + secrets.token_hex(8),
                                         "sub": "sub-" + secrets.token_hex(6)})

    def subject(self, person):
        return self.people[person]["sub"]

    # ---- answers

    def id_claims(self, session):
        return {"amr": ["BasicAuthenticator"]}

    def token_reply(self, made):
        answer = {"access_token": made["token"], "token_type": "Bearer", "expires_in": 300, "scope": "openid",
                  "refresh_token": secrets.token_urlsafe(24)}
        if self.has_id_token:
            answer["id_token"] = self.id_token(made)
        return Reply(200, answer, {"Cache-Control": "no-store"})

    @property
    def code_suffix(self):
        return "+/+" if "code_plus" in self.spoils else ""

    def userinfo(self, seen):
        if seen.method == "POST" and seen.headers.get("Content-Type") != "application/json":
            return Reply(415, {"error": "invalid_request"})
        return super().userinfo(seen)

    def userinfo_claims(self, session):
        token = session.setdefault("ministry_token", secrets.token_urlsafe(24))
        claims = {**self.people[session["person"]],
                  "userProfileUri": f"{self.base}/oidc/sso/profile?token={token}",
                  "logoutUri": f"{self.base}/oidc/sso/logout?token={token}"}
        if "level_downgrade" in self.spoils:
            claims.update(IAL=1, loAs="LoA1")
        if "no_levels" in self.spoils:
            claims = {n: v for n, v in claims.items() if n not in ("IAL", "loAs")}
        if "tech_id_missing" in self.spoils:
            claims.pop("TechID")
        return claims

    def logout_uri(self, seen):
        """Ends the session whose token it is; whoever calls."""
        for value, session in list(self.sessions.items()):
            if session.get("ministry_token") == seen.query.get("token"):
                del self.sessions[value]
                return Reply(200, {"status": "ok"})
        return Reply(404, {"status": "unknown"})
