"""What a scan of something live must be allowed, and no more: read from the calls that the resource packs name; and whether it is allowed.

An account's permissions are a policy of IAM, a server's are what its pack says that each call needs, and a cluster's are a ClusterRole
over the kinds of objects that signals ask for.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

from msgspec import Struct

from rung.accounts import Accounts
from rung.catalogue import catalogue_text
from rung.collect import Terms, collect
from rung.expressions import regex
from rung.matchers import Matchers
from rung.records import Coverage, Packs, Read, RungError, TargetError, TargetRule
from rung.targets.live.aws import OWN
from rung.targets.live.driver import DENIED, CallError, Driver, Through

CLUSTER = "kubernetes"
"""The pack of a cluster's kinds of objects, which are named `group/Kind`."""
_CORE = "core"
_BUILT_IN = ("apps", "autoscaling", "batch", "policy")
"""Groups of Kubernetes itself without a dot; other names without one are formats of files, which no cluster knows."""
_PLURAL = ("rules",)
"""Kinds that are named in the plural."""
_HISSING = regex(r"(?:s|x|z|ch|sh)$")
_READING = ("get", "list")
_TRIES = 3
"""Times that `check` makes a call in a region: what it is about may be gone the first time."""


def names(packs: Packs) -> tuple[str, ...]:
    """What permissions can be told of."""
    return tuple(sorted({provider.id for provider in packs.providers} | {CLUSTER}))


def permissions_text(name: str, packs: Packs) -> str:
    """What must be allowed, in the form that it is given to the account, server or cluster.

    Raises:
        RungError: there is nothing live of that name.
    """
    if name == CLUSTER:
        import yaml

        return yaml.safe_dump(cluster_role(packs), sort_keys=False)
    provider = next((one for one in packs.providers if one.id == name), None)
    if provider is None:
        raise RungError(f"`{name}` is nothing live that is known; there are {', '.join(names(packs))}")
    if provider.protocol == "aws":
        return json.dumps(policy(name, packs), indent=2) + "\n"
    rows = [{"permission": one, "call": call} for one, calls in needed(name, packs).items() for call in calls]
    return catalogue_text(rows) + (f"\n{provider.instead}\n" if provider.instead else "")


def needed(provider: str, packs: Packs) -> dict[str, tuple[str, ...]]:
    """Each permission with the calls that need it, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for read in _reads(provider, packs):
        for permission in read.permission:
            found[permission].add(read.call)
    return {permission: tuple(sorted(calls)) for permission, calls in sorted(found.items())}


def policy(provider: str, packs: Packs) -> dict[str, Any]:
    """A policy of IAM: a statement a service, with the actions that the calls need. What is listed has no narrower resource than all."""
    by_service: dict[str, set[str]] = defaultdict(set)
    for action in (*needed(provider, packs), *OWN):
        by_service[action.partition(":")[0]].add(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": _sid(service), "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
            for service, actions in sorted(by_service.items())
        ],
    }


def cluster_role(packs: Packs) -> dict[str, Any]:
    """A ClusterRole that may read the objects of the kinds that signals ask for."""
    matchers = Matchers(packs)
    by_group: dict[str, set[str]] = defaultdict(set)
    for resource in packs.resources:
        group, _, kind = resource.type.rpartition("/")
        is_object = group == _CORE or group in _BUILT_IN or "." in group
        if resource.provider == CLUSTER and is_object and matchers.asking_for(resource.type):
            by_group["" if group == _CORE else group].add(plural(kind))
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "rung"},
        "rules": [
            {"apiGroups": [group], "resources": sorted(resources), "verbs": list(_READING)} for group, resources in sorted(by_group.items())
        ],
    }


def plural(kind: str) -> str:
    """The name of a kind's resource, as Kubernetes and the makers of kinds form it."""
    name = kind.lower()
    if name in _PLURAL:
        return name
    if _HISSING.search(name):
        return name + "es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


# ── Whether it is allowed ────────────────────────────────────────────────────────────────────────────


class Trial(Struct, frozen=True, kw_only=True):
    """How a call went."""

    call: str
    permission: tuple[str, ...]
    state: str
    """allowed, missing, unknown or not tried."""
    reason: str = ""


