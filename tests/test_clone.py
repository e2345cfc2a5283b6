from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from rung.records import TargetError
from rung.report import document_of
from rung.scan import scan_path
from rung.targets.clone import open_remote
from rung.targets.opening import Place, open_target, place_of
from rung.targets.target import Entry, Unread
from tests.hostile import git
from tests.repositories import ask, commit, write


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that serves partial clones: two commits, two branches, a tag; and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = commit(write(tmp_path / "origin", old_dot_py="import old\n"))
    git(folder, "tag", "-a", "-m", "x", "v1")
    git(folder, "branch", "dev/a@b")
    git(folder, "config", "uploadpack.allowFilter", "true")
    (folder / "old.py").unlink()
    small = write(folder, train_dot_py="import mlflow\n\nmlflow.log_metric('a', 1)\n", requirements_dot_txt="mlflow==2.0\n")
    return commit(
        write(small, large_dot_py="import torch\n" + "# x\n" * 5000, data__train_dot_csv="1,2\n" * 5000, picture_dot_png="x" * 20_000)
    )


def url(origin: Path) -> str:
    return f"file://{origin}"


def clones(origin: Path) -> list[Path]:
    return sorted((origin.parent / "cache" / "rung" / "clones").glob("*.git"))


def is_python(path: str) -> bool:
    return path.endswith(".py")


# ── What a target names ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("target", "revision", "place"),
    [
        ("repo", "", Place("repo")),
        ("repo", "v1", Place("repo", "v1")),
        ("repo@v1", "", Place("repo", "v1")),
        ("repo@feature/a@b", "", Place("repo", "feature/a@b")),
        ("repo@@{u}", "", Place("repo", "@{u}")),
        ("@v1", "", Place(".", "v1")),
        (".@HEAD~1", "", Place(".", "HEAD~1")),
        ("with@at", "", Place("with@at")),
        ("with@at@v1", "", Place("with@at", "v1")),
        ("with@at", "v1", Place("with@at", "v1")),
        ("git@host", "", Place("git@host")),
        ("https://github.com/o/r", "", Place("https://github.com/o/r", remote=True)),
        ("https://github.com/o/r.git@feature/a@b", "", Place("https://github.com/o/r.git", "feature/a@b", remote=True)),
        ("https://user:token@github.com/o/r@v1", "", Place("https://user:token@github.com/o/r", "v1", remote=True)),
        ("https://github.com/o/r@2", "v1", Place("https://github.com/o/r@2", "v1", remote=True)),
        ("git@github.com:o/r.git", "", Place("git@github.com:o/r.git", remote=True)),
        ("git@github.com:o/r.git@v1", "", Place("git@github.com:o/r.git", "v1", remote=True)),
        ("github.com:o/r", "", Place("github.com:o/r", remote=True)),
        ("ssh://git@host:22/o/r@v1", "", Place("ssh://git@host:22/o/r", "v1", remote=True)),
        ("file://HERE/with@at@v1", "", Place("file://HERE/with@at", "v1", remote=True)),
        ("file://HERE/repo@v1", "", Place("file://HERE/repo", "v1", remote=True)),
    ],
)
def test_a_target_is_a_path_if_it_exists_and_else_a_revision_or_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, revision: str, place: Place
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("repo", "with@at", "git@host"):
        (tmp_path / name).mkdir()
    found = place_of(target.replace("HERE", str(tmp_path)), revision)
    assert found == Place(place.path.replace("HERE", str(tmp_path)), place.revision, place.remote)


@pytest.mark.parametrize("target", ["owner/name", "owner/name@v1", "nowhere", "C:\\x", "ext::sh -c touch% ran", "repo@", ""])
def test_what_names_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repo").mkdir()
    with pytest.raises(TargetError, match=r"does not exist|names no revision"):
        place_of(target)


def test_a_target_is_opened_as_what_it_is(origin: Path) -> None:
    git(origin.parent, "clone", "-q", "--bare", "origin", "bare.git")
    opened = [
        open_target(str(origin)), open_target(f"{origin}@v1"), open_target(str(origin), "v1"), open_target(str(origin.parent / "bare.git")), open_target(f"{url(origin)}@v1"),
    ]  # fmt: skip
    assert [target.info.kind for target in opened] == ["worktree", *["revision"] * 4]
    assert [len(target.list()) for target in opened] == [5, 1, 1, 5, 1]


# ── Fetching ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_remote_repository_gives_the_evidence_that_its_clone_gives(origin: Path) -> None:
    local, remote = (document_of(scan_path(target)) for target in (str(origin), url(origin)))
    # A file that is only known by its name and size has no line to show.
    assert [item | {"excerpt": ""} for item in remote["evidence"]] == [item | {"excerpt": ""} for item in local["evidence"]]
    assert remote["capabilities"] == local["capabilities"]
    assert [item for item in remote["coverage"] if not item["searched"]] == []
    assert remote["errors"] == []
    assert any(item["location"]["path"] == "data/train.csv" for item in local["evidence"])


