"""Git, called so that nothing in a repository's configuration, attributes or hooks can start a program or reach a network.

Only commands are run that apply no clean or smudge filter. The repository is found here and handed to git
by name, so a `core.worktree` of its configuration moves nothing, and another owner's repository can be read.
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
from dataclasses import dataclass
from functools import cache

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


@dataclass(frozen=True, slots=True)
class Git:
    """A repository."""

    top: str
    """The work tree's root, or a bare repository's own folder; absolute."""
    seconds: float = 30.0
    """How long one command may take."""
    bare: bool = False

    def run(self, *arguments: str, folder: str = "", tolerated: int = 0, most: int = MAX_OUTPUT) -> bytes:
        """Standard output of one git command, run in `folder` (default: the root).

        Exit codes above `tolerated` raise `GitError`, as do slowness and more than `most` bytes.
        """
        path = os.environ.get("PATH", os.defpath)
        command = [_program(path), "--no-pager", "--no-optional-locks", "--literal-pathspecs"]
        for setting in _SETTINGS:
            command += ("-c", setting)
        # A work tree is always named, so that a `core.worktree` of the configuration counts for nothing.
        directory = self.top if self.bare else os.path.join(self.top, ".git")
        environment = _ENVIRONMENT | {"PATH": path, "GIT_DIR": directory, "GIT_WORK_TREE": self.top}
        try:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=folder or self.top,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise GitError("it could not be started") from error
        output = self._collect(process, most)
        if process.returncode < 0 or process.returncode > tolerated:
            raise GitError(f"`git {arguments[0]}` failed")
        return output

    def _collect(self, process: subprocess.Popen[bytes], most: int) -> bytes:
        assert process.stdout is not None
        deadline = time.monotonic() + self.seconds
        output = bytearray()
        ended = False
        try:
            with process.stdout as pipe:
                poll = select.poll()
                poll.register(pipe, select.POLLIN)
                while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    chunk = os.read(pipe.fileno(), 1 << 20)
                    if not chunk:
                        ended = True
                        break
                    output += chunk
                    if len(output) > most:
                        raise GitError(f"it printed more than {most // 1024 // 1024} MiB")
            process.wait(max(0.1, deadline - time.monotonic()) if ended else 0.0)
        except subprocess.TimeoutExpired as error:
            raise GitError(f"it gave no answer within {self.seconds:g} seconds") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return bytes(output)


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

_URL = re.compile(r"(?:https?|ssh|git|git\+ssh|git\+https)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>[^\s?#]+)", re.ASCII)
_SCP = re.compile(r"(?:[^@/\s:]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+):(?P<path>[^\s?#]+)", re.ASCII)
_PATH = re.compile(r"[\w.~%+ -]+(?:/[\w.~%+ -]+)*", re.ASCII)
_HOSTS = re.compile(r"github|gitlab|bitbucket|dev\.azure\.com$|\.visualstudio\.com$")


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
