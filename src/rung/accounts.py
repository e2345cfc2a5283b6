"""The live targets that a user names: opened, asked several at a time, recorded or answered from recordings."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

from msgspec.structs import replace

from rung.collect import Live, Terms, collect, lost
from rung.inventory import Declared
from rung.matchers import Matchers
from rung.records import ConfigError, Coverage, Packs, Provider, ResourceType, TargetError, TargetInfo, TargetRule
from rung.sharing import Progress
from rung.targets.live.driver import CallError, Driver

_AT_ONCE = 3
"""Live targets that are asked at the same time."""
_TELLERS = 24
"""Threads for all of them together."""


class Accounts:
    """Live targets, asked once.

    Args:
        rules: which.
        packs: what is listed of them.
        record: folder to write their answers to; empty for none.
        replay: folder or file of recordings to ask in their place; empty for none.
        window: days within which something must have been used to count as in use.
        stop: ends the asking; what was not asked by then is coverage.
        say: hears of what is asked, a sentence each.
        progress: hears of types and regions listed.
    """

    def __init__(
        self,
        rules: Sequence[TargetRule],
        packs: Packs,
        *,
        record: str = "",
        replay: str = "",
        window: int = 90,
        stop: Event | None = None,
        say: Callable[[str], None] = lambda _: None,
        progress: Progress | None = None,
    ) -> None:
        self._rules = rules
        self._packs = packs
        self._record, self._replay = record, replay
        self._window = timedelta(days=window)
        self._stop = stop or Event()
        self._say, self._progress = say, progress
        self._found: tuple[Live, ...] | None = None

    def look(self, matchers: Matchers, declared: Declared | None) -> tuple[Live, ...]:
        """What each of them shows; asked again, the same.

        Raises:
            TargetError: what a rule names can't be, a library is missing, or a recording can't be read.
        """
        if self._found is None:
            terms = Terms(
                types=self._packs.resources,
                matchers=matchers,
                window=self._window,
                stop=self._stop,
                tellers=_TELLERS // min(_AT_ONCE, max(1, sum(map(_accounts_of, self._rules)))),
                declared=declared,
            )
            self._found = tuple(self._all(terms))
        return self._found

    def _all(self, terms: Terms) -> Iterator[Live]:
        """What each target shows, in the order in which they are named; no more are open than are asked."""
        asked: deque[Future[Live]] = deque()
        with ThreadPoolExecutor(_AT_ONCE) as several:
            for rule, one in self._recorded() if self._replay else self.opened():
                asked.append(several.submit(self._asked, rule, one, terms))
                if len(asked) == _AT_ONCE:
                    yield asked.popleft().result()
            while asked:
                yield asked.popleft().result()

    def _asked(self, rule: TargetRule, one: Driver | Coverage, terms: Terms) -> Live:
        if isinstance(one, Coverage):
            info = TargetInfo(id=f"{rule.kind}:{one.what}", kind=self._provider(rule.kind).kind, uri="", name=one.what)
            live = lost(info, rule.kind, CallError(one.reason, needs=one.needs), terms)
        else:
            self._say(f"asking {one.info.name} ({self._provider(one.provider).title})")
            at = getattr(one, "recorded_at", None)
            live = collect(one, replace(terms, now=at) if at else terms, self._progress)
        if rule.optional or live.listed or live.info.resources or live.stopped:
            return live
        gap = live.coverage[0]
        return replace(live, info=replace(live.info, unread=gap.reason + (f"; needs {gap.needs}" if gap.needs else "")))

    def _recorded(self) -> Iterator[tuple[TargetRule, Driver | Coverage]]:
        from rung.targets.live.recording import SUFFIX, Recording

        if not os.path.isdir(self._replay):
            names = [self._replay]
        else:
            names = sorted(os.path.join(self._replay, name) for name in os.listdir(self._replay) if name.endswith(SUFFIX))
        if not names:
            raise TargetError(f"{self._replay}: holds no recording (a file that ends with {SUFFIX})")
        for name in names:
            recording = Recording(name)
            self._provider(recording.provider)
            yield TargetRule(kind=recording.provider, value=name), recording

    def opened(self) -> Iterator[tuple[TargetRule, Driver | Coverage]]:
        """Each target ready to be asked, with the rule that names it; for one that can't be, what is missing.

        Raises:
            TargetError: as `look`.
        """
        from rung.targets.live.recording import Recorder

        for rule in self._rules:
            for one in self._drivers(rule):
                yield rule, Recorder(one, self._record) if self._record and not isinstance(one, Coverage) else one

    def _drivers(self, rule: TargetRule) -> Iterator[Driver | Coverage]:
        provider = self._provider(rule.kind)
        types = tuple(resource for resource in self._packs.resources if resource.provider == provider.id)
        if provider.protocol == "aws":
            from rung.targets.live.aws import open_accounts

            yield from open_accounts(_login(rule), types, stop=self._stop)
        else:
            yield self._server(provider, rule, types)

    def _server(self, provider: Provider, rule: TargetRule, types: tuple[ResourceType, ...]) -> Driver:
        from rung.targets.live.rest import Address, Server

        settings = dict(rule.settings)
        address = Address(
            url=str(settings.get("url", "")) or ("" if provider.name else rule.value),
            name=rule.value if provider.name else "",
            token=str(settings.get("token_env", "")),
            seconds=float(str(settings.get("timeout", 30))),
        )
        return Server(provider, address, types, stop=self._stop)

    def _provider(self, kind: str) -> Provider:
        for provider in self._packs.providers:
            if provider.id == kind:
                return provider
        known = ", ".join(provider.id for provider in self._packs.providers)
        raise ConfigError(f"`{kind}` is nothing that can be asked; there are {known}")


def _accounts_of(rule: TargetRule) -> int:
    """How many targets a rule names; an organisation has many."""
    roles = rule.settings.get("roles", ())
    return _AT_ONCE if "organization" in rule.settings else max(1, len(roles) if isinstance(roles, (list, tuple)) else 1)


def _login(rule: TargetRule) -> Any:
    from rung.targets.live.aws import Login, Role, regions_of

    settings = dict(rule.settings)
    roles = settings.get("roles", ())
    return Login(
        profile=rule.value,
        regions=regions_of(_texts(settings.get("regions", ()))),
        roles=tuple(
            Role(
                arn=str(role["arn"]),
                external_id=str(role.get("external_id", "")),
                tags=tuple((str(key), str(value)) for key, value in dict(role.get("session_tags", {})).items()),
            )
            for role in (roles if isinstance(roles, (list, tuple)) else ())
        ),
        organization=str(settings.get("organization", "")),
        seconds=float(str(settings.get("timeout", 20))),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)
