"""What the arguments of each matcher mean, as packs write them; whatever is not understood is refused.

Each function reads the arguments of one signal and gives what a fact is looked up by, and what is then asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rung.gates import Gates, acts, texts_of
from rung.globs import compile_globs
from rung.hits import Owned
from rung.needles import Needles
from rung.patterns import CallPattern, CommandPattern, TextPattern
from rung.records import Job, Workflow
from rung.wildcards import Condition, any_glob, folded

Conditions = tuple[tuple[str, Condition], ...]


FileAsked = tuple[Owned, Condition, Mapping[str, Any]]


class Wanted(NamedTuple):
    """What a signal asks of a resource, but for its type."""

    is_dialect: Condition
    attributes: tuple[tuple[str, Condition], ...]
    without: tuple[str, ...]
    owned: Owned
    whole: bool = False
    """The keys of the attributes are whole, and not the ends of others."""


class StepAsked(NamedTuple):
    """What a signal asks of a step beside what it uses."""

    arguments: Conditions
    without: tuple[str, ...]
    owned: Owned


LIVE = "live"
"""The dialect of a resource that is there, and not declared."""
DECLARED = "declared"
"""Stands for all dialects of files."""
ECOSYSTEMS = ("pypi", "npm", "conda", "cran", "julia", "maven", "go", "cargo", "gem")


class Arguments:
    """The arguments of one signal's matcher; whatever is not taken is an unknown key."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._left = dict(given)

    def take(self, key: str) -> Any:
        """Takes what is given for a key, None when it is left out."""
        return self._left.pop(key, None)

    def texts(self, *keys: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Takes the texts given for the first of the keys; raises ValueError when none is given and there is no default."""
        for key in keys:
            if key in self._left:
                return _texts(self._left.pop(key))
        if default is None:
            raise ValueError(f"needs {' or '.join(f'`{key}`' for key in keys)}, or a plain list")
        return default

    def optional(self, key: str) -> tuple[str, ...]:
        """Takes the texts given for a key, none when it is left out."""
        return self.texts(key, default=())

    def conditions(self, key: str, *, fold: bool = False) -> tuple[tuple[str, Condition], ...]:
        """Takes a mapping of names to what their values must be; raises ValueError when it is none."""
        raw = self._left.pop(key, None) or {}
        if not isinstance(raw, dict):
            raise ValueError(f"`{key}` is a mapping of key to glob")  # noqa: TRY004 - the value in the pack is wrong
        return tuple((folded(str(name)) if fold else str(name), any_glob(_texts(value))) for name, value in raw.items())

    def done(self) -> None:
        """Raises ValueError when something was not taken."""
        if self._left:
            raise ValueError(f"unknown key `{next(iter(self._left))}`")


def file(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], FileAsked]]:
    """Globs of paths, with what else is asked of a file."""
    patterns = given.texts("any", "path")
    options = {key: given.take(key) for key in ("min_size", "max_size", "lfs")}
    yield patterns, (owned, compile_globs(given.optional("exclude")), options)


def dependency(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, str], Owned]]:
    """Ecosystem and name of packages."""
    for name in given.texts("any"):
        ecosystem, _, package = name.partition(":") if name.split(":")[0] in ECOSYSTEMS else ("", "", name)
        for system in (ecosystem,) if ecosystem else ("pypi", "conda"):
            yield (system, package.lower()), owned


def call(owned: Owned, given: Arguments) -> Iterator[tuple[CallPattern, Owned]]:
    """Patterns of calls."""
    _place(given)
    for text in given.texts("any"):
        pattern = CallPattern(text)
        if "*" in pattern.last and "*" in pattern.root:
            raise ValueError(f"`{text}` names neither the first nor the last part of the call")
        yield pattern, owned
    given.optional("file"), given.optional("beside"), given.optional("behind"), given.optional("apart")


def anything(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], Owned]]:
    """Globs, for a matcher that asks for nothing else."""
    yield given.texts("any"), owned


def test(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], tuple[tuple[str, ...], Owned]]]:
    """Globs of files, with globs of the tests' names."""
    yield given.texts("file", default=("*",)), (given.texts("any", "name", default=("*",)), owned)


def setting(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], tuple[tuple[str, ...], Condition, Owned]]]:
    """Globs of files, with globs of keys and what a value must be; what no key may be is asked of the whole file."""
    given.optional("without")
    keys, values = given.texts("key", default=("*",)), given.texts("value", default=("*",))
    yield given.texts("file"), (keys, any_glob(values), owned)


def step(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], StepAsked]]:
    """Globs of what a step uses, with what its arguments must be and which it must not have."""
    given.optional("trigger")
    yield given.texts("any", "uses"), StepAsked(given.conditions("with"), given.optional("without"), owned)


def command(owned: Owned, given: Arguments) -> Iterator[tuple[CommandPattern, Owned]]:
    """Patterns of commands."""
    for narrowing in ("trigger", "without", "apart"):
        given.optional(narrowing)
    _place(given)
    for text in given.texts("any", "run"):
        yield CommandPattern(text), owned


