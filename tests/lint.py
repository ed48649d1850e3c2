#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a reader may take for granted of the sources, checked without running them: nothing is
declared, stated or configured that nobody uses; one concept fits on a few screens; the shapes that
docs/HACKING.md forbids do not occur; what is generated is fresh, and what is quoted stands.

  python3 tests/lint.py [BUILD]      BUILD: folder with idpd (build)"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUNCTION_LINES_MAX = 100
FILE_LINES_MAX = 600

# Declared for others than the programs of this tree; each with its reason.
FOR_OTHERS = {
    "rp_refresh": "the relying-party library's interface (docs/RP-GUIDE.md)",
    "RP_AUTH_NONE": "the relying-party library's interface",
    "server_port": "tests bind port 0 and ask",
    "server_admin_port": "tests bind port 0 and ask",
    "err_name": "tests name what they got",
    "signer_policy_done": "twin of signer_policy_load; the signer keeps its policy to its end",
    "store_submit": "the store's tests and faults submit one job; the server, a turn at once",
    "store_audit_hash": "whoever verifies the chain computes it again",
}
LAYOUT_OF_OTHERS = {"scheduling"}  # the kernel's sched_attr
FORBIDDEN = {
    "goto": "CLEANUP frees; an early return says why",
    "alloca": "no size from outside on the stack",
    "strcpy": "struct buf", "strcat": "struct buf", "sprintf": "struct buf", "strtok": "struct span",
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
DECLARED = re.compile(r"^(?!static|struct \w+ \{|typedef)[a-z][\w \*]*?[ \*](\w+)\([^;{}]*\)[^;{}]*;", re.M)
DEFINED = re.compile(r"^[a-z][\w \*]*?[ \*](\w+)\([^;{}]*\)\s*\{\n", re.M)
INLINE = re.compile(r"^static inline [\w \*]*?[ \*](\w+)\(", re.M)
SQL_TEXT = re.compile(r'"(SELECT|INSERT INTO|UPDATE|DELETE FROM) \w+[^"]*(FROM|VALUES|SET|WHERE)\b')


def blank(match):
    """Line breaks stay, so that line numbers do."""
    return "\n" * match.group().count("\n") or " "


class Source:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.code = COMMENT_OR_TEXT.sub(blank, text)
        self.words = re.findall(r"[A-Za-z_]\w*", self.code)
        self.word_set = set(self.words)
        self.defines = {m.group(1): m for m in DEFINED.finditer(self.code)}
        self.is_test = path.startswith("tests/")


def sources():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard",
                             "*.c", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Source(p, open(os.path.join(ROOT, p), encoding="utf-8").read())
            for p in sorted(listed.stdout.split()) if os.path.exists(os.path.join(ROOT, p))]


def unused_functions(files):
    """A declared function is called by a program of this tree, and from outside its own file."""
    for header in (f for f in files if f.path.endswith(".h") and not f.is_test):
        names = set(DECLARED.findall(header.code)) | set(INLINE.findall(header.code))
        for name in sorted(names - set(FOR_OTHERS)):
            own = [f for f in files if name in f.defines and not f.is_test]
            callers = [f for f in files if name in f.word_set and f not in own and f is not header]
            inside = (any(f.words.count(name) > 1 for f in own if f is not header)
                      or header.words.count(name) > 1)
            if not any(not f.is_test for f in callers) and not inside:
                yield f"{header.path}: {name} is called by no program"
            elif not callers and header.words.count(name) == 1:
                yield f"{header.path}: {name} is called in its own file only: make it static"


def unused_names(files):
    """Constants and members of headers, SQL statements, settings."""
    programs = [f for f in files if not f.is_test]
    count = {}
    for f in programs:
        for word in f.words:
            count[word] = count.get(word, 0) + 1
    for f in programs:
        for name in re.findall(r"^#define (\w+)", f.code, re.M):
            if count[name] < 2 and not name.endswith("_H"):
                yield f"{f.path}: {name} is defined and not used"
        enums = f.code if f.path.endswith(".h") else ""
        for body in re.findall(r"^ *enum \w*\s*\{(.*?)\}", enums, re.S | re.M):
            for name in re.findall(r"\b([A-Z][A-Z0-9_]+)\b(?=\s*(?:=[^,]*)?(?:,|$))", body.strip()):
                if count[name] < 2 and name not in FOR_OTHERS:
                    yield f"{f.path}: constant {name} is not used"
        for name, body in re.findall(r"^struct (\w+) \{(.*?)^\}", f.code, re.S | re.M):
            if name in LAYOUT_OF_OTHERS:
                continue
            for name in re.findall(r"\b([a-z]\w*)(?:\[[^\]]*\])*[,;]", body):
                if count.get(name, 0) < 2:
                    yield f"{f.path}: member {name} is not used"
    by_path = {f.path: f for f in files}
    for name in re.findall(r"^SQL\((\w+)", by_path["idp/store/sql.tbl.h"].code, re.M):
        if f"STMT_{name}" not in count:
            yield f"idp/store/sql.tbl.h: statement {name} is not run"
    readers = [f for f in programs if not f.path.startswith("idp/config")]
    checks = by_path["idp/config_check.c"]
    for name in re.findall(r"\bFIELD\((\w+)\)", by_path["idp/config_schema.c"].code):
        if name != "name" and not any(re.search(rf"(->|\.){name}\b", f.code) for f in readers):
            yield f"idp/config_schema.c: setting {name} is read nowhere but in {checks.path}"


