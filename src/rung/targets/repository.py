"""What a repository says of itself: its remote, its name, its branches."""

from __future__ import annotations

import os

from msgspec import Struct
from msgspec.structs import replace

from rung.records import TargetInfo
from rung.targets.git import Git, remote_address, remote_page
from rung.targets.target import printable

MOST_BRANCHES = 10_000
_HEADS = "refs/heads/"
REMOTES = ("config", "-z", "--get-regexp", r"^remote\..*\.(url|fetch)$")
IS_SHALLOW = ("rev-parse", "--is-shallow-repository")


class Branches(Struct, frozen=True):
    """The branches of a repository, as far as this copy of it knows them."""

    default: str = ""
    """The one that a clone checks out; empty when nothing tells."""
    names: tuple[str, ...] = ()
    """Sorted; local ones, and those of the main remote."""
    complete: bool = False
    """Nothing is missing: this copy fetches all branches of its remote, or is itself where they are pushed to."""


class Remote(Struct, frozen=True):
    """The remote that a repository mainly goes by: `origin`, or its only one. Without one all is empty."""

    name: str = ""
    url: str = ""
    refspecs: tuple[str, ...] = ()
    """What it fetches by default."""


def remote_of(git: Git) -> Remote:
    """The main remote; raises `GitError`."""
    urls = dict[str, str]()
    refspecs = dict[str, tuple[str, ...]]()
    output = git.run(*REMOTES, tolerated=1)
    for setting in filter(None, os.fsdecode(output).split("\0")):
        key, _, value = setting.partition("\n")
        name, _, what = key.removeprefix("remote.").rpartition(".")
        if what == "url":
            urls[name] = value
        else:
            refspecs[name] = (*refspecs.get(name, ()), value)
    name = "origin" if "origin" in urls else next(iter(urls)) if len(urls) == 1 else ""
    return Remote(name, urls.get(name, ""), refspecs.get(name, ())) if name else Remote()


def branches_of(git: Git, remote: Remote) -> Branches:
    """The branches that are known; raises `GitError`."""
    tracking = f"refs/remotes/{remote.name}/"
    names = set[str]()
    default = ""
    count = f"--count={MOST_BRANCHES + 1}"
    output = git.run("for-each-ref", count, "--format=%(refname)%00%(symref)", _HEADS, *([tracking] if remote.name else []))
    lines = os.fsdecode(output).splitlines()
    for line in lines:
        ref, _, leads_to = line.partition("\0")
        if ref == f"{tracking}HEAD":
            default = leads_to.removeprefix(tracking) if leads_to.startswith(tracking) else ""
        else:
            names.add(printable(ref.removeprefix(_HEADS).removeprefix(tracking)))
    cloned = bool(default)
    if git.bare and (not remote.name or _mirrors(remote)):
        default = os.fsdecode(git.run("symbolic-ref", "-q", "HEAD", tolerated=1)).rstrip("\n").removeprefix(_HEADS)
        cloned = True
    # A continuous-integration checkout adds a remote that would fetch all, and then fetches one branch: no HEAD, or shallow.
    complete = cloned and len(lines) <= MOST_BRANCHES and not is_shallow(git) and (_fetches_all(remote) if remote.name else git.bare)
    return Branches(printable(default), tuple(sorted(names)[:MOST_BRANCHES]), complete)


def _mirrors(remote: Remote) -> bool:
    """Whether the remote's branches are written over the local ones, so that HEAD is the remote's too."""
    return any(refspec.removeprefix("+") in ("refs/*:refs/*", "refs/heads/*:refs/heads/*") for refspec in remote.refspecs)


def _fetches_all(remote: Remote) -> bool:
    sources = [refspec.removeprefix("+").partition(":")[0] for refspec in remote.refspecs]
    return any(source in ("refs/heads/*", "refs/*") for source in sources) and not any(source.startswith("^") for source in sources)


def is_shallow(git: Git) -> bool:
    """Whether history was cut off when the repository was cloned; raises `GitError`."""
    return git.run(*IS_SHALLOW).strip() == b"true"


def repository_info(git: Git, remote: Remote, *, identity: str, kind: str, revision: str, branch: str, folder: str = "") -> TargetInfo:
    """Where a repository is and what it is called; raises `GitError`.

    Args:
        git: the repository.
        remote: its main remote.
        identity: the target's id.
        kind: worktree or revision.
        revision: the commit's id, empty when there is none.
        branch: printable, empty when there is none.
        folder: the part of it that is scanned, printable; empty for all.
    """
    branches = branches_of(git, remote)
    info = TargetInfo(id=identity, kind=kind, uri="", name="", revision=revision, branch=branch, folder=folder)
    return with_branches(with_address(info, remote.url, printable(git.top)), branches)


def with_address(info: TargetInfo, url: str, otherwise: str) -> TargetInfo:
    """The target called by the URL of its repository, or by the last part of another path where that is no address."""
    address = remote_address(url)
    name = (address or otherwise.rstrip("/").removesuffix("/.git").removesuffix(".git")).rpartition("/")[2] or "root"
    return replace(
        info,
        uri=(address or name) + (f"#{info.folder}" if info.folder else ""),
        name=f"{name}/{info.folder}" if info.folder else name,
        remote=remote_page(address),
    )


def with_branches(info: TargetInfo, branches: Branches) -> TargetInfo:
    """The target with the branches of its repository."""
    return replace(info, default_branch=branches.default, branches=branches.names, branches_complete=branches.complete)
