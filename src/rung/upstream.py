"""Workflows that run after others, or on events that only others send: where a person starts all of those, nothing starts them by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rung.expressions import regex
from rung.records import Step, Workflow

_SENDING = "peter-evans/repository-dispatch@"
_EVENT = regex(r"event_type[\"']?\s{0,4}[=:]\s{0,4}[\"']?([\w.-]{1,100})")
"""The name of an event in the call that sends it."""


def behind_a_person(workflows: Mapping[str, Sequence[Workflow]]) -> frozenset[tuple[str, int]]:
    """The paths and lines of workflows that have a trigger of their own, and run only after what a person starts.

    Args:
        workflows: by path. What none of them is called or sends comes from elsewhere, and may come by itself.
    """
    senders: dict[str, list[tuple[str, int]]] = defaultdict(list)
    waiting: dict[tuple[str, int], list[tuple[str, ...]]] = {}
    by_hand: set[tuple[str, int]] = set()
    for path, found in workflows.items():
        for workflow in found:
            key = path, workflow.line
            for name in (workflow.name, *(name for job in workflow.jobs for step in job.steps for name in _sent(step))):
                senders[name].append(key)
            kinds = {trigger.kind for trigger in workflow.triggers}
            if "manual" in kinds and "call" not in kinds and not workflow.automatic:
                by_hand.add(key)
            elif workflow.automatic and "call" not in kinds:
                waiting[key] = [trigger.awaits for trigger in workflow.triggers if trigger.automatic]
    new = set(by_hand)
    found_behind: set[tuple[str, int]] = set()
    while new:
        new = {
            key
            for key, awaited in waiting.items()
            if key not in found_behind
            and all(names and all(senders.get(name) and by_hand.issuperset(senders[name]) for name in names) for names in awaited)
        }
        found_behind |= new
        by_hand |= new
    return frozenset(found_behind)


def _sent(step: Step) -> Iterator[str]:
    """The events that a step sends to its own repository."""
    given = dict(step.arguments)
    if step.uses.startswith(_SENDING) and given.get("repository", "${{ github.repository }}").strip("${ }") == "github.repository":
        yield given.get("event-type", "repository-dispatch")
    for command in step.commands:
        if any("/dispatches" in word for word in command.words):
            yield from _EVENT.findall(" ".join(command.words))
