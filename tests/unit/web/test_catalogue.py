#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Property: templates, code and catalogue agree. Every text that a template or a handler names
exists in Vietnamese and English with the same placeholders; no text is left that nobody shows; and
templates hold nothing that the page headers forbid.

usage: test_catalogue.py SOURCE_ROOT
"""
import pathlib
import base64
import hashlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
TABLES = ["web/i18n.tbl.h", "demo/portal_texts.tbl.h"]
STRING = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(r"\{\s*%s,\s*%s,\s*%s\}," % (STRING, STRING, STRING))
# Words at the head of a key: a literal in C that starts so is meant as a key.
CODE = ("web", "protocols", "demo", "idp/sign_in_page.c")  # the rest of idp/ knows of no pages
FAMILIES = r"(?:sign_in|password|account|consent|error|scope|sign_out|signed_out|form_post|portal|level)"

failures = []


def check(holds, message):
    if not holds:
        failures.append(message)


def read_rows():
    rows = {}
    for table in TABLES:
        text = (ROOT / table).read_text(encoding="utf-8")
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        left = ROW.sub("", text).strip()
        check(not left, f"{table}: not a row: {left[:60]!r}")
        for key, vi, en in ROW.findall(text):
            check(key not in rows, f"{table}: {key}: twice")
            rows[key] = (vi, en)
    return rows


def check_rows(rows):
    for key, (vi, en) in rows.items():
        check(re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", key), f"{key}: no valid key")
        check(len(key) <= 64, f"{key}: too long")
        check(vi.strip() and en.strip(), f"{key}: empty text")
        holes = [sorted(re.findall(r"\{([a-z0-9_.]+)\}", text)) for text in (vi, en)]
        check(holes[0] == holes[1], f"{key}: placeholders differ between the languages")
        for text in (vi, en):
            check(not re.search(r"[{}]", re.sub(r"\{[a-z0-9_.]+\}", "", text)), f"{key}: stray brace")
            check("<" not in text and "&" not in text, f"{key}: markup")
        check(en.isascii(), f"{key}: English text with other letters")


def template_keys():
    """Keys, and patterns for keys with a hole, by template."""
    for folder in ("web/templates", "demo/templates"):
        for path in sorted((ROOT / folder).glob("*.html")):
            text = path.read_text(encoding="utf-8")
            for tag in re.findall(r"\{\{t\.((?:[^{}]|\{[^{}]*\})+)\}\}", text):
                yield path.name, tag


def allowed_script(text):
    """The template without its one script, if web/response.c names that script's hash."""
    policy = (ROOT / "web/response.c").read_text(encoding="utf-8")
    script = re.search(r"<script>([^<]*)</script>", text)
    if script and f"'sha256-{base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()}'" in policy:
        return text.replace(script.group(0), "", 1)
    return text


def check_templates():
    forbidden = r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://|<iframe|<base"
    for folder in ("web/templates", "demo/templates"):
        for path in sorted((ROOT / folder).glob("*.html")):
            found = re.search(forbidden, allowed_script(path.read_text(encoding="utf-8")), flags=re.I)
            check(not found, f"{path.name}: {found and found.group(0)}")


def sources(place):
    path = ROOT / place
    return [path] if path.is_file() else sorted(path.rglob("*.c"))


def code_strings():
    for folder in CODE:
        for path in sources(folder):
            for match in re.finditer(STRING, path.read_text(encoding="utf-8")):
                yield path, match.group(1)


def error_page_keys():
    call = re.compile(r"\w*(?:error_page|refuse_page)\([^;]*?;", re.S)
    for folder in CODE:
        for path in sources(folder):
            for match in call.finditer(path.read_text(encoding="utf-8")):
                for key in re.findall(r'"([a-z_]+)"', match.group(0)):
                    yield path, key


def main():
    rows = read_rows()
    check_rows(rows)
    check_templates()
    used = set()
    for template, tag in template_keys():
        if "{" not in tag:
            check(tag in rows, f"{template}: no text with key {tag}")
            used.add(tag)
            continue
        before, after = re.split(r"\{[^{}]*\}", tag)
        if before or after:
            matching = {key for key in rows if key.startswith(before) and key.endswith(after)}
            check(matching, f"{template}: no text matches {tag}")
            used |= matching
    for path, text in code_strings():
        if text in rows:
            used.add(text)
        elif re.fullmatch(FAMILIES + r"(\.[a-z0-9_]+)+", text):
            check(False, f"{path.relative_to(ROOT)}: no text with key {text}")
    for path, key in error_page_keys():
        for part in ("title", "text"):
            check(f"error.{key}.{part}" in rows, f"{path.relative_to(ROOT)}: no text error.{key}.{part}")
    for key in sorted(set(rows) - used):
        check(False, f"{key}: nobody shows this text")

    for failure in failures:
        print("FAIL", failure)
    print(f"{len(rows)} texts, {len(used)} used, {len(failures)} failures")
    return 1 if failures or len(rows) < 100 else 0


sys.exit(main())
