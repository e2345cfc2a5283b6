"""Detector packs → records.

What a matcher's arguments mean is not known here: `asking` reads them when `matchers.Matchers` compiles the signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from rung.packs.fields import Fields, called
from rung.records import Detector, Follow, PackError, Role, Signal, Start, Strength

DEFAULT_ROLES = (Role.SOURCE, Role.NOTEBOOK, Role.TEMPLATE)
"""Where a match proves its full strength unless the signal says otherwise."""
MATCHERS = (
    "file", "dependency", "import", "call", "gate", "literal", "test", "config", "step", "command", "workflow", "image", "chart", "resource", "api", "text",
)  # fmt: skip
"""The closed set of ways a signal matches facts."""
TRIGGERS = ("schedule", "event", "push", "service", "controller")
"""What can start a thing without a person, outside of continuous integration."""
RUNS = ("shell", "file", "module", "image", "build", "glob", "folder", "resource")
"""What the arguments of a start can name."""


def detector_of(file: str, pack: Mapping[str, Any], among_tests: AbstractSet[str] = frozenset()) -> Detector:
    """A detector pack (`schema: detector/1`) as a record.

    Args:
        file: its name, which messages begin with.
        pack: what the file holds.
        among_tests: the capabilities that a command proves among tests too.

    Raises:
        PackError: the pack is wrong; the message names the file and the key.
    """
    given = Fields(file, pack, required=("schema", "id", "title", "homepage"), optional=("signals", "starts"))
    if not ("signals" in given or "starts" in given):
        raise PackError(f"{file}: a pack has `signals`, `starts`, or both")
    given.schema("detector/1")
    stem = file.rsplit(".", 1)[0]
    if pack["id"] != stem:
        raise PackError(f"{file}: id `{pack['id']}` must equal the file's name `{stem}`")
    signals: list[Signal] = []
    for raw in given.items("signals"):
        signal = _signal(f"{file}: signals[{len(signals)}]", raw, among_tests)
        if any(signal.id == other.id for other in signals):
            raise PackError(f"{file}: signal `{signal.id}` is there twice; ids are unique in a pack")
        signals.append(signal)
    starts: list[Start] = []
    for raw in given.items("starts"):
        start = _start(f"{file}: starts[{len(starts)}]", raw)
        if any(start.id == other.id for other in starts):
            raise PackError(f"{file}: start `{start.id}` is there twice; ids are unique in a pack")
        starts.append(start)
    return Detector(id=stem, **given.texts("title", "homepage"), signals=tuple(signals), starts=tuple(starts))


def _signal(where: str, raw: object, among_tests: AbstractSet[str]) -> Signal:
    optional = ("where", "given", "publishes", "at_most", "dead_end")
    given = Fields(f"{where} {called(raw)}", raw, required=("id", "capability", "strength", "match"), optional=optional)
    matcher, arguments = _match(given)
    strength = given.strength("strength")
    capability = given.text("capability")
    if strength == Strength.ABSENT or (strength == Strength.OPERATING and matcher != "api"):
        raise PackError(f"{given.where}: strength `{strength.label}` can't be given by a file; use declared, implemented or automated")
    return Signal(
        id=given.text("id"),
        capability=capability,
        strength=strength,
        matcher=matcher,
        arguments=arguments,
        where=_roles(given, (*DEFAULT_ROLES, Role.TEST) if matcher == "command" and capability in among_tests else DEFAULT_ROLES),
        given=given.names("given"),
        publishes=given.flag("publishes"),
        at_most=given.strength("at_most") if "at_most" in given else Strength.OPERATING,
        dead_end=_follow(given) if "dead_end" in given else None,
    )


def _follow(signal: Fields) -> Follow:
    given = signal.within("dead_end", required=("kind", "what", "remediation"), optional=("unless",))
    return Follow(**given.texts("kind", "what", "remediation"), unless=given.names("unless"))


def _start(where: str, raw: object) -> Start:
    given = Fields(f"{where} {called(raw)}", raw, required=("id", "match"), optional=("where", "trigger", "runs", "tasks", "named"))
    if not any(key in given for key in ("trigger", "runs", "tasks")):
        raise PackError(f"{given.where}: says neither what triggers it (`trigger`) nor what it starts (`runs`, `tasks`)")
    runs = given.within("runs", optional=RUNS)
    what: dict[str, Any] = {key: runs.names(key) for key in runs.raw}
    matcher, arguments = _match(given)
    return Start(
        id=given.text("id"),
        matcher=matcher,
        arguments=arguments,
        where=_roles(given, (Role.SOURCE, Role.NOTEBOOK)),
        trigger=given.one_of("trigger", TRIGGERS) if "trigger" in given else "",
        tasks=given.text("tasks"),
        named=given.flag("named"),
        **what,
    )


def _match(given: Fields) -> tuple[str, dict[str, object]]:
    """The matcher's name, and its arguments."""
    match = given.raw["match"]
    if not isinstance(match, dict) or len(match) != 1:
        raise PackError(f"{given.where}: `match` has exactly one key, the matcher; two ways to see a thing are two signals")
    matcher, arguments = next(iter(match.items()))
    if matcher not in MATCHERS:
        raise PackError(f"{given.where}: matcher `{matcher}` is none of {', '.join(MATCHERS)}")
    return str(matcher), arguments if isinstance(arguments, dict) else {"any": arguments}


def _roles(given: Fields, default: tuple[Role, ...]) -> tuple[Role, ...]:
    try:
        return tuple(map(Role, given.names("where"))) or default
    except ValueError as error:
        raise PackError(f"{given.where}: where: {error}; roles are {', '.join(role.value for role in Role)}") from error
