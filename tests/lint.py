#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a maintainer would have to look for by eye: statements and settings that nothing uses,
functions that a header offers and nobody calls, functions and files that have grown too long."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUNCTION_LINES, FILE_LINES = 100, 900

# Offered for a reason, though only tests call it so far.
FAMILY = "one of a family whose others are used; left out, the next reader would miss it"
ALLOWED = {
    "rp_refresh": "the relying-party library's public interface (docs/RP-GUIDE.md)",
    "buf_add_u16": FAMILY, "reader_u16": FAMILY, "b64_add": FAMILY, "hex_add": FAMILY,
    "json_add_null": FAMILY, "err_name": FAMILY,
    "oidc_error_status": "called by nobody: to be removed",
    "server_port": "for programs that listen on port 0", "server_admin_port": "likewise",
    "template_set_has": "called by nobody: to be removed",
}


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout.split()
    return {p: open(os.path.join(ROOT, p), encoding="utf-8").read() for p in out if os.path.exists(os.path.join(ROOT, p))}


def unused_statements(sources):
    names = re.findall(r"^SQL\((\w+),", sources["idp/store/sql.tbl.h"], re.M)
    used = "".join(t for p, t in sources.items() if p.startswith("idp/store/") and p.endswith(".c"))
    return [f"idp/store/sql.tbl.h: {n} is used by nobody" for n in names if f"STMT_{n}" not in used]


def unused_settings(sources):
    struct = re.search(r"struct config \{(.*?)\n\};", sources["idp/config.h"], re.S).group(1)
    struct = re.sub(r"/\*.*?\*/", "", struct, flags=re.S)
    fields = [w for line in re.findall(r"^\s+(?:struct \w+|int64_t|bool) ([^;(\[]+);", struct, re.M)
              for w in re.split(r"[,\s]+", line.strip()) if w]
    readers = "".join(t for p, t in sources.items()
                      if p.endswith(".c") and not re.match(r"idp/config|tests/|demo/", p))
    return [f"idp/config.h: nothing reads {f}" for f in fields if f != "arena" and not re.search(rf"(->|\.){f}\b", readers)]


def macro_bodies(sources):
    """Bodies of macros, which call on behalf of whoever uses them."""
    return "\n".join(body for p, t in sources.items() if p.endswith(".h")
                     for body in re.findall(r"^#define \w+(?:\([^)]*\))?((?:.*\\\n)*.*)", t, re.M))


def uncalled_functions(sources):
    out, macros = [], set(re.findall(r"\w+", macro_bodies(sources)))
    words = {p: set(re.findall(r"\w+", t)) for p, t in sources.items()
             if p.endswith((".c", ".tbl.h")) and not p.startswith("tests/")}
    for path, text in sources.items():
        if not path.endswith(".h") or path.startswith("tests/"):
            continue
        home = path[:-2] + ".c"
        for name in re.findall(r"^(?!static|typedef|#|extern)[\w* ]*?\**(\w+)\([^;{]*\)[^;{]*;", text, re.M):
            callers = [p for p, w in words.items() if p not in (path, home) and name in w]
            in_home = len(re.findall(rf"\b{name}\b", sources.get(home, ""))) > 1
            in_macro = name in macros
            if not (callers or in_home or in_macro or name in ALLOWED or name.isupper() or name.startswith("__") or
                    name.endswith("_ENTRIES")):
                out.append(f"{path}: {name} has no caller")
    return out


def too_long(sources):
    out = []
    for path, text in sources.items():
        lines = text.split("\n")
        if len(lines) > FILE_LINES:
            out.append(f"{path}: {len(lines)} lines")
        start = None
        for number, line in enumerate(lines):
            if re.match(r"^[a-z].*\)\s*\{$", line) or line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start > FUNCTION_LINES:
                    out.append(f"{path}:{start + 1}: a function of {number - start} lines")
                start = None
    return out


def main():
    sources = tracked("*.c", "*.h")
    checks = [unused_statements, unused_settings, uncalled_functions, too_long]
    # Each check must be able to fail.
    spoilt = dict(sources)
    spoilt["idp/store/sql.tbl.h"] += 'SQL(NOBODY_ASKS, "", "SELECT 1")\n'
    spoilt["idp/config.h"] = spoilt["idp/config.h"].replace("    bool is_https;", "    bool is_https, nobody_reads;")
    spoilt["base/span.h"] += "int span_nobody_calls(int a);\n"
    spoilt["base/span.c"] += "int long_one(void) {\n" + "    x();\n" * 120 + "}\n"
    passed = failed = 0
    for check in checks:
        faults = check(sources)
        if len(check(spoilt)) <= len(faults):
            faults.append(f"{check.__name__} does not see a seeded fault")
        for fault in faults:
            print("FAIL", fault)
        failed += len(faults)
        passed += not faults
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
