"""A hostile repository: everything known to crash, hang, fool or start something in a scanner of files.

`python tests/hostile.py DIR` writes one; `make` does it for tests. Nothing in it may ever run: whatever does
creates the marker file.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

DEPTH = 20_000
_MIB = 1024 * 1024
_KINDS = (
    "a.py a.yaml a.yml a.tf a.ipynb a.json a.toml a.sql a.sh a.R a.jl a.js a.bicep a.dvc Dockerfile Makefile Jenkinsfile requirements.txt"
    " setup.cfg setup.py pyproject.toml package.json tox.ini dvc.lock dvc.yaml poetry.lock uv.lock environment.yml README.md .env MLproject"
    " docker-compose.yml .gitlab-ci.yml azure-pipelines.yml cloudbuild.yaml Chart.yaml pom.xml build.gradle DESCRIPTION renv.lock"
)
"""A name for each kind of file that some reader may claim."""
_BAITED = "Makefile .gitlab-ci.yml requirements.txt Dockerfile a.sql a.sh a.py a.tf a.R a.jl a.js Jenkinsfile .env"
_IMPORTED = "conftest.py setup.py noxfile.py tasks.py dodo.py conf.py sitecustomize.py usercustomize.py rung.py yaml.py json.py"

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "n"), ("EMAIL", "e@example.org"))},
}


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, with nobody's configuration."""
    subprocess.run(["git", *arguments], cwd=folder, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)


