"""The checkout that a GitHub job works in: what event it runs for, the revision before it, and fetching that where it lacks."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from rung.excerpt import mask_tokens, visible
from rung.files import reason_of, unreadable
from rung.records import RungError
from rung.rest import Rest, RestError
from rung.targets.git import Git, GitError, program, repository_above

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@{}~^+-]{0,250}")
_MOST = 32 * 1024 * 1024
_FETCH_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Event:
    """What started a job."""

    name: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """What a change is compared with."""

    revision: str = ""
    """A commit, a name or a stored result; empty when there is nothing to compare with."""
    note: str = ""
    """What a reader of the comparison should know; why there is none."""


def event_of(environment: Mapping[str, str]) -> Event:
    """The event of a GitHub job, from its payload file; raises `RungError` when that can't be read."""
    path = environment.get("GITHUB_EVENT_PATH", "")
    if not path:
        return Event(environment.get("GITHUB_EVENT_NAME", ""), {})
    try:
        with open(path, "rb") as file:
            payload = json.loads(file.read(_MOST))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(f"GITHUB_EVENT_PATH {path}", error) from error
    return Event(environment.get("GITHUB_EVENT_NAME", ""), payload if isinstance(payload, dict) else {})


def text_at(payload: Mapping[str, Any], *keys: str) -> str:
    """The text under nested keys, empty when there is none."""
    value: Any = payload
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clone that a job made."""

    top: str
    """Root of its work tree."""
    server: str = ""
    """Address of the code host that the token is for, and goes to alone."""
    token: str = field(default="", repr=False)

    def head(self) -> tuple[str, tuple[str, ...]]:
        """The commit that is checked out, and its parents, which a shallow clone names without having them."""
        identity = self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        head = self._ask("cat-file", "commit", identity).partition("\n\n")[0] if identity else ""
        return identity, tuple(line.removeprefix("parent ") for line in head.splitlines() if line.startswith("parent "))

    def common(self, commit: str) -> str:
        """The last commit that HEAD and another have in common, empty when this clone can't tell."""
        return self._ask("merge-base", commit, "HEAD")

    def find(self, revision: str) -> str:
        """The commit of a revision, fetched where it is not here; raises `RungError` when it can't be had."""
        if not _REVISION.fullmatch(revision):
            raise RungError(f"`{visible(revision)}` is no revision: give a branch, a tag or a commit")
        return self._commit(revision) or self._commit(f"origin/{revision}") or self._fetched(revision)

    def _commit(self, revision: str) -> str:
        """The commit, when its files are here too."""
        identity = self._ask("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return identity if identity and self._ask("cat-file", "-t", f"{identity}^{{tree}}") == "tree" else ""

    def _fetched(self, revision: str) -> str:
        # Never deeper than the clone is, and never making a whole one shallow.
        depth = ["--depth=1"] if self._ask("rev-parse", "--is-shallow-repository") == "true" else []
        command = [program(), "-C", self.top, "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "maintenance.auto=false"]
        command += ["-c", "gc.auto=0", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *depth, "--", "origin", revision]
        try:
            done = subprocess.run(
                command, env=self._environment(), capture_output=True, timeout=_FETCH_SECONDS, check=False, stdin=subprocess.DEVNULL
            )
            said = done.stderr.decode("utf-8", "replace")
        except (OSError, subprocess.TimeoutExpired) as error:
            said = reason_of(error)
        found = self._commit(revision if _ID.fullmatch(revision) else "FETCH_HEAD")
        if not found:
            why = visible(mask_tokens(said.strip().rpartition("\n")[2]))[:200] or "the remote does not have it"
            raise RungError(f"{revision} is not in this checkout and can't be fetched ({why}): check out with `fetch-depth: 0`")
        return found

    def _environment(self) -> dict[str, str]:
        """For git: the job's own, with the token for its host where the checkout did not keep one."""
        settings = {}
        if self.token and self.server:
            key = f"http.{self.server.rstrip('/')}/.extraheader"
            login = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            given = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
            settings["GIT_CONFIG_COUNT"] = str(given + 2)
            # An empty value takes away a header that the checkout left: the host refuses two.
            for index, value in enumerate(("", f"AUTHORIZATION: basic {login}"), given):
                settings |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        return {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **settings}

    def _ask(self, *arguments: str) -> str:
        try:
            return Git(self.top).run(*arguments, tolerated=128).decode("utf-8", "replace").strip()
        except GitError as error:
            raise RungError(f"{self.top}: git can't read this checkout: {error}") from error


def checkout_of(path: str, environment: Mapping[str, str], token: str) -> Checkout | None:
    """The clone that a folder lies in; None when it lies in none."""
    top = repository_above(os.path.realpath(path))
    return Checkout(top, environment.get("GITHUB_SERVER_URL", "https://github.com"), token) if top else None


def base_of(event: Event, checkout: Checkout, rest: Rest, repository: str, days: int) -> Base:
    """The commit that the event's change started from, fetched if need be; for a schedule the one of so many days ago.

    Raises:
        RungError: the event names one that can't be had.
    """
    payload = event.payload
    if event.name in ("pull_request", "pull_request_target", "pull_request_review"):
        return _of_pull_request(text_at(payload, "pull_request", "base", "sha"), text_at(payload, "pull_request", "head", "sha"), checkout)
    if event.name == "merge_group":
        return Base(checkout.find(text_at(payload, "merge_group", "base_sha")))
    if event.name == "push":
        before = text_at(payload, "before")
        if not before.strip("0"):
            return Base(note="Nothing is compared: the branch or tag is new.")
        try:
            return Base(checkout.find(before))
        except RungError as error:
            if payload.get("forced") is not True:
                raise
            return Base(note=f"Nothing is compared: the push replaced what was there. {error}.")
    if event.name == "schedule":
        return _of_schedule(checkout, rest, repository, days)
    return Base(note=f"Nothing is compared: the event `{visible(event.name)}` has no revision before it. The input `against` can name one.")


def _of_pull_request(base: str, head: str, checkout: Checkout) -> Base:
    here, parents = checkout.head()
    if len(parents) == 2 and parents[1] == head:
        # The host's own trial merge: its first parent is what the base branch was when it was made.
        return Base(checkout.find(parents[0]))
    tip = checkout.find(base)
    if here == tip:
        note = "The checkout is the base of the pull request: nothing of the change is seen. Check out its merge or head commit."
        return Base(tip, note)
    common = checkout.common(tip)
    if common:
        return Base(checkout.find(common))
    note = "The checkout has no history, so the base branch as it is now is compared with: what it got meanwhile looks as if taken away."
    return Base(tip, f"{note} Check out the merge commit, or with `fetch-depth: 0`.")


def _of_schedule(checkout: Checkout, rest: Rest, repository: str, days: int) -> Base:
    here, _ = checkout.head()
    until = datetime.now(UTC) - timedelta(days=days)
    query = urlencode({"sha": here, "until": until.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": 1})
    try:
        commits = rest.ask("GET", f"/repos/{repository}/commits?{query}")
    except RestError as error:
        return Base(note=f"Nothing is compared: the commit of {days} days ago can't be asked for. {error}.")
    found = text_at(commits[0], "sha") if isinstance(commits, list) and commits else ""
    if not found:
        return Base(note=f"Nothing is compared: there is no commit older than {days} days.")
    return Base(checkout.find(found))