def test_what_is_large_is_fetched_only_if_it_is_read_and_in_one_go(origin: Path) -> None:
    said: list[str] = []
    target = open_remote(url(origin), needed=is_python, say=said.append)
    assert said[-1] == f"fetching 1 larger files of {url(origin)}"
    assert [target.read(path) for path in ("train.py", "large.py")] == [(origin / name).read_bytes() for name in ("train.py", "large.py")]
    assert target.read("picture.png") == Unread("not in this clone")
    assert [(entry.path, entry.size) for entry in target.list() if not is_python(entry.path)] == [
        ("data/train.csv", 8192), ("picture.png", 8192), ("requirements.txt", 12),
    ]  # fmt: skip
    assert target.coverage() == ()
    assert len(list(clones(origin)[0].glob("objects/pack/*.pack"))) <= 2
    assert ask(clones(origin)[0], "rev-list", "--count", "--all") == "1"


def test_a_remote_target_knows_its_name_and_all_branches(origin: Path) -> None:
    info = open_remote(url(origin)).info
    assert (info.kind, info.name, info.branch, info.default_branch, info.branches, info.branches_complete) == (
        "revision", "origin", "main", "main", ("dev/a@b", "main"), True,
    )  # fmt: skip
    assert info.revision == ask(origin, "rev-parse", "HEAD")


@pytest.mark.parametrize(("revision", "branch"), [("dev/a@b", "dev/a@b"), ("v1", ""), ("refs/tags/v1", ""), ("COMMIT", "")])
def test_a_revision_of_a_remote_repository_is_a_branch_a_tag_or_a_commit(origin: Path, revision: str, branch: str) -> None:
    old = ask(origin, "rev-parse", "v1^{commit}")
    target = open_target(f"{url(origin)}@{revision.replace('COMMIT', old)}")
    assert (target.info.branch, target.info.revision, target.read("old.py")) == (branch, old, b"import old\n")


def test_a_second_scan_fetches_only_what_is_new(origin: Path) -> None:
    open_remote(url(origin))
    said: list[str] = []
    open_remote(url(origin), say=said.append)
    assert said == [f"asking {url(origin)} for its default branch"]
    commit(write(origin, new_dot_py="new"))
    target = open_remote(url(origin), say=said.append)
    assert "fetching" in said[-1]
    assert target.read("new.py") == b"new"
    assert len(clones(origin)) == 1


@pytest.mark.parametrize("damage", ["objects", "config", "half made"])
def test_a_broken_cache_is_made_anew(origin: Path, damage: str) -> None:
    open_remote(url(origin))
    (clone,) = clones(origin)
    if damage == "objects":
        for pack in clone.glob("objects/pack/*"):
            pack.unlink()
    elif damage == "config":
        (clone / "config").write_text("[core\n")
    else:
        (clone / "HEAD").unlink()
    assert open_remote(url(origin)).read("train.py") == (origin / "train.py").read_bytes()


def test_concurrent_scans_wait_for_each_other(origin: Path) -> None:
    program = f"from rung.targets.clone import open_remote; print(len(open_remote('{url(origin)}').read('large.py')))"
    scans = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [scan.communicate(timeout=120) for scan in scans] == [(f"{(origin / 'large.py').stat().st_size}\n", "")] * 4


def test_a_server_without_partial_clones_gives_all(origin: Path) -> None:
    git(origin, "config", "uploadpack.allowFilter", "false")
    target = open_remote(url(origin), needed=is_python)
    assert target.read("picture.png") == (origin / "picture.png").read_bytes()


def test_a_sha256_repository_is_fetched(origin: Path) -> None:
    other = commit(write(origin.parent / "other", a_dot_py="x\n"), "--object-format=sha256")
    target = open_remote(f"file://{other}")
    assert (len(target.info.revision), target.read("a.py")) == (64, b"x\n")


