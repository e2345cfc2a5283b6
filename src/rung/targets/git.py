"""Git, called so that nothing in a repository's configuration, attributes or hooks can start a program or reach a network.

Only commands are run that apply no clean or smudge filter. The repository is found here and handed to git
by name, so a `core.worktree` of its configuration moves nothing, and another owner's repository can be read.

GitPython is not used: it starts the same git with the caller's environment and the repository's configuration (file monitors,
filters, credential helpers, lazy fetches), reads that configuration itself, with its includes, and takes longer to import than a
small scan to run.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from msgspec import Struct, field

from rung.expressions import regex

MAX_OUTPUT = 128 * 1024 * 1024
"""More than this from one call is a hostile repository."""

_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=false",
    "core.excludesFile=/dev/null",
    "core.attributesFile=/dev/null",
    "core.alternateRefsCommand=false",
    "core.quotePath=false",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "log.showRoot=true",
    "safe.bareRepository=explicit",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    # Unlike `protocol.allow` this also beats a `protocol.<name>.allow` of the repository.
    "GIT_ALLOW_PROTOCOL": "none",
}


class GitError(Exception):
    """Git gave no answer; the text says why, as the end of a sentence about git."""


class Git(Struct, frozen=True):
    """A repository."""

    top: str
    """The work tree's root, or a bare repository's own folder; absolute."""
    seconds: float = 30.0
    """How long git may be silent, and one command of `run` may take."""
    bare: bool = False
    objects: str = ""
    """Where the objects are, when they are not in the repository's own place."""
    _started: dict[tuple[str, ...], subprocess.Popen[bytes]] = field(default_factory=dict)
    """Commands that run already, by folder and arguments."""

    @contextmanager
    def ahead(self, *commands: Sequence[str], folder: str = "") -> Iterator[None]:
        """Has commands run at the same time, of which `run` is asked within; what it isn't asked for is ended. Raises `GitError`."""
        try:
            for arguments in commands:
                self._started[folder, *arguments] = self.start(*arguments, folder=folder)
            yield
        finally:
            while self._started:
                end(self._started.popitem()[1])

    def run(self, *arguments: str, folder: str = "", tolerated: int = 0, most: int = MAX_OUTPUT) -> bytes:
        """Standard output of one git command, run in `folder` (default: the root).

        Exit codes above `tolerated` raise `GitError`, as do slowness and more than `most` bytes.
        """
        process = self._started.pop((folder, *arguments), None) or self.start(*arguments, folder=folder)
        output = bytearray()
        deadline = time.monotonic() + self.seconds
        try:
            for chunk in chunks_of(process, lambda: deadline - time.monotonic(), self.seconds):
                output += chunk
                if len(output) > most:
                    raise GitError(f"it printed more than {most // 1024 // 1024} MiB")
            _await(process, max(0.1, deadline - time.monotonic()), self.seconds)
        finally:
            end(process)
        if process.returncode < 0 or process.returncode > tolerated:
            raise GitError(f"`git {arguments[0]}` failed")
        return bytes(output)

    def stream(self, *arguments: str) -> Generator[bytes, None, None]:
        r"""The NUL-ended records that one git command prints, as they come; closing the iterator ends git.

        A failure or silence of git raises `GitError` after the records that did come, a record beyond all measure at once.
        """
        process = self.start(*arguments)
        rest = b""
        try:
            for chunk in chunks_of(process, lambda: self.seconds, self.seconds):
                *records, rest = (rest + chunk).split(b"\0")
                yield from records
                if len(rest) > 1 << 20:
                    raise GitError("it printed a record of more than 1 MiB")
            _await(process, self.seconds, self.seconds)
            if rest:
                yield rest
        finally:
            end(process)
        if process.returncode:
            raise GitError(f"`git {arguments[0]}` failed")

    def start(self, *arguments: str, folder: str = "", asking: bool = False) -> subprocess.Popen[bytes]:
        """A running git command, for those who talk to it (`asking`) or read as it prints; hand it to `end`. Raises `GitError`."""
        command = [program(), "--no-pager", "--no-optional-locks", "--literal-pathspecs"]
        for setting in _SETTINGS:
            command += ("-c", setting)
        # A work tree is always named, so that a `core.worktree` of the configuration counts for nothing.
        directory = self.top if self.bare else os.path.join(self.top, ".git")
        environment = _ENVIRONMENT | {"PATH": os.environ.get("PATH", os.defpath), "GIT_DIR": directory, "GIT_WORK_TREE": self.top}
        if self.objects:
            environment["GIT_OBJECT_DIRECTORY"] = self.objects
        try:
            return subprocess.Popen(
                [*command, *arguments],
                cwd=folder or self.top,
                env=environment,
                stdin=subprocess.PIPE if asking else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise GitError("it could not be started") from error


def chunks_of(process: subprocess.Popen[bytes], left: Callable[[], float], seconds: float) -> Iterator[bytes]:
    """What a process prints until it stops printing; `GitError` once no time is left, which is `seconds` in the message."""
    assert process.stdout is not None
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    while poll.poll(max(0.0, left()) * 1000):
        chunk = os.read(process.stdout.fileno(), 1 << 20)
        if not chunk:
            return
        yield chunk
    raise GitError(_silent(seconds))


def _await(process: subprocess.Popen[bytes], left: float, seconds: float) -> None:
    try:
        process.wait(left)
    except subprocess.TimeoutExpired as error:
        raise GitError(_silent(seconds)) from error


def _silent(seconds: float) -> str:
    return f"it gave no answer within {seconds:g} seconds"


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process of `Git.start`, with whatever it started."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def program() -> str:
    """The path of git; raises `GitError`."""
    return _program(os.environ.get("PATH", os.defpath))


@cache
def _program(path: str) -> str:
    found = shutil.which("git", path=path)
    if not found or not os.path.isabs(found):
        # A relative hit comes from a `.` in PATH, and could be the scanned repository's own.
        raise GitError("it is not installed")
    return found


def repository_above(folder: str) -> str:
    """The root of the work tree that an absolute folder belongs to, empty when there is none."""
    while True:
        marker = os.path.join(folder, ".git")
        if os.path.isfile(marker) or os.path.lexists(os.path.join(marker, "HEAD")):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent


def is_bare(folder: str) -> bool:
    """Whether a folder is itself a git directory, without a work tree."""
    return os.path.isfile(os.path.join(folder, "HEAD")) and all(os.path.isdir(os.path.join(folder, part)) for part in ("objects", "refs"))


def blob_id(data: bytes, like: str = "") -> str:
    """Git's id of a content; SHA-256 when `like`, another id of the repository, is one."""
    digest = hashlib.new("sha256" if len(like) == 64 else "sha1", b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


# ── Remote addresses ─────────────────────────────────────────────────────────────────────────────────

_URL = regex(r"(?:https?|ssh|git|git\+ssh|git\+https)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>[^\s?#]+)", re.ASCII)
_SCP = regex(r"(?:[^@/\s:]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+):(?P<path>[^\s?#]+)", re.ASCII)
_PATH = regex(r"[\w.~%+ -]+(?:/[\w.~%+ -]+)*", re.ASCII)
_HOSTS = regex(r"github|gitlab|bitbucket|dev\.azure\.com$|\.visualstudio\.com$")


def remote_address(url: str) -> str:
    """`https://host/path` of a remote's URL in any form, without credentials, port and `.git`; empty for a local path."""
    found = len(url) <= 500 and (_URL.fullmatch(url) or _SCP.fullmatch(url))
    if not found:
        return ""
    host = found["host"].lower()
    path = found["path"].strip("/").removesuffix(".git")
    if host in ("ssh.dev.azure.com", "vs-ssh.visualstudio.com"):
        version, _, rest = path.partition("/")
        parts = rest.split("/")
        if version != "v3" or len(parts) != 3:
            return ""
        host, path = "dev.azure.com", f"{parts[0]}/{parts[1]}/_git/{parts[2]}"
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        return ""
    return f"https://{host}/{path}".replace(" ", "%20")


def remote_page(address: str) -> str:
    """The address again when a known kind of code host shows the repository's page there, else empty."""
    host = address.removeprefix("https://").partition("/")[0]
    return address if _HOSTS.search(host) else ""
