# SPDX-License-Identifier: Apache-2.0
"""What the demo shows: portals, services, people and the words of the overview page. Data only; demo.py
starts it. Everybody and everything is invented; numbers are of the right form."""

AGENCY = "H23.15"

# ---- portals: ports are offsets from --port-base ----

PROCEDURES = [
    {"code": "1.004873", "service": "2.000635", "title": "Cấp giấy xác nhận tình trạng hôn nhân",
     "title_en": "Certificate of marital status", "detail": "Nộp hồ sơ trực tuyến, nhận kết quả bản điện tử.",
     "detail_en": "Apply online, receive it electronically."},
    {"code": "1.001193", "service": "2.000528", "title": "Đăng ký khai sinh", "title_en": "Birth registration",
     "detail": "Nộp hồ sơ và theo dõi kết quả trực tuyến.", "detail_en": "Apply and follow the result online."},
    {"code": "1.009994", "service": "2.001116", "title": "Giấy phép xây dựng nhà ở riêng lẻ",
     "title_en": "Building permit for a private house", "detail": "Gửi bản vẽ, trả phí trực tuyến.",
     "detail_en": "Send plans, pay online."},
]

PORTALS = [
    {
        "key": "provincial", "port": 2, "theme": "provincial", "at": "provincial",
        "name": "Cổng dịch vụ công tỉnh", "name_en": "Provincial public services",
        "tagline": "Thủ tục hành chính của tỉnh, làm tại nhà.",
        "tagline_en": "The province's procedures, from home.",
        "scope": "openid profile email phone vn_profile vn_contact vn_org vn_assurance",
        "has_procedures": True,
    },
    {
        "key": "ministry", "port": 3, "theme": "ministry", "at": "provincial",
        "name": "Cổng dịch vụ công bộ", "name_en": "Ministry public services",
        "tagline": "Dịch vụ của bộ cho người dân và doanh nghiệp.",
        "tagline_en": "The ministry's services for people and enterprises.",
        "services": [
            {"title": "Đổi giấy phép lái xe", "detail": "Không cần đến quầy nếu hồ sơ đầy đủ."},
            {"title": "Chứng chỉ hành nghề", "detail": "Cấp mới, cấp lại và tra cứu."},
        ],
        "services_en": [
            {"title": "Driving licence renewal", "detail": "No counter visit when papers are complete."},
            {"title": "Professional certificates", "detail": "Issue, replace and look up."},
        ],
        "scope": "openid profile vn_profile vn_assurance",
    },
    {
        "key": "payment", "port": 4, "theme": "payment", "at": "provincial",
        "name": "Thanh toán trực tuyến", "name_en": "Online payment",
        "tagline": "Trả phí, lệ phí cho mọi hồ sơ.", "tagline_en": "Pay the fees of any dossier.",
        "services": [{"title": "Lệ phí chờ thanh toán", "detail": "Xem và trả các khoản của hồ sơ đã nộp."},
                     {"title": "Biên lai điện tử", "detail": "Tải lại biên lai của các lần đã trả."}],
        "services_en": [{"title": "Fees to pay", "detail": "See and pay what your dossiers need."},
                        {"title": "Receipts", "detail": "Download receipts of earlier payments."}],
        "scope": "openid vn_profile vn_assurance",
    },
    {
        "key": "onestop", "port": 5, "theme": "onestop", "at": "provincial", "minimum_level": 2,
        "name": "Một cửa điện tử", "name_en": "Electronic one-stop system",
        "tagline": "Dành cho cán bộ tiếp nhận và trả kết quả. Cần mức xác thực 2.",
        "tagline_en": "For officials who receive dossiers and return results. Level 2 is needed.",
        "services": [{"title": "Hồ sơ chờ tiếp nhận", "detail": "Kiểm tra và tiếp nhận hồ sơ nộp trực tuyến."},
                     {"title": "Trả kết quả", "detail": "Ký số và trả kết quả cho người dân."}],
        "services_en": [{"title": "Dossiers to receive", "detail": "Check and accept online applications."},
                        {"title": "Results", "detail": "Sign and return results."}],
        "scope": "openid vn_profile vn_agency vn_assurance",
    },
    {
        "key": "national", "port": 11, "theme": "national", "at": "national",
        "name": "Cổng Dịch vụ công quốc gia", "name_en": "National Public Service Portal",
        "tagline": "Tìm thủ tục của mọi tỉnh, mọi bộ; nộp hồ sơ chỉ với một lần đăng nhập.",
        "tagline_en": "Find procedures of every province and ministry; apply with one sign-in.",
        "scope": "openid vn_profile vn_assurance",
    },
]

# ---- other services ----

DOSSIERS_PORT, LGSP_PORT, OVERVIEW_PORT = 6, 7, 10
DOSSIER_SCOPE = "dossier.read"
DOSSIERS = {
    "000.00.19.H23-261105-0007": {"trang_thai": "Đang xử lý", "cap_nhat": "2026-11-20"},
    "H23.15-261110-0042": {"trang_thai": "Đã trả kết quả", "cap_nhat": "2026-11-24"},
}

