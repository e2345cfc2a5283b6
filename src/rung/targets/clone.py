"""A repository named by its URL: fetched without history and large files into the user's cache, and read there as a revision.

The user's own git configuration holds (proxies, certificates, credential helpers); nothing else can start a program, ask for a
password or lead to another protocol. What is fetched is data in a repository of ours: it brings no configuration and no hooks.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from rung.cache import clones_folder
from rung.expressions import regex
from rung.files import reason_of
from rung.records import TargetError
from rung.targets.git import MAX_OUTPUT, Git, GitError, chunks_of, end, is_bare, program
from rung.targets.objects import MISSING, objects_of
from rung.targets.repository import MOST_BRANCHES, Branches, with_address, with_branches
from rung.targets.revision import Omitted, Revision, open_revision
from rung.targets.target import Limits, printable

SMALL = 8192
"""Smaller contents come with the commit, in one go. Of the others those that are read follow in a second, and the rest stays
where it is: that it is at least this large is all that is asked of it. (With `blob:none` not even the size would be known that
tells a committed model from a pointer to it.)"""

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "credential.interactive=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_QUIET = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head")
_KEPT = regex(r"GIT_(?:SSH|SSL_|HTTP_|PROXY_|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)$)")
"""Variables of git that say how to reach a server; all others could lead to another repository."""
_LOOPBACK = regex(r"http://(?:[^/@\s]*@)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?/", re.ASCII)
_SECRET = regex(r"://[^/@\s]*@")
_REF = regex(r"(?P<id>[0-9a-f]{40,64})\t(?P<name>HEAD|refs/(?:heads|tags)/\S+)", re.ASCII)
_CONFIG = """[core]
\trepositoryformatversion = 1
\tbare = true
[extensions]
\tobjectformat = {}
\tpartialClone = scanned
[remote "scanned"]
\tpromisor = true
\tpartialclonefilter = blob:none
"""


def open_remote(
    url: str,
    revision: str = "",
    *,
    subfolder: str = "",
    limits: Limits | None = None,
    needed: Callable[[str], bool] = lambda _: True,
    say: Callable[[str], None] = lambda _: None,
) -> Revision:
    """A revision of a remote repository, fetched unless the cache has it.

    Args:
        url: https, ssh (also as `user@host:path`), or file.
        revision: a branch, a tag or a whole commit id; empty for the default branch.
        subfolder: the part of it to list.
        limits: how much is listed and read, and how long fetching may take.
        needed: whether a file of this path is going to be read; others beyond `SMALL` bytes are listed without being fetched.
        say: takes a sentence of progress.

    Raises:
        TargetError: the repository can't be fetched, or has no such revision.
    """
    limits = limits or Limits()
    server = _Server(url, limits.fetch_seconds)
    folder = _cache_folder()
    say(f"asking {server.shown} for {revision or 'its default branch'}")
    offer = server.offer(folder)
    source, commit, branch = offer.resolve(revision, server.shown)
    # The address without credentials: these change, and are nobody's business.
    place = os.path.join(folder, hashlib.sha256(f"{len(commit)} {_SECRET.sub('://', url)}".encode()).hexdigest()[:32] + ".git")
    omitted = Omitted(needed, SMALL)

    def opened() -> Revision:
        return open_revision(place, commit, subfolder=subfolder, limits=limits, omitted=omitted, shown=server.shown)

    with _lock(place, lambda: say(f"waiting for another scan of {server.shown}")):
        _fetch_commit(server, place, source, commit, say)
        target = opened()
        missing = sorted({entry.blob for entry in target.list() if entry.unread == MISSING})
        if missing:
            say(f"fetching {len(missing):,} larger files of {server.shown}")
            server.fetch(place, "--filter=blob:none", "--stdin", "scanned", asked="".join(f"{blob}\n" for blob in missing))
            target = opened()
    info = with_address(target.info, url, _SECRET.sub("://", printable(url)))
    target.info = with_branches(replace(info, branch=branch), offer.branches())
    return target


def _fetch_commit(server: _Server, place: str, source: str, commit: str, say: Callable[[str], None]) -> None:
    arguments = ("--depth=1", f"--filter=blob:limit={SMALL}", "scanned", f"+{source}:refs/rung/{commit}")
    if not is_bare(place):
        _make(place, commit)
    if _is_here(place, commit):
        return
    say(f"fetching {server.shown} at {commit[:12]}")
    try:
        server.fetch(place, *arguments)
    except TargetError:
        # The server has just answered, so it may be the cache that is broken: a scan was killed, or the disk was full.
        _make(place, commit)
        server.fetch(place, *arguments)
    if not _is_here(place, commit):
        raise TargetError(f"{server.shown}: commit {commit} did not come, its branch may just have moved: try again")


def _make(place: str, commit: str) -> None:
    """An empty repository in place of whatever is there; `commit` tells the kind of ids."""
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(os.path.join(place, "objects"))
    with open(os.path.join(place, "config"), "w", encoding="ascii") as file:
        file.write(_CONFIG.format("sha256" if len(commit) == 64 else "sha1"))
    with open(os.path.join(place, "HEAD"), "w", encoding="ascii") as file:
        file.write("ref: refs/heads/none\n")
    os.mkdir(os.path.join(place, "refs"))  # last: with it, it is a repository


def _is_here(place: str, commit: str) -> bool:
    try:
        return objects_of(Git(place, bare=True)).type_of(f"{commit}^{{tree}}") == "tree"
    except GitError:
        return False


# ── The cache ────────────────────────────────────────────────────────────────────────────────────────


def _cache_folder() -> str:
    folder = clones_folder()
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{folder}: can't be made: {reason_of(error)}; set XDG_CACHE_HOME to a folder that can be written") from error
    return folder


@contextmanager
def _lock(place: str, busy: Callable[[], None]) -> Iterator[None]:
    """Two scans of one repository fetch one after the other. Reading needs no lock: nothing is ever taken away."""
    with open(f"{place}.lock", "a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ── The server ───────────────────────────────────────────────────────────────────────────────────────


class _Offer(Struct, frozen=True):
    """The branches and tags of a remote repository."""

    refs: Mapping[str, str]
    """Commit by whole name; tags peeled."""
    default: str

    def branches(self) -> Branches:
        names = sorted(name.removeprefix("refs/heads/") for name in self.refs if name.startswith("refs/heads/"))
        return Branches(printable(self.default), tuple(map(printable, names[:MOST_BRANCHES])), len(names) <= MOST_BRANCHES)

    def resolve(self, revision: str, shown: str) -> tuple[str, str, str]:
        """What to fetch, the commit, and the branch."""
        if not revision or revision == "HEAD":
            if "HEAD" not in self.refs:
                raise TargetError(f"{shown}: has no commit on its default branch: give a branch")
            return "HEAD", self.refs["HEAD"], printable(self.default)
        found = {name: self.refs[name] for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}") if name in self.refs}
        if len(set(found.values())) > 1:
            raise TargetError(f"{shown}: `{revision}` is ambiguous: give {' or '.join(f'`{name}`' for name in sorted(found))}")
        if found:
            name = min(found)
            return name, found[name], printable(name.removeprefix("refs/heads/")) if name.startswith("refs/heads/") else ""
        if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision):
            return revision, revision, ""
        hint = "the whole id of the commit" if re.fullmatch(r"[0-9a-f]{4,63}", revision) else "a branch, a tag or a whole commit id"
        raise TargetError(f"{shown}: has no branch or tag `{printable(revision)}`: give {hint} (`git ls-remote` lists what there is)")


class _Server:
    """A remote repository."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self.shown = _SECRET.sub("://", printable(url))
        """The URL without credentials."""
        scheme = url.partition("://")[0].lower() if "://" in url else "ssh"
        allowed = {"https": "", "ssh": "", "git+ssh": "", "file": "file", "http": "http" if _LOOPBACK.match(url) else None}.get(scheme)
        if allowed is None or not url.isprintable():
            raise TargetError(f"{self.shown}: only https, ssh and file are fetched from (http from this machine): give such a URL")
        # A file of this machine is read, or http spoken, only because the user wrote it: never because a server, a redirect
        # or a rewritten URL leads there. Any other protocol would run a helper of its name (`ext::` any command).
        self._protocols = ":".join(filter(None, ("https", "ssh", allowed)))

    def offer(self, folder: str) -> _Offer:
        """Asks for the branches and tags; raises `TargetError`."""
        output = self._git("ls-remote", "--symref", "scanned", "HEAD", "refs/heads/*", "refs/tags/*", folder=folder)
        refs = {}
        default = ""
        for line in os.fsdecode(output).splitlines():
            if line.startswith("ref: refs/heads/") and line.endswith("\tHEAD"):
                default = line.removeprefix("ref: refs/heads/").removesuffix("\tHEAD")
            elif found := _REF.fullmatch(line):
                refs[found["name"].removesuffix("^{}")] = found["id"]  # a tag's commit follows the tag
        if not refs:
            raise TargetError(f"{self.shown}: has no commits")
        return _Offer(refs, default)

    def fetch(self, place: str, *arguments: str, asked: str = "") -> None:
        """Fetches into a repository; raises `TargetError`."""
        # No negotiation: what is here has no history that could say what else is.
        self._git("-c", "fetch.negotiationAlgorithm=noop", "fetch", *_QUIET, *arguments, folder=place, directory=place, asked=asked)

    def _git(self, *arguments: str, folder: str, directory: str = "", asked: str = "") -> bytes:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        output = bytearray()
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as errors:
            stdin.write(asked.encode("ascii"))
            stdin.seek(0)
            try:
                process = subprocess.Popen(
                    [program(), "--no-pager", *settings, *arguments],
                    cwd=folder,
                    env=self._environment(folder, directory),
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    # Without a terminal nobody can be asked for a password.
                    start_new_session=True,
                )
            except (OSError, GitError) as error:
                raise TargetError(f"{self.shown}: can't be fetched: git can't be started ({reason_of(error)})") from error
            deadline = time.monotonic() + self._seconds
            try:
                for chunk in chunks_of(process, lambda: deadline - time.monotonic(), self._seconds):
                    output += chunk
                    if len(output) > MAX_OUTPUT:
                        raise TargetError(f"{self.shown}: has more branches and tags than can be true")
                process.wait(max(0.1, deadline - time.monotonic()))
            except (GitError, subprocess.TimeoutExpired) as error:
                raise TargetError(f"{self.shown}: can't be fetched within {self._seconds:g} seconds") from error
            finally:
                end(process)
            if process.returncode:
                errors.seek(max(0, errors.tell() - 4096))
                raise TargetError(f"{self.shown}: can't be fetched: {_reason(errors.read().decode('utf-8', 'replace'))}")
        return bytes(output)

    def _environment(self, folder: str, directory: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_ASKPASS")) or _KEPT.match(name)}
        return {
            **kept,
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS_REQUIRE": "never",
            "GCM_INTERACTIVE": "never",
            "GIT_ALLOW_PROTOCOL": self._protocols,
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
            "GIT_HTTP_LOW_SPEED_TIME": "60",
            # The user's configuration may have an `origin` of its own. The URL may hold a token, so it is neither stored nor an argument that others see.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "remote.scanned.url",
            "GIT_CONFIG_VALUE_0": self._url,
            **({"GIT_DIR": directory} if directory else {"GIT_CEILING_DIRECTORIES": os.path.dirname(folder)}),
        }


def _reason(errors: str) -> str:
    """Git's own words, the ones that say why."""
    lines = [
        _SECRET.sub("://", printable(line)) for line in errors.splitlines() if line.startswith(("fatal: ", "ERROR: ", "error: ", "ssh: "))
    ]
    text = "; ".join(line.partition(": ")[2].rstrip(".") for line in lines[:2]) or "git failed without a word"
    if "could not read Username" in text or "could not read Password" in text or "Permission denied" in text:
        return f"{text}; it needs credentials, or does not exist: set up a credential helper or key for git, or give a clone of yours"
    return text