def make(folder: Path, marker: Path | None = None) -> Path:
    """Fill a new folder with the repository; `marker` (default: beside the folder) appears when anything of it runs."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    marker = marker or folder.parent / f"{folder.name}.ran"
    git(folder, "init", "-q", "-b", "main")
    _deep(folder)
    _bombs(folder)
    _encodings(folder)
    _bait(folder)
    _cycles(folder)
    _notebooks(folder)
    _code(folder, marker)
    _names(folder)
    _links(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "hostile")
    # From here on adding would already run something.
    _big(folder)
    _special(folder)
    _plant(folder, marker)
    return folder


def _write(folder: Path, path: str, content: str | bytes) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def _deep(folder: Path) -> None:
    """Nesting that exhausts a parser's stack."""
    n = DEPTH
    files = {
        "brackets.json": "[" * n + "]" * n,
        "objects.json": '{"a":' * n + "1" + "}" * n,
        "unclosed.json": '{"a":[' * n,
        "package.json": '{"scripts":' * n + "{}" + "}" * n,
        "flow.yaml": "[" * n + "]" * n,
        "flow_maps.yml": "{a: " * n + "1" + "}" * n,
        "unclosed.yaml": "a: " + "[" * (5 * n),
        "blocks.yaml": "- " * n + "x",
        "questions.yaml": "? " * n + "x",
        "indented.yaml": "\n".join(" " * i + "a:" for i in range(2500)),
        "tags.yaml": "!a " * n + "x",
        "brackets.py": "x = " + "(" * n + ")" * n,
        "lists.py": "x = " + "[" * n + "]" * n,
        "unary.py": "x = " + "-" * n + "1",
        "not.py": "x = " + "not " * n + "1",
        "attributes.py": "x = a" + ".b" * n,
        "calls.py": "x = f" + "()" * n,
        "sum.py": "x = " + "1+" * n + "1",
        "indented.py": "\n".join(" " * i + "if 1:" for i in range(1500)),
        "lambda.py": "x = " + "lambda:" * n + "1",
        "blocks.tf": "a {\n" * n + "}\n" * n,
        "lists.tf": "locals {\n  x = " + "[" * n + "]" * n + "\n}\n",
        "calls.tf": "locals {\n  x = " + "f(" * n + ")" * n + "\n}\n",
        "interpolations.tf": 'locals {\n  x = "' + '${"' * n + '"}' * n + '"\n}\n',
        "conditions.tf": "locals {\n  x = " + "a ? b : " * n + "c\n}\n",
        "main.tf.json": '{"resource":' * n + "1" + "}" * n,
        "blocks.bicep": "resource a 'b' = {\n" * n + "}\n" * n,
        "lists.bicep": "var x = " + "[\n" * n + "]\n" * n,
        "keys.toml": ".".join("a" * n) + " = 1\n",
        "lists.toml": "x = " + "[" * n + "]" * n,
        "inline.toml": "x = " + "{a=" * n + "1" + "}" * n,
        "pyproject.toml": "[" + ".".join(["tool"] * n) + "]\nx = 1\n",
        "deep.ini": "[" * n + "]" * n + "\na = %(a)s\n",
        "setup.cfg": "[a]\n" + "x = %(x)s\n" * 100 + "[" * n,
        "deep.sql": "select " + "(" * n + "1" + ")" * n,
        "cte.sql": "with " + "a as (select * from (" * n,
        "deep.sh": "echo " + "$(" * n + ")" * n,
        "quotes.sh": "echo " + "\"'" * n,
        "if.sh": "if true; then\n" * n,
        "Makefile": "a: " + "$(a " * n + ")" * n + "\n\techo " + "$(shell " * n + "\n",
        "Jenkinsfile": "pipeline {\n" * n + "}\n" * n,
        "deep.R": "x <- " + "(" * n + ")" * n,
        "deep.jl": "x = " + "(" * n + ")" * n,
        "deep.js": "x = " + "[" * n + "]" * n,
        "deep.ts": "x = " + "`${" * n + "}`" * n,
        "deep.scala": "val x = " + "(" * n + ")" * n,
        "deep.go": "package a\nvar x = " + "(" * n + ")" * n,
        "pom.xml": "<a>" * n + "</a>" * n,
        "deep.html": "<div>" * n,
        "Dockerfile": "FROM a\nRUN a \\\n" + " && b \\\n" * n,
        "onbuild.dockerfile": "FROM a\n" + "ONBUILD " * n + "RUN x\n",
        "requirements.txt": "a[" * n + "]" * n + "\na ; " + "(" * n + ")" * n + "\n",
        "templates/chart.yaml": "{{ if " * n + "}}" * n,
        "deep.ipynb": '{"cells":' + "[" * n + "]" * n + "}",
        ".github/workflows/deep.yml": "on: push\njobs: " + "{a: " * n + "}" * n,
        ".github/workflows/expression.yml": "on: push\njobs:\n  a:\n    if: ${{ " + "(" * n + ")" * n + " }}\n    steps:\n    - run: x\n",
        ".gitlab-ci.yml": "a:\n  script: " + "[" * n + "]" * n + "\n",
        ".circleci/config.yml": "version: 2.1\njobs:\n" + "".join(f"{' ' * i}a:\n" for i in range(1, 1500)),
        "cloudformation.yaml": "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties: " + "!Sub " * n + "x\n",
        "dvc.yaml": "stages:\n  a:\n    cmd: " + "${" * n + "}" * n + "\n",
    }
    for name, content in files.items():
        _write(folder, f"deep/{name}", content)
    _write(folder, "/".join(["d"] * 200).lstrip("/") + "/train.py", "import os\n")