def shapes(files):
    for f in files:
        if "SPDX-License-Identifier: Apache-2.0" not in f.text[:80]:
            yield f"{f.path}:1: no SPDX line"
        lines = f.text.count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{f.path}: {lines} lines, at most {FILE_LINES_MAX}: two concepts?"
        for name, match in f.defines.items():
            length = f.code.find("\n}", match.start()) - match.start()
            length = f.code.count("\n", match.start(), match.start() + length) + 2
            if length > FUNCTION_LINES_MAX:
                yield f"{f.path}: {name} has {length} lines, at most {FUNCTION_LINES_MAX}"
        for name in sorted(f.word_set & set(FORBIDDEN)):
            yield f"{f.path}: {name}: {FORBIDDEN[name]}"
        for word in UNFINISHED.findall(f.text):
            yield f"{f.path}: {word} in a source"
        if SQL_TEXT.search(f.text) and not f.is_test and not f.path.startswith("idp/store/"):
            yield f"{f.path}: SQL belongs in idp/store"
        yield from quotes(f)


def quotes(f):
    """`//=` names a document and a section, and text of it follows on `//#` lines."""
    lines = [line.strip() for line in f.text.split("\n")]
    for number, line in enumerate(lines):
        if line.startswith("//= ") and not line.startswith(("//= type=", "//= reason=")):
            rest = next((x for x in lines[number + 1:] if not x.startswith("//= ")), "")
            if not re.fullmatch(r"//= https://\S+#\S+", line) or not rest.startswith("//# "):
                yield f"{f.path}:{number + 1}: a quote needs its section and its text"
        elif line.startswith("//#") and not lines[number - 1].startswith(("//=", "//#")):
            yield f"{f.path}:{number + 1}: a quote without its source"


def stale_documents(build):
    """What is generated equals what the program prints; what a document links to exists."""
    printed = subprocess.run([os.path.join(ROOT, build, "idpd"), "--document-config"],
                             capture_output=True, text=True, check=True).stdout
    if printed != open(os.path.join(ROOT, "docs/CONFIG.md"), encoding="utf-8").read():
        yield "docs/CONFIG.md is stale: idpd --document-config >docs/CONFIG.md"
    printed = subprocess.run([sys.executable, os.path.join(ROOT, "tests/conformance/run.py"), "--document"],
                             capture_output=True, text=True, check=True).stdout
    if printed != open(os.path.join(ROOT, "docs/CONFORMANCE.md"), encoding="utf-8").read():
        yield "docs/CONFORMANCE.md is stale: tests/conformance/run.py --document >docs/CONFORMANCE.md"
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split()
    for path in listed:
        text = open(os.path.join(ROOT, path), encoding="utf-8").read()
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)):
                yield f"{path}: link to {target}, which does not exist"
        for target in re.findall(r"`((?:base|keys|idp|protocols|web|demo|tests|tools|deploy)/[\w/.-]+\.[a-z]+)`",
                                 text):
            if not os.path.exists(os.path.join(ROOT, target)):
                yield f"{path}: names {target}, which does not exist"


def stale_faults():
    """Every seeded fault quotes lines that stand in its file exactly once."""
    lists = ("tests/mutations/faults.txt", "tests/fuzz/seeded.txt")
    run = subprocess.run([sys.executable, os.path.join(ROOT, "tests/mutations/run.py"), "--check",
                          *(os.path.join(ROOT, path) for path in lists)], capture_output=True, text=True)
    for line in run.stdout.splitlines():
        if line.startswith("FAIL "):
            yield "seeded fault: " + line[len("FAIL "):]
    if run.returncode not in (0, 1):
        yield "tests/mutations/run.py --check: " + run.stderr.strip()[-200:]


def self_check():
    """Each rule finds a fault that was put in."""
    table = ('SQL(DONE, "i", "")\nSQL(LEFT, "i", "")\n', '{FIELD(read_me)}, {FIELD(forgotten)}\n')
    planted = [
        Source("base/a.h", "void used(void);\nvoid left_over(void);\nvoid inner(void);\n"
                           "#define SPARE 1\nenum e { CHOSEN = 1, NEVER };\nstruct s {\n    int spare_member;\n};\n"),
        Source("base/a.c", "void used(void) {\n}\nvoid left_over(void) {\n}\nvoid inner(void) {\n}\n"
                           "static void f(void) {\n    inner();\n    goto x;\n}\n"
                           "/* TODO */ //= https://example.org\n"
                           "static void g(void) {\n" + "    f();\n" * 101 + "}\n"),
        Source("web/b.c", '/* SPDX-License-Identifier: Apache-2.0 */\n'
                          '//= https://example.org/no-section\n'
                          'void m(void) {\n    used(); STMT_DONE; CHOSEN; c->read_me;\n'
                          '    q("SELECT x FROM y WHERE z");\n}\n' + "\n" * 600),
        Source("idp/store/sql.tbl.h", table[0]), Source("idp/config_schema.c", table[1]),
        Source("idp/config_check.c", ""),
    ]
    found = [*unused_functions(planted), *unused_names(planted), *shapes(planted)]
    for must in ("left_over is called by no program", "inner is called in its own file", "SPARE", "NEVER",
                 "spare_member", "LEFT is not run", "forgotten is read nowhere", "no SPDX", "goto",
                 "TODO", "two concepts", "g has 103", "SQL belongs", "a quote needs"):
        if not any(must in fault for fault in found):
            yield f"tests/lint.py does not see: {must}"
    for must_not in (" used ", "DONE", "CHOSEN", "read_me"):
        if any(must_not in fault for fault in found):
            yield f"tests/lint.py wrongly reports: {must_not}"


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    files = sources()
    rules = [self_check(), unused_functions(files), unused_names(files), shapes(files),
             stale_documents(build), stale_faults()]
    faults = [fault for rule in rules for fault in rule]
    for fault in faults:
        print("FAIL", fault)
    print(f"{len(files)} sources, {len(rules)} rules")
    print(f"{len(rules) if not faults else 0} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