def test_a_folder_of_a_remote_repository_is_that_part_of_it(origin: Path) -> None:
    assert open_remote(url(origin), subfolder="data").list()[0] == Entry(
        path="train.csv", size=20_000, blob=ask(origin, "rev-parse", "HEAD:data/train.csv")
    )
    with pytest.raises(TargetError, match=f"^{url(origin)}.*has no folder nowhere"):
        open_remote(url(origin), subfolder="nowhere")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ORIGIN@nowhere", "ORIGIN: has no branch or tag `nowhere`"),
        ("ORIGIN@-x", "ORIGIN: has no branch or tag `-x`"),
        ("ORIGIN@abcdef0", "give the whole id"),
        ("ORIGIN@both", "ambiguous: give `refs/heads/both` or `refs/tags/both`"),
        ("ORIGIN@" + "1" * 40, "ORIGIN: can't be fetched: "),
        ("ORIGIN-nowhere", "does not appear to be a git repository"),
        ("http://example.org/o/r", "only https, ssh and file"),
        ("git://localhost/o/r", "only https, ssh and file"),
        ("ext://sh", "only https, ssh and file"),
        ("https://user:hunter2@127.0.0.1:1/o/r", r"^https://127\.0\.0\.1:1/o/r: can't be fetched: unable to access 'https://127"),
    ],
)
def test_what_cannot_be_fetched_is_an_error_that_names_it(origin: Path, target: str, message: str) -> None:
    git(origin, "branch", "both", "v1")
    git(origin, "tag", "both")
    with pytest.raises(TargetError, match=message.replace("ORIGIN", url(origin))) as told:
        open_target(target.replace("ORIGIN", url(origin)))
    assert "hunter2" not in str(told.value)
    assert str(origin.parent / "cache") not in str(told.value)


def test_nothing_of_the_served_repository_runs_here(origin: Path) -> None:
    marker = origin.parent / "ran"
    write(
        origin,
        _dot_gitattributes="* filter=x\n",
        _dot_gitmodules=f'[submodule "a"]\n\tpath = a\n\turl = ext::touch% {marker}\n\tupdate = !touch {marker}\n',
    )
    for hook in ("post-checkout", "reference-transaction", "post-merge"):
        write(origin, **{f"_dot_githooks__{hook}": f"#!/bin/sh\ntouch {marker}\n"})
    open_remote(url(commit(origin)))
    assert not marker.exists()
    assert not [path for clone in clones(origin) for path in clone.rglob("hooks/*")]


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────────────


class _Backend(http.server.BaseHTTPRequestHandler):
    """`git http-backend` behind a small server; a path below /closed/ asks for a password, one below /moved/ leads to a file."""

    root: ClassVar[str]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.startswith("/closed/") and "Authorization" not in self.headers:
            return self._answer("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="x"')], b"")
        if path.startswith("/moved/"):
            return self._answer("302 Found", [("Location", f"file://{self.root}/{path.removeprefix('/moved/')}?{query}")], b"")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command, "QUERY_STRING": query,
            "PATH_INFO": path.removeprefix("/closed"), "CONTENT_TYPE": self.headers.get("Content-Type", ""), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1", "GIT_CONFIG_GLOBAL": os.devnull,
        }  # fmt: skip
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return self._answer(headers.pop("Status", "200 OK"), list(headers.items()), content)

    do_POST = do_GET  # noqa: N815 - the name that its class asks for

    def _answer(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(int(status.split(maxsplit=1)[0]))
        for name, value in (*headers, ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server(origin: Path) -> Iterator[str]:
    _Backend.root = str(origin.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Backend) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_a_repository_is_fetched_over_http_from_this_machine(origin: Path, server: str) -> None:
    target = open_target(f"http://{server}/origin/.git@main", needed=is_python)
    assert target.read("large.py") == (origin / "large.py").read_bytes()
    assert target.read("picture.png") == Unread("not in this clone")
    assert (target.info.uri, target.info.name, target.info.remote) == ("origin", "origin", "")


def test_a_token_in_the_url_is_used_and_neither_told_nor_kept(origin: Path, server: str) -> None:
    said: list[str] = []
    target = open_target(f"http://user:hunter2@{server}/closed/origin/.git", say=said.append)
    assert target.read("train.py") == (origin / "train.py").read_bytes()
    assert "hunter2" not in repr((said, target.info, target.coverage()))
    assert not [path for path in (origin.parent / "cache").rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_a_password_is_never_asked_for(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = tmp_path / "askpass"
    asking.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\necho x\n")
    asking.chmod(0o755)
    config = write(tmp_path, gitconfig=f"[core]\n\taskPass = {asking}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config / "gitconfig"))
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(asking))
    with pytest.raises(TargetError, match="needs credentials, or does not exist"):
        open_remote(f"http://{server}/closed/origin/.git")
    assert not (tmp_path / "asked").exists()


def test_a_server_cannot_lead_to_a_file_of_this_machine(server: str) -> None:
    with pytest.raises(TargetError, match="can't be fetched"):
        open_remote(f"http://{server}/moved/origin/.git")


def test_a_rewritten_url_cannot_lead_to_a_file_or_a_program(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in (f"file://{origin}", f"ext::sh -c touch% {origin.parent}/ran"):
        config = write(
            origin.parent, gitconfig=f'[url "{scheme}"]\n\tinsteadOf = https://example.invalid/o/r\n[protocol]\n\tallow = always\n'
        )
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config / "gitconfig"))
        with pytest.raises(TargetError, match=r"transport '(file|ext)' not allowed"):
            open_remote("https://example.invalid/o/r")
    assert not (origin.parent / "ran").exists()