def _bombs(folder: Path) -> None:
    """Small files that grow."""
    levels = "abcdefghijklmnop"
    aliases = 'a: &a ["x","x","x","x","x","x","x","x","x"]\n' + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in pairwise(levels)
    )
    merges = "a: &a {x: 1}\n" + "".join(f"{new}: &{new} {{<<: [{','.join([f'*{old}'] * 9)}]}}\n" for old, new in pairwise(levels))
    for path in (
        "bombs/aliases.yaml",
        ".github/workflows/aliases.yml",
        "bombs/docker-compose.yml",
        "bombs/dvc.yaml",
        "bombs/.gitlab-ci.yml",
    ):
        _write(folder, path, aliases)
    _write(folder, "bombs/merges.yaml", merges)
    _write(folder, "bombs/self.yaml", "a: &a [*a, *a]\nb: &b {c: *b}\n")
    _write(folder, "bombs/anchors.yaml", "".join(f"a{i}: &a{i} {i}\n" for i in range(50_000)))
    _write(folder, "bombs/documents.yaml", "---\na: 1\n" * 100_000)
    _write(folder, "bombs/python.yaml", "!!python/object/apply:os.system ['touch ran']\n")
    _write(
        folder,
        "bombs/entities.xml",
        '<!DOCTYPE a [<!ENTITY a "x">' + "".join(f'<!ENTITY {n} "{f"&{o};" * 9}">' for o, n in pairwise(levels)) + "]><a>&p;</a>",
    )
    _write(folder, "bombs/digits.json", '{"a": ' + "9" * 500_000 + "}")
    _write(folder, "bombs/digits.py", "x = " + "9" * 500_000 + "\n")
    _write(folder, "bombs/digits.toml", "x = " + "9" * 500_000 + "\n")
    _write(folder, "bombs/digits.yaml", "x: " + "9" * 500_000 + "\ny: 1:" + "59:" * 100_000 + "1\n")
    _write(folder, "bombs/keys.json", "{" + ",".join(f'"k{i}": {i}' for i in range(100_000)) + "}")
    _write(folder, "bombs/pretend.zip", b"PK\x03\x04" + b"\xff" * 200)
    _write(folder, "bombs/zeros.gz", zlib.compress(b"\0" * (20 * _MIB)))
    _write(
        folder,
        "bombs/matrix.yml",
        "on: push\njobs:\n  a:\n    strategy: {matrix: {"
        + ",".join(f"k{i}: [{','.join(map(str, range(100)))}]" for i in range(100))
        + "}}\n",
    )
    _write(
        folder, "bombs/pointer.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize " + "9" * 4000 + "\n"
    )


def _encodings(folder: Path) -> None:
    """Bytes that are not what the name promises."""
    junk = bytes(range(256)) * 64
    for name in _KINDS.split():
        _write(folder, f"junk/{name}", junk)
        _write(folder, f"empty/{name}", b"")
        _write(folder, f"zeros/{name}", b"\0" * 5000)
        _write(folder, f"blank/{name}", b"\r\n\t \x0c\r" * 100)
        _write(folder, f"scalar/{name}", b"1")
    _write(folder, ".github/workflows/junk.yml", junk)
    for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252"):
        _write(folder, f"encodings/{encoding}.py", "# Grüße\nimport os\nname = 'ü'\n".encode(encoding))
        _write(folder, f"encodings/{encoding}.yaml", "grüße: [ü]\n".encode(encoding))
        _write(folder, f"encodings/{encoding}.json", '{"grüße": "ü"}'.encode(encoding))
    _write(folder, "encodings/declared.py", "# -*- coding: latin-1 -*-\nx = 'ü'\n".encode("latin-1"))
    _write(folder, "encodings/unknown.py", "# -*- coding: no-such-codec -*-\nx = 1\n")
    _write(folder, "encodings/undefined.py", "# -*- coding: undefined -*-\nx = 1\n")
    _write(folder, "encodings/nul.py", "import os\nx = 'a\0b'\n")
    _write(folder, "encodings/surrogate.json", '{"a": "\\ud800", "\\udfff": 1}')
    _write(folder, "encodings/returns.py", "import os\rimport sys\rx = 1\r")
    _write(folder, "encodings/bidi.py", "x = 'a\u202e b\u2066'\n\u2028y = 1\n")
    _write(folder, "encodings/terminal.yaml", b"name: \"\\e]0;owned\\a\\e[2J\"\nraw: '\x1b[2J'\n")


