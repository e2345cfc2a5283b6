"""What a user may name as a target: a folder, a revision of a repository (`path@REV`), or the URL of a remote one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from msgspec import Struct

from rung.expressions import regex
from rung.files import reason_of
from rung.records import RungError, TargetError
from rung.targets.git import is_bare
from rung.targets.target import Limits, Target
from rung.targets.worktree import open_worktree

_URL = regex(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*")
_SCP = regex(r"(?:[\w.+-]+@[\w.-]+|[\w-]+(?:\.[\w-]+)+):(?!//)", re.ASCII)
"""`user@host:path` or `host.domain:path`; `owner/name` is a folder."""


class Place(Struct, frozen=True):
    """A target's parts."""

    path: str
    """A folder, or a URL."""
    revision: str = ""
    """Empty: the work tree; of a bare or remote repository its HEAD."""
    remote: bool = False


def place_of(target: str, revision: str = "") -> Place:
    """The parts of a target as a user writes it; `revision` is one given apart, `target` then has none.

    What exists is a path, whatever its name contains. Otherwise the longest path that exists before an `@` is one, and the
    rest is the revision; raises `TargetError` when there is none, `RungError` when both name a revision.
    """
    if not os.path.isabs(target) and "://" not in target:
        _check_current_folder()
    if os.path.lexists(target):
        return Place(target, revision)
    start = _URL.match(target) or _SCP.match(target)
    if start:
        end = start.end()
        local = target.startswith("file://")
        at = _last_existing(target, end) if local else target.find("@", end)
        if revision or at < 0:
            return Place(target, revision, remote=True)
        return Place(target[:at], _given(target, at), remote=True)
    at = _last_existing(target, 0)
    if revision and at >= 0:
        raise RungError(f"{target}: the revision is named twice, here and as {revision}: give it once")
    if at < 0:
        raise TargetError(f"{target}: does not exist: give a folder, a revision of a repository (`folder@REV`), or the URL of one")
    return Place(target[:at] or ".", _given(target, at))


def _check_current_folder() -> None:
    """Raises `TargetError` where the current folder, which the target counts from, was removed."""
    try:
        os.getcwd()
    except OSError as error:
        raise TargetError(f"the current folder can't be read: {reason_of(error)}: change to one that is there") from error


def _last_existing(target: str, start: int) -> int:
    """Where the last `@` is that ends an existing path, -1 if none does."""
    at = len(target)
    while (at := target.rfind("@", start, at)) >= 0:
        if os.path.lexists(target[start:at] or "."):
            break
    return at


def _given(target: str, at: int) -> str:
    if at + 1 == len(target):
        raise TargetError(f"{target}: names no revision after its `@`: give a branch, a tag or a commit")
    return target[at + 1 :]


def open_target(
    target: str,
    revision: str = "",
    *,
    subfolder: str = "",
    limits: Limits | None = None,
    needed: Callable[[str], bool] = lambda _: True,
    say: Callable[[str], None] = lambda _: None,
) -> Target:
    """What a user names, listed and ready to be read.

    Args:
        target: a folder, `folder@REV`, a URL or `URL@REV`.
        revision: the REV, where `target` has none.
        subfolder: the part of it to list.
        limits: how much is listed and read.
        needed: whether a file of this path is going to be read; others are not fetched from a remote repository.
        say: takes a sentence of progress.

    Raises:
        TargetError: there is nothing to list.
        RungError: the revision is named twice.
    """
    place = place_of(target, revision)
    if place.remote:
        from rung.targets.clone import open_remote

        return open_remote(place.path, place.revision, subfolder=subfolder, limits=limits, needed=needed, say=say)
    root = os.path.realpath(place.path)
    if place.revision or (is_bare(root) and os.path.basename(root) != ".git"):
        from rung.targets.revision import open_revision

        return open_revision(place.path, place.revision or "HEAD", subfolder=subfolder, limits=limits)
    return open_worktree(place.path, subfolder=subfolder, limits=limits)