def workflow(owned: Owned, given: Arguments) -> Iterator[tuple[Callable[[Workflow], Iterator[int]], Owned]]:
    """The lines of a workflow on which what a signal asks for is, and the signal."""
    systems, kinds = given.texts("any", "system", default=("*",)), given.texts("trigger", default=())
    is_tag = any_glob(given.texts("tag", default=("*",)))
    environment, names = given.texts("environment", default=()), given.texts("job", default=())
    acting = given.take("acts")
    needs, permissions = given.take("needs"), given.texts("permissions", default=())
    first, then = given.texts("first", default=()), given.texts("then", default=())
    idle, conditions = given.texts("idle", default=()), given.texts("condition", default=())
    others = given.texts("apart", default=())
    apart = any_glob(others) if others else None
    if bool(first) != bool(then):
        raise ValueError(
            "needs `first` (steps that check) and `then` (later steps of the job, or of one that waits for it, that they hold back) together"
        )
    if idle and (first or (not needs and (names or environment or conditions))):
        raise ValueError(
            "`idle` (steps that check nothing) goes with `needs: true` and without `first`, or with nothing that is asked of a job"
        )
    is_system = any_glob(systems)
    is_environment = any_glob(environment) if environment else None
    is_permission = any_glob(permissions) if permissions else None
    is_job = any_glob(names) if names else None
    is_condition = any_glob(conditions) if conditions else None
    gates = Gates(checks=any_glob(first), releases=any_glob(then), idle=any_glob(idle) if idle else lambda _: False)

    def lines(workflow: Workflow) -> Iterator[int]:
        if not is_system(workflow.system) or (is_permission and not is_permission(workflow.permissions)):
            return
        triggers = [
            trigger.line
            for trigger in workflow.triggers
            if (not kinds or trigger.kind in kinds)
            and (trigger.kind != "tag" or not trigger.branches or any(map(is_tag, trigger.branches)))
        ]
        if kinds and not triggers:
            return
        if is_environment is None and is_job is None and is_condition is None and not needs and not first:
            if idle and workflow.jobs and all(map(gates.only_idle, workflow.jobs)):
                return
            yield triggers[0] if triggers else workflow.line
            return
        for job in workflow.jobs:
            if is_environment and not is_environment(job.environment):
                continue
            if is_condition and not is_condition(job.condition):
                continue
            if acting and not acts(job):
                continue
            if apart and any(apart(text) for text in _done_for(job, workflow, is_job)):
                continue
            if first and not (gates.across(job, workflow) if needs else gates.within(job)):
                continue
            if (is_job is None or is_job(job.id) or is_job(job.name)) and (not needs or first or gates.before(job, workflow)):
                yield job.line

    yield lines, owned


def _done_for(job: Job, workflow: Workflow, is_job: Condition | None) -> Iterator[str]:
    """What the steps of a job say, and those of the jobs of the kind that it waits for."""
    for one in workflow.jobs:
        if one is job or (is_job and one.id in job.needs and (is_job(one.id) or is_job(one.name))):
            yield from (text for step in one.steps for text, _ in texts_of(step))


def image(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], tuple[Condition, Owned]]]:
    """Globs of names, with what the image must be used for."""
    names, uses = given.texts("any", "name"), given.texts("use", default=("*",))
    yield (*names, *(f"*/{name}" for name in names if "/" not in name)), (any_glob(uses), owned)


def chart(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], Owned]]:
    """Globs of the names of charts, in lower case and without their repository."""
    names = given.texts("any", "name")
    if wrong := next((name for name in names if "/" in name or name != name.lower()), ""):
        raise ValueError(f"`{wrong}`: a chart is named in lower case, without its repository")
    yield names, owned


def resource(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], Wanted]]:
    """Globs of types, with what else is asked of a resource, be it declared or live."""
    dialects = given.texts("dialect", default=("*",))
    is_dialect = _is_declared if dialects == (DECLARED,) else any_glob(dialects)
    yield given.texts("any", "type"), Wanted(is_dialect, *_asked(given), owned)


def api(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], Wanted]]:
    """Globs of types, with what else is asked of a live resource, whose attributes are known by their whole keys."""
    yield given.texts("any", "type"), Wanted(_is_live, *_asked(given), owned, whole=True)


def asked_of(where: Mapping[str, tuple[str, ...]], without: tuple[str, ...]) -> tuple[Conditions, tuple[str, ...]]:
    """What must be, and what must not be, among a resource's attributes, of names with globs and of names."""
    return tuple((folded(name), any_glob(globs)) for name, globs in where.items()), tuple(map(folded, without))


def _asked(given: Arguments) -> tuple[Conditions, tuple[str, ...]]:
    return given.conditions("where", fold=True), tuple(map(folded, given.optional("without")))


def _is_live(dialect: str) -> bool:
    return dialect == LIVE


def _is_declared(dialect: str) -> bool:
    return dialect != LIVE


def text(owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], tuple[TextPattern, Owned]]]:
    """Globs of files, with the pattern; which of them are left out is asked of the path."""
    _place(given)
    given.optional("exclude")
    files, pattern, example, without = given.texts("file"), given.take("pattern"), given.take("example"), given.take("without") or ""
    if not isinstance(pattern, str) or not isinstance(example, str) or not isinstance(without, str):
        raise ValueError(  # noqa: TRY004 - the value in the pack is wrong
            "needs `pattern` (a regular expression) and `example` (a line that it matches); `without` is a regular expression, or left out"
        )
    yield files, (TextPattern(pattern, example, without), owned)


def needles(owned: Owned, given: Arguments) -> Iterator[tuple[str, Needles]]:
    """A pattern of text, with what a text must hold for it to match."""
    for _, (pattern, _) in text(owned, given):
        yield pattern.pattern, pattern.checked_needles()


def _place(given: Arguments) -> None:
    """Takes where a match counts: everywhere, or only where continuous integration or a schedule runs it."""
    if given.take("in") not in (None, "ci", "schedule"):
        raise ValueError("`in` is `ci`, `schedule` or left out")


def _texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, bool):
        return ("true" if raw else "false",)
    if isinstance(raw, (str, int, float)):
        return (str(raw),)
    if isinstance(raw, list) and raw and all(isinstance(item, (str, int, float)) for item in raw):
        return tuple("true" if item is True else "false" if item is False else str(item) for item in raw)
    raise ValueError("expected a text or a list of texts")