def _bait(folder: Path) -> None:
    """Lines on which nested quantifiers take for ever."""
    for name in _BAITED.split():
        for kind, line in {
            "letters": "a" * 100_000 + "!",
            "spaces": "a" + " " * 100_000 + "!",
            "escapes": "a " + "\\" * 100_000,
            "quotes": '"' * 50_000 + "'" * 50_001,
            "comments": "/*" * 50_000,
            "commas": "a," * 50_000,
            "versions": "a==" + "1." * 50_000 + "x",
            "dashes": "-" * 100_000,
            "variables": "$" * 50_000 + "${" * 25_000,
            "templates": "{{" * 25_000 + "{%" * 25_000,
            "assignments": "a=" * 50_000,
            "pipes": "a|" * 50_000,
        }.items():
            _write(folder, f"bait/{kind}/{name}", line + "\n")
        _write(folder, f"bait/lines/{name}", "\n" * 200_000)
        _write(folder, f"bait/continued/{name}", "a \\\n" * 50_000)
    _write(folder, "bait/jobs/.gitlab-ci.yml", "".join(f"job{i}:\n  needs: [job{i - 1}]\n  script: make a{i}\n" for i in range(5000)))
    _write(folder, "bait/chain/Makefile", "".join(f"t{i}: t{i + 1}\n\t$(MAKE) t{i + 1}\n" for i in range(5000)))
    _write(folder, "bait/ignore/.gitignore", "*a" * 40 + "b\n" + "**/a" * 40 + "\n" + "[" * 1000 + "\n\\\n!\n/\n")
    _write(folder, "bait/ignore/" + "a" * 200, "x")


def _cycles(folder: Path) -> None:
    """Files that lead back to themselves, or out."""
    _write(
        folder,
        "cycles/requirements.txt",
        "-r requirements.txt\n-r ./../cycles/requirements.txt\n-r ../../../../etc/passwd\n-r /etc/passwd\n-c ../out.txt\n-e .\n",
    )
    _write(
        folder, "cycles/.gitlab-ci.yml", "include:\n- local: /cycles/.gitlab-ci.yml\n- local: ../../../../etc/passwd\n- local: '**/*.yml'\n"
    )
    _write(
        folder,
        "cycles/azure-pipelines.yml",
        "extends: {template: azure-pipelines.yml}\nsteps:\n- template: azure-pipelines.yml\n- template: ../../../../etc/passwd\n",
    )
    _write(
        folder,
        ".github/workflows/self.yml",
        "on: workflow_call\njobs:\n  a: {uses: ./.github/workflows/self.yml}\n  b: {needs: b, uses: ./../../../etc}\n",
    )
    _write(folder, "cycles/Makefile", "all: all\na: b\nb: a\n\t$(MAKE) a\ninclude Makefile\ninclude /etc/passwd\n")
    _write(folder, "cycles/package.json", '{"scripts": {"a": "npm run b", "b": "npm run a", "c": "npm run c"}}')
    _write(folder, "cycles/run.sh", "bash run.sh\n. ./run.sh\nsource /etc/passwd\npython ../../../../../etc/passwd\n")
    _write(folder, "cycles/a.py", "import cycles.b\nfrom . import b, a\nfrom ..........x import y\n")
    _write(folder, "cycles/b.py", "import cycles.a\nfrom .a import *\n")
    _write(folder, "cycles/alias.py", "a = b\nb = a\na = a\nx = y = z = x\na()\nx.fit()\nimport a as a\nfrom a import a as a\n")
    _write(
        folder,
        "cycles/dvc.yaml",
        "stages:\n  a: {cmd: dvc repro a, deps: [x], outs: [x]}\n  b: {cmd: make, deps: [/etc/passwd, ../../x], outs: [../..]}\n",
    )
    _write(
        folder,
        "cycles/main.tf",
        'module "a" {\n  source = "./"\n}\nmodule "b" {\n  source = "../../../../etc"\n}\nlocals {\n  a = local.b\n  b = local.a\n}\n',
    )
    _write(folder, "cycles/tox.ini", "[tox]\nenvlist = {a,b}{c,d}\n[testenv]\ncommands = {[testenv]commands}\n")
    _write(folder, "cycles/pyproject.toml", '[dependency-groups]\na = [{include-group = "a"}]\n[tool.poe.tasks]\na = {sequence = ["a"]}\n')
    _write(
        folder,
        "cycles/docker-compose.yml",
        "include: [docker-compose.yml]\nservices:\n  a: {extends: {file: docker-compose.yml, service: a}, build: ../../../..}\n",
    )
    _write(folder, ".gitmodules", '[submodule "a"]\n\tpath = ../../a\n\turl = ext::sh -c touch% ran\n\tupdate = !touch ran\n')


