"""What holds a release back: checks before it in its job, and jobs that it waits for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from rung.expressions import regex
from rung.records import Command, Job, Step, Workflow

_REGARDLESS = regex(r"\b(?:always|failure|failed|succeededOrFailed)\s*\(|!\s*cancelled\s*\(")
_ON_FAILURE = regex(r"==\s*[\"']failure[\"']")
_LOOKS_AT_RESULTS = regex(r"\bresults?\b|\bsuccess\b|\bsucceeded\s*\(", re.IGNORECASE)

_SAYING = frozenset((
    "echo", "printf", "cat", "sleep", "date", "true", ":", "test", "[", "[[", "exit", "break", "continue", "return", "set", "export", "read",
    "ls", "pwd", "cd", "mkdir", "touch", "chmod", "tee", "local", "seq",
))  # fmt: skip
"""Programs by which a script says something, waits, and writes down what it said."""
_PREPARING = ("actions/checkout", "actions/setup-", "actions/cache", "actions/upload-artifact", "actions/download-artifact")


class Gates(Struct, frozen=True):
    """Which steps check, which release, and which do neither, as a signal names them."""

    checks: Callable[[str], bool]
    releases: Callable[[str], bool]
    idle: Callable[[str], bool]
    """Steps that check nothing: a job of nothing else holds nothing back."""

    def within(self, job: Job) -> bool:
        """Whether a step of the job that checks, always and with teeth, comes before one that releases and so can stop it."""
        checked = False
        for step in job.steps:
            if step.disabled:
                continue
            for text, toothless in texts_of(step):
                if checked and self.releases(text) and "always()" not in step.condition:
                    return True
                checked = checked or bool(self.checks(text) and not toothless and not step.continue_on_error and not step.condition)
        return False

    def across(self, job: Job, workflow: Workflow) -> bool:
        """Whether the job releases, and a job that it waits for, near or far, has a step that checks and can stop it."""
        releases = any(self.releases(text) for step in job.steps if not step.disabled for text, _ in texts_of(step))
        return releases and any(other is not None and self._checking(other) for other in _waited_for(job, workflow))

    def before(self, job: Job, workflow: Workflow) -> bool:
        """Whether a job that this one waits for, near or far, can stop it.

        One that can't be seen (a job that a template adds, a workflow that is called) may check anything, and counts,
        unless the called workflow's name says that it does something else.
        """
        return any(other is None or not self._is_idle(other) for other in _waited_for(job, workflow))

    def only_idle(self, job: Job) -> bool:
        """Whether all that the job is seen to do, beside preparing itself, is idle."""
        steps = [step for step in job.steps if not step.disabled and not step.uses.startswith(_PREPARING)]
        texts = [job.uses.partition("@")[0]] if job.uses else [text for step in steps for text, _ in texts_of(step)]
        return bool(texts) and all(map(self.idle, texts))

    def _checking(self, job: Job) -> bool:
        if job.uses:
            return self.checks(job.uses.partition("@")[0])
        steps = (step for step in job.steps if not step.disabled and not step.continue_on_error and not step.condition)
        return any(self.checks(text) and not toothless for step in steps for text, toothless in texts_of(step))

    def _is_idle(self, job: Job) -> bool:
        if job.uses or not job.steps:
            return bool(job.uses) and self.idle(job.uses.partition("@")[0])
        steps = (step for step in job.steps if not step.disabled and not step.continue_on_error)
        return all(toothless or self.idle(text) for step in steps for text, toothless in texts_of(step))


def acts(job: Job) -> bool:
    """Whether a job does more than prepare itself and say what it would do; one that can't be seen may."""
    steps = [step for step in job.steps if not step.disabled and not step.uses.startswith(_PREPARING)]
    return not steps or any(step.uses or not step.commands or not all(map(_only_says, step.commands)) for step in steps)


def _only_says(command: Command) -> bool:
    return not command.into and (not command.words or command.words[0] in _SAYING)


def _waited_for(job: Job, workflow: Workflow) -> Iterator[Job | None]:
    """The jobs that one waits for, near or far, and that can stop it; None for one that can't be seen."""
    known = {other.id: other for other in workflow.jobs}
    waiting, seen = [job], {job.id}
    while waiting:
        current = waiting.pop()
        if _runs_anyway(current):
            continue
        for name in current.needs:
            other = known.get(name)
            if other is None:
                yield None
                continue
            if name in seen:
                continue
            seen.add(name)
            waiting.append(other)
            if not other.continue_on_error and not other.disabled:
                yield other


def texts_of(step: Step) -> Iterator[tuple[str, bool]]:
    """What a step uses, with its arguments, and each of its commands; and whether a failure of it is thrown away."""
    if step.uses:
        yield " ".join((step.uses.partition("@")[0], *(f"{key}={value}" for key, value in step.arguments))), False
    for command in step.commands:
        yield " ".join(command.words), command.toothless


def _runs_anyway(job: Job) -> bool:
    """Whether the job runs however those that it waits for ended, and doesn't ask, or asks whether they failed."""
    asked = _ON_FAILURE.sub("", job.condition)
    on_failure = asked != job.condition and "success" not in asked.lower()
    return bool(_REGARDLESS.search(asked)) and (on_failure or not _LOOKS_AT_RESULTS.search(asked))