# ---- people ----

USERS = [
    {"username": "nguyen.van.an", "type": "citizen", "ial": 1, "level": 1,
     "identifiers": {"SoDinhDanh": "030090001234", "SoDienThoai": "0912345678"},
     "claims": {"HoVaTen": "Nguyễn Văn An", "NgayThangNamSinh": "19900212", "GioiTinh": 1,
                "QuocTich": "VN", "email": "an@example.vn", "email_verified": True,
                "ThuDienTu": "an@example.vn", "DiaChi": "12 Trần Hưng Đạo, Hải Dương"}},
    {"username": "tran.thi.binh", "type": "citizen", "ial": 2, "level": 1,
     "identifiers": {"SoDinhDanh": "030195005678"},
     "claims": {"HoVaTen": "Trần Thị Bình", "NgayThangNamSinh": "19950730", "GioiTinh": 2,
                "QuocTich": "VN", "ThuongTru": "Thôn Đông, Kinh Môn"}},
    {"username": "pham.quoc.cuong", "type": "official", "ial": 2, "level": 1,
     "identifiers": {"SoDinhDanh": "030088009999"},
     "claims": {"HoVaTen": "Phạm Quốc Cường", "ma_dinh_danh_co_quan": "H23.15"}},
    {"username": "congty.haiduong", "type": "enterprise", "ial": 1, "level": 1,
     "identifiers": {"MaSoThue": "0100233488"},
     "claims": {"HoVaTen": "Công ty Hải Dương Xanh", "TenDoanhNghiep": "Công ty Hải Dương Xanh",
                "NguoiDaiDien": "Trần Thị Bình"}},
]
# Whom staff have recorded as acting for an enterprise, and for what.
REPRESENTATION = {"person": "tran.thi.binh", "represented": "congty.haiduong", "scope": "Nộp hồ sơ của công ty"}

# At the national portal, as VNeID knows them: their identity was proven (ial 2). The number that an
# enterprise's account has is that of the person who acts for it.
NATIONAL_USERS = [
    {"username": "vneid.an", "type": "citizen", "ial": 2, "identifiers": {"SoDinhDanh": "030090001234"},
     "claims": {"HoVaTen": "Nguyễn Văn An", "NgayThangNamSinh": "19900212", "GioiTinh": 1, "QuocTich": "VN"}},
    {"username": "vneid.binh", "type": "citizen", "ial": 2, "identifiers": {"SoDinhDanh": "030195005678"},
     "claims": {"HoVaTen": "Trần Thị Bình", "NgayThangNamSinh": "19950730", "GioiTinh": 2, "QuocTich": "VN"}},
    {"username": "vneid.cuong", "type": "citizen", "ial": 2, "identifiers": {"SoDinhDanh": "030088009999"},
     "claims": {"HoVaTen": "Phạm Quốc Cường", "QuocTich": "VN"}},
    {"username": "vneid.dung", "type": "citizen", "ial": 2, "identifiers": {"SoDinhDanh": "030192007777"},
     "claims": {"HoVaTen": "Lê Thị Dung", "NgayThangNamSinh": "19920315", "GioiTinh": 2, "QuocTich": "VN"}},
    {"username": "vneid.congty", "type": "enterprise", "ial": 2,
     "identifiers": {"MaSoThue": "0200123457", "SoDinhDanh": "030085004444"},
     "claims": {"HoVaTen": "Công ty Sao Đỏ", "TenDoanhNghiep": "Công ty Sao Đỏ", "NguoiDaiDien": "Đỗ Văn Em"}},
]

# ---- the overview page: (Vietnamese, English) ----

TIERS = [
    (("Cổng quốc gia", "The national portal"),
     ("Nơi người dân đăng nhập, như VNeID ngoài đời.", "Where people sign in, as with VNeID in real life."), [
        ("national", ("Danh mục thủ tục, liên kết thẳng đến trang của tỉnh.", "Procedures, with links straight to the province's pages.")),
        ("idp-national", ("Nhà cung cấp định danh của cổng quốc gia (một idpd thứ hai).", "The national portal's identity provider (a second idpd)."))]),
    (("Đăng nhập một lần của tỉnh", "The province's single sign-on"),
     ("Nhận người dùng từ cổng quốc gia, cấp danh tính cho mọi dịch vụ bên dưới.",
      "Takes people from the national portal and tells every service below who they are."), [
        ("idp", ("Trang tài khoản: phiên, tài khoản liên kết.", "Account page: sessions and linked accounts."))]),
    (("Dịch vụ", "Services"),
     ("Bốn hệ thống, một lần đăng nhập.", "One sign-in for all four."), [
        ("provincial", ("Thủ tục của tỉnh.", "The province's procedures.")),
        ("ministry", ("Dịch vụ của bộ.", "The ministry's services.")),
        ("payment", ("Phí và lệ phí.", "Fees.")),
        ("onestop", ("Cho cán bộ: chỉ vào được với mức 2, qua cổng quốc gia.", "For officials: level 2 alone, through the national portal."))]),
    (("Máy gọi máy", "Machines"),
     ("Trục liên thông hỏi trạng thái hồ sơ bằng mã truy cập đã được kiểm tra hai lần.",
      "The integration platform asks for a dossier's status with a token that is checked twice."), [
        ("lgsp", ("Bộ nối trục LGSP: hỏi nhà cung cấp mã còn hiệu lực không.", "LGSP adapter: asks the provider whether the token stands.")),
        ("dossiers", ("API trạng thái hồ sơ: tự kiểm tra chữ ký.", "Dossier-status API: checks the signature itself."))]),
]