def _notebooks(folder: Path) -> None:
    source = "!touch ran\n%run ../../x.py\n%%bash\ntouch ran\nget_ipython().system('touch ran')\n"
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [{"data": {"text/html": "<script>alert(1)</script>"}}]}
    book = {
        "cells": [cell],
        "metadata": {"kernelspec": {"language": "python", "argv": ["touch", "ran"]}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    _write(folder, "notebooks/malicious.ipynb", json.dumps(book))
    strange: list[object] = [
        None,
        1,
        [],
        {},
        {"cells": None},
        {"cells": {}},
        {"cells": [1, None, [], {"source": 1}, {"cell_type": [], "source": [1, None, {}]}]},
    ]
    for number, content in enumerate(strange):
        _write(folder, f"notebooks/strange{number}.ipynb", json.dumps(content))
    _write(folder, "notebooks/many.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": "import a"}] * 20_000}))
    _write(folder, "notebooks/cut.ipynb", json.dumps(book)[:-40])


def _code(folder: Path, marker: Path) -> None:
    """Files that tools import or run merely because they are there; each would leave the marker."""
    python = f"import pathlib\npathlib.Path({os.fspath(marker)!r}).touch()\n"
    for name in _IMPORTED.split():
        _write(folder, name, python)
    for package in ("rung", "yaml", "detectors", "rules"):
        _write(folder, f"{package}/__init__.py", python)
    _write(folder, "rung.yaml", f"plugins: [conftest.py]\ndetectors: /etc\nhooks: {{before: 'touch {marker}'}}\n")
    _write(folder, ".pre-commit-config.yaml", f"repos:\n- repo: local\n  hooks: [{{id: a, language: system, entry: touch {marker}}}]\n")
    _write(folder, "git", f"#!/bin/sh\ntouch {marker}\n")
    (folder / "git").chmod(0o755)


def _names(folder: Path) -> None:
    names: list[bytes] = [
        b"two\nlines.py", b"tab\t.py", b"bad-\xff\xfe.py", b"-rf.py", b"--help", b"names {{ x }}.py", b"{% if x %}.yml", b"back\\slash.py", b"back\\nslash.py", b"back\nslash.py",
        b"quote'\".py", b"$(touch ran).py", b"`touch ran`.sh", b"; touch ran;.py", b"|touch ran", b"\x1b[2J.py", "right\u202eyp.py".encode(), "\u00e9.py".encode(), "e\u0301.py".encode(),
        b" ", b" .py", b"...", b"*.py", b"[a].py", b"?.py", b":(exclude)a.py", b"<script>.md", b"&amp;.md", b"CON", b"a" * 250 + b".py", b"%s%n.py", b"#.py", b"~",
    ]  # fmt: skip
    top = os.fsencode(folder / "names")
    os.mkdir(top)
    for name in names:
        try:
            with open(os.path.join(top, name), "wb") as file:
                file.write(b"import os\n")
        except OSError:
            continue  # a file system that refuses such names


def _links(folder: Path) -> None:
    links = folder / "links"
    links.mkdir()
    for name, target in {
        "passwd.py": "/etc/passwd",
        "requirements.txt": "../../../../../../etc/passwd",
        "parent": "..",
        "root": "/",
        "loop": "loop",
        "ping": "pong",
        "pong": "ping",
        "zero.yaml": "/dev/zero",
        "stdin.yaml": "/dev/stdin",
        "config": "../.git/config",
        "dangling.tf": "nowhere.tf",
        "inside.py": "../conftest.py",
        "fifo.yaml": "../special/pipe.yaml",
    }.items():
        (links / name).symlink_to(target)
    _write(folder, "swapped/Dockerfile", "FROM a\n")


