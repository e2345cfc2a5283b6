"""What narrows signals down beyond their patterns, and what facts say to all of them alike."""

from __future__ import annotations

from functools import cached_property
from itertools import chain

from rung.asking import Arguments
from rung.expressions import regex
from rung.gates import texts_of
from rung.globs import compile_globs
from rung.hits import Owned
from rung.records import Call, Command, Job, Resource
from rung.wildcards import Condition, any_glob

_STATE = regex(r"(?:^|[\W_])(?:tf|terraform|tofu|pulumi)[\W_]?(?:remote[\W_]?|backend[\W_]?)?(?:state|lock|backend)")
"""What stores are called that keep what the code of the infrastructure remembers."""
_NAMING = frozenset({"bucket", "bucket_name", "table_name", "storage_account_name", "storage_account_id", "name"})
_SAID_ONLY = frozenset({"print", "importlib.import_module", "importlib.util.find_spec"})
"""Calls that a program written in a command makes to see whether something is there."""
_RUNNING = frozenset({"run", "system", "call", "check_call", "check_output", "Popen", "run_path", "run_module", "main"})
"""Calls whose arguments are what they run."""

_QUESTIONS = frozenset({"--version", "--help", "-V"})
_ALONE = 2
"""Words of a command that says nothing but its program and an option."""


class Narrowing:
    """What must or must not be beside a match of one signal or start for it to count."""

    def __init__(self, owned: Owned) -> None:
        self._matcher = owned.signal.matcher
        self._given = Arguments(owned.signal.arguments)

    @cached_property
    def is_place(self) -> Condition:
        """Which files a call counts in."""
        return compile_globs(files) if (files := self._given.optional("file")) else lambda _: True

    @cached_property
    def beside(self) -> tuple[str, ...]:
        """The modules one of which the file of a call must import."""
        return self._given.optional("beside")

    @cached_property
    def apart(self) -> tuple[str, ...]:
        """The modules none of which the file of a call may import."""
        return self._given.optional("apart") if self._matcher == "call" else ()

    @cached_property
    def triggers(self) -> frozenset[str]:
        """The triggers one of which a workflow must have for a step or command in it to count; nothing when all do."""
        return frozenset(self._given.optional("trigger")) if self._matcher in ("step", "command") else frozenset()

    @cached_property
    def left_out(self) -> Condition:
        """Which of the files that its globs name a text signal does not look into."""
        return compile_globs(self._given.optional("exclude"))

    @cached_property
    def without(self) -> Condition | None:
        """What no key of a file may be for a configuration signal, and no word of a command or end of its pipe for one of commands."""
        globs = self._given.optional("without")
        return any_glob(globs) if globs else None

    def spares(self, command: Command) -> bool:
        """Whether a command says what it must not."""
        without = self.without
        return without is not None and any(map(without, (*command.words, f"|{command.into}")))

    def spares_job(self, job: Job) -> bool:
        """Whether a step or command of a job is one that the job of a command must not have."""
        apart = self._without_beside
        return apart is not None and any(apart(text) for step in job.steps for text, _ in texts_of(step))

    @cached_property
    def _without_beside(self) -> Condition | None:
        globs = self._given.optional("apart") if self._matcher == "command" else ()
        return any_glob(globs) if globs else None


def words_of(command: Command) -> tuple[str, ...]:
    """The words of a command; for the Python that is written in it those that tell what it does: what is called, and what is run by that.

    What it only imports, prints or looks for is named by it, and not done.
    """
    if not command.code or "-c" not in command.words[1:-1]:
        return command.words
    at = command.words.index("-c") + 1
    calls = (fact for fact in command.code if isinstance(fact, Call) and fact.kind == "call" and fact.name not in _SAID_ONLY)
    done = ((call.name, *(call.arguments if call.name.rpartition(".")[2] in _RUNNING else ())) for call in calls)
    return (*command.words[:at], " ".join(chain.from_iterable(done)), *command.words[at + 1 :])


def is_question(command: Command) -> bool:
    """Whether a command only asks a program for its version or how it is used, and lets it do nothing: `pytest --version`."""
    return len(command.words) == _ALONE and command.words[-1] in _QUESTIONS


def holds_state(resource: Resource) -> bool:
    """Whether a store is for what the code of the infrastructure remembers, and holds no data of the system."""
    named = (resource.name, *(value for key, value in resource.attributes if key in _NAMING))
    return any(_STATE.search(name.lower()) for name in named)