JOURNEYS = [
    (("Từ cổng quốc gia đến đúng thủ tục", "From the national portal to the very procedure"),
     ("Đăng nhập ở cổng quốc gia bằng vneid.dung, rồi mở một thủ tục: không phải đăng nhập lần nữa.",
      "Sign in at the national portal as vneid.dung, then open a procedure: no second sign-in."), "national"),
    (("Liên kết lần đầu", "First-time linking"),
     ("vneid.an có sẵn tài khoản ở tỉnh: chứng minh một lần bằng mật khẩu của nguyen.van.an.",
      "vneid.an has an account in the province: proven once with nguyen.van.an's password."), "provincial"),
    (("Làm việc cho doanh nghiệp", "Acting for an enterprise"),
     ("vneid.binh chọn: cho chính mình, hay cho Công ty Hải Dương Xanh.",
      "vneid.binh chooses: for herself, or for the company."), "ministry"),
    (("Cán bộ vào một cửa", "An official at the one-stop system"),
     ("Mật khẩu ở tỉnh chỉ đạt mức 1; qua cổng quốc gia (vneid.cuong) mới đủ mức 2.",
      "A provincial password gives level 1 only; through the national portal (vneid.cuong) it is level 2."), "onestop"),
    (("Đăng xuất một lần", "Sign out once"),
     ("Đăng xuất ở cổng tỉnh kết thúc cả phiên ở cổng quốc gia.",
      "Signing out at the provincial portal ends the session at the national one, too."), "provincial"),
]

WHAT_FOR = {
    "nguyen.van.an": ("Người dân có tài khoản cũ ở tỉnh", "A citizen with an account in the province"),
    "tran.thi.binh": ("Người dân đại diện cho một công ty", "A citizen who acts for a company"),
    "pham.quoc.cuong": ("Cán bộ", "An official"),
    "congty.haiduong": ("Tài khoản của công ty", "The company's account"),
    "vneid.an": ("Liên kết lần đầu", "First-time linking"),
    "vneid.binh": ("Chọn làm việc cho ai", "Choosing for whom to act"),
    "vneid.cuong": ("Cán bộ, mức 2", "An official at level 2"),
    "vneid.dung": ("Chưa có tài khoản ở tỉnh: tạo mới", "No account in the province: made anew"),
    "vneid.congty": ("Doanh nghiệp, có người đại diện", "An enterprise, with a person who acts"),
}


def deep_link(portal_url, procedure):
    """As the national portal links to a province's page."""
    return (f"{portal_url}/thu-tuc/{procedure['code']}?vnconnect=1&MaTTHCDP={procedure['code']}"
            f"&MaCoQuanThucHien={AGENCY}&MaDVC={procedure['service']}")


def services(portal, url_of, english):
    """What a portal's home page lists."""
    end = "_en" if english else ""
    if "services" in portal:
        return portal["services" + end]
    target = url_of("provincial")
    link = (lambda p: deep_link(target, p)) if portal["at"] == "national" else (lambda p: f"/thu-tuc/{p['code']}")
    return [{"title": p["title" + end], "detail": p["detail" + end], "href": link(p)} for p in PROCEDURES]


def overview(addresses, english):
    """The model of the overview page. `addresses`: key -> (title, title in English, address, link or None)."""
    n = int(english)

    def system(key, what):
        title, title_en, address, href = addresses[key]
        out = {"title": title_en if english else title, "detail": what[n], "address": address}
        return {**out, "href": href} if href else out

    places = (("Cổng quốc gia", "National portal"), ("Tỉnh", "Province"))
    return {
        "tiers": [{"heading": heading[n], "lead": lead[n], "systems": [system(*s) for s in systems]}
                  for heading, lead, systems in TIERS],
        "journeys": [{"title": title[n], "detail": detail[n], "href": addresses[key][3]} for title, detail, key in JOURNEYS],
        "accounts": [{"username": u["username"], "at": place[n], "what": WHAT_FOR[u["username"]][n]}
                     for place, users in zip(places, (NATIONAL_USERS, USERS)) for u in users],
    }