def _big(folder: Path) -> None:
    with open(folder / "big.json", "wb") as file:
        file.write(b'["')
        file.seek(100 * _MIB)
        file.write(b'"]')
    _write(folder, "large/line.yaml", "a: [" + "x, " * _MIB + "x]\n")
    _write(folder, "large/line.py", "x = [" + "1, " * _MIB + "1]\n")
    _write(folder, "large/strings.py", "x = [" + "'a', " * (600 * 1024) + "]\n")
    _write(folder, "large/lines.py", "import a\na.b(1)\n" * 200_000)
    _write(folder, "large/resources.tf", 'resource "a" "b" {\n  c = 1\n}\n' * 60_000)
    _write(folder, "large/requirements.txt", "".join(f"package-{i}==1.{i}\n" for i in range(150_000)))
    _write(folder, "large/settings.yaml", "".join(f"k{i}: {i}\n" for i in range(200_000)))
    _write(folder, "large/Dockerfile", "FROM a\n" * 300_000)
    _write(folder, "large/Makefile", "".join(f"t{i}:\n\techo {i}\n" for i in range(150_000)))
    _write(
        folder,
        "large/.github/workflows/ci.yml",
        "on: push\njobs:\n" + "".join(f"  j{i}: {{steps: [{{run: make}}]}}\n" for i in range(60_000)),
    )


def _special(folder: Path) -> None:
    """Pipes and sockets, also where git tracks a file, and a folder that became a link."""
    (folder / "special").mkdir()
    for name in ("pipe.py", "pipe.yaml", "Makefile", ".gitignore"):
        os.mkfifo(folder / "special" / name)
    (folder / "empty" / "Makefile").unlink()
    os.mkfifo(folder / "empty" / "Makefile")
    (folder / "special" / ".gitignore").unlink()
    here = os.getcwd()
    try:
        os.chdir(folder / "special")  # a socket's address is short
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind("socket.yaml")
    finally:
        os.chdir(here)
    (folder / "swapped" / "Dockerfile").unlink()
    (folder / "swapped").rmdir()
    (folder / "swapped").symlink_to("/etc")


def _plant(folder: Path, marker: Path) -> None:
    """Everything in git's own reach that starts programs."""
    run = f"touch '{marker}'; cat"
    _write(folder, ".gitattributes", "* filter=x diff=x merge=x\n*.py ident working-tree-encoding=UTF-16\n")
    hooks = folder / ".git" / "planted"
    hooks.mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "post-checkout", "pre-commit", "reference-transaction", "pre-auto-gc"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch '{marker}'\n")
        (hooks / hook).chmod(0o755)
    with open(folder / ".git" / "config", "a") as config:
        config.write(
            f"""
[core]
	fsmonitor = "touch '{marker}'; false"
	hooksPath = {hooks}
	pager = "{run}"
	sshCommand = "touch '{marker}'; false"
	askPass = "touch '{marker}'; false"
	editor = "{run}"
	gitProxy = "touch '{marker}'"
	alternateRefsCommand = "touch '{marker}'"
	worktree = /
	excludesFile = {folder}/special/pipe.yaml
	attributesFile = {folder}/special/pipe.yaml
	untrackedCache = true
[filter "x"]
	clean = "{run}"
	smudge = "{run}"
	process = "touch '{marker}'"
	required = true
[diff]
	external = "touch '{marker}'"
[diff "x"]
	textconv = "touch '{marker}'"
	command = "touch '{marker}'"
[pager]
	ls-files = "{run}"
	config = "{run}"
[alias]
	ls-files = "!touch '{marker}'"
	rev-parse = "!touch '{marker}'"
[gpg]
	program = "touch '{marker}'"
[credential]
	helper = "!touch '{marker}'"
[protocol "ext"]
	allow = always
[remote "origin"]
	url = ext::sh -c touch% {marker}
	uploadpack = "touch '{marker}'"
	promisor = true
	partialclonefilter = blob:none
[submodule]
	recurse = true
"""
        )


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
