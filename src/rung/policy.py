"""What of a configuration is in force for one system on one day, and what became of each attestation and waiver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from rung.globs import compile_globs
from rung.records import LEFT_OUT, OTHER_SYSTEM, Annotation, Config, Force, FrameworkResult, Policy, Scope, SourceFile, Status, SystemRule


def in_force(config: Config, system: str, today: str) -> Mapping[str, Annotation]:
    """The attestations and waivers of a system that are not expired on the day (as in 2027-03-01), by criterion."""
    return {item.criterion: item for item in _own(config, system) if item.expires >= today}


def policy_of(config: Config, system: str, today: str, results: Sequence[FrameworkResult]) -> Policy | None:
    """How the results went by the configuration; None where there is none."""
    if config == Config():
        return None
    statuses = {criterion.id: criterion.status for result in results for dimension in result.dimensions for criterion in dimension.criteria}
    used = tuple((item, _force(item, statuses.get(item.criterion), today)) for item in _own(config, system))
    return Policy(source=config.source, annotations=used, notes=config.notes, mistake=config.mistake)


def without_excuses(config: Config) -> Config:
    """The configuration without what could excuse a change: its attestations, waivers and gate."""
    return replace(config, annotations=(), under=(), no_regression=False)


def within(scope: Scope) -> Callable[[str], bool]:
    """A question `does this path belong to the scope?`; a glob that names a folder means all below it too."""
    if scope == Scope():
        return lambda _: True
    inside, outside = compile_globs(_below(scope.inside)), compile_globs(_below(scope.outside))
    return lambda path: (not scope.inside or inside(path)) and not outside(path)


def systems_of(files: Sequence[SourceFile], config: Config) -> Iterator[tuple[str, Sequence[SourceFile]]]:
    """Each system's name with all files, those that are not its own marked by the reason; no name where there is no split.

    A file that no system's `in` names is part of all.
    """
    belongs = within(config.scope)
    named = [(rule, within(replace(rule.scope, outside=()))) for rule in config.systems]
    for rule, inside in named or ((SystemRule(name="", scope=Scope()), lambda _: True),):
        others = [other for another, other in named if another is not rule]
        owned = within(rule.scope)
        marked = []
        for file in files:
            reason = ""
            if not belongs(file.path) or (inside(file.path) and not owned(file.path)):
                reason = LEFT_OUT
            elif not inside(file.path) and any(other(file.path) for other in others):
                reason = OTHER_SYSTEM
            marked.append(replace(file, unread=reason, facts=(), hits=()) if reason else file)
        yield rule.name, marked


def _below(globs: Sequence[str]) -> tuple[str, ...]:
    return tuple(form for glob in globs for form in (glob, f"{glob.rstrip('/')}/**"))


def _own(config: Config, system: str) -> tuple[Annotation, ...]:
    return tuple(item for item in config.annotations if item.system in ("", system))


def _force(item: Annotation, status: Status | None, today: str) -> Force:
    if item.expires < today:
        return Force.EXPIRED
    if status in (None, Status.NOT_APPLICABLE):
        return Force.NOT_APPLICABLE
    return Force.IN_FORCE if status is item.status else Force.NOT_NEEDED