def check(driver: Driver, packs: Packs) -> tuple[Trial, ...]:
    """Makes each call that a scan would make, as far as there is something that it is about, and tells how each went."""
    watched = _Watched(driver)
    live = collect(watched, Terms(types=packs.resources, matchers=Matchers(packs)))
    lost = "" if watched.tried else next((entry.reason for entry in live.coverage if not entry.searched), "")
    found = {}
    for read in _reads(driver.provider, packs):
        trial = Trial(call=read.call, permission=read.permission, state="unknown", reason=lost) if lost else watched.trial(read)
        found[trial.call, trial.permission] = trial
    return tuple(found[key] for key in sorted(found))


def checked(rule: TargetRule, packs: Packs) -> Iterator[tuple[str, tuple[Trial, ...]]]:
    """The name of each account or server that a rule names, and how the calls to it went.

    Raises:
        RungError: it names nothing that can be asked.
        TargetError: it can't be asked.
    """
    if rule.kind == CLUSTER:
        raise RungError(f"no cluster is asked yet: `rung permissions {CLUSTER}` prints the role of one, without --check")
    for _, one in Accounts([rule], packs).opened():
        if isinstance(one, Coverage):
            raise TargetError(f"{one.what}: {one.reason}{f'; needs {one.needs}' if one.needs else ''}")
        yield one.info.name, check(one, packs)


def is_allowed(trials: Sequence[Trial]) -> bool:
    """Whether every call that could be made is allowed for certain."""
    return not any(trial.state in ("missing", "unknown") for trial in trials)


def check_text(trials: Sequence[Trial], name: str) -> str:
    """What is missing first, then what could not be told, then the number of calls that are allowed."""
    rows = [
        {"state": trial.state, "permission": ", ".join(trial.permission), "call": trial.call, "why": trial.reason}
        for state in ("missing", "unknown", "not tried")
        for trial in trials
        if trial.state == state
    ]
    counts = Counter(trial.state for trial in trials)
    return catalogue_text(rows) + f"{name}: {counts['allowed']} of {len(trials)} calls are allowed, {counts['missing']} are not\n"


class _Watched(Through):
    """A driver that notes how each call goes, and makes none more often than it takes to know; see `Driver`."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._lock = Lock()
        self.tried: Counter[tuple[str, str]] = Counter()
        """By call and region."""
        self._failed: dict[str, list[tuple[str, CallError]]] = defaultdict(list)
        """Region and error by call."""

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The first page of the answer, a few times."""
        with self._lock:
            if self.tried[call, region] >= _TRIES:
                return
            self.tried[call, region] += 1
        try:
            yield from list(_first(self._driver.pages(call, parameters, region)))
        except CallError as error:
            with self._lock:
                self._failed[call].append((region, error))
            raise

    def trial(self, read: Read) -> Trial:
        """How a call went wherever it was made; an error that says that there is none is an answer."""
        told = partial(Trial, call=read.call)
        failed = [(region, error) for region, error in self._failed[read.call] if not error.is_absence(read)]
        for region, error in failed:
            if error.reason == DENIED or not error.needs:
                reason = f"{error.reason} in {region}" if region else error.reason
                return told(permission=(error.needs,) if error.needs else read.permission, state="missing", reason=reason)
        if failed:
            return told(permission=read.permission, state="unknown", reason=failed[0][1].reason)
        if any(call == read.call for call, _ in self.tried):
            return told(permission=read.permission, state="allowed")
        return told(permission=read.permission, state="not tried", reason="there is nothing that it is about")


def _first(pages: Iterable[Any]) -> Iterator[Any]:
    for page in pages:
        yield page
        return


def _reads(provider: str, packs: Packs) -> Iterator[Read]:
    for resource in packs.resources:
        if resource.provider == provider and resource.live:
            yield resource.live.read
            yield from (detail.read for detail in resource.live.details)


def _sid(service: str) -> str:
    """The id of a service's statement, of letters and digits only."""
    return "".join(part.capitalize() for part in re.split("[^a-z0-9]+", service))
