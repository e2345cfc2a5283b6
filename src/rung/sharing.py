"""Work that several processes share; what comes of it does not depend on how many they are."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkContext

S = TypeVar("S")
T = TypeVar("T")
Tell = Callable[[int], None]
"""Called with how much of a share is done."""
Progress = Callable[[int, int], None]
"""Called with how much is done, and of how much."""
Work = Callable[[S, Tell], T]


def processes(most: int) -> int:
    """How many processes share work that `most` could: each has its own memory, so there are few."""
    return max(1, min(os.cpu_count() or 1, 4, most)) if hasattr(os, "fork") else 1


def shared(work: Work[S, T], shares: Sequence[S], tell: Tell) -> Iterator[T]:
    """What comes of the work on each share, in order.

    The first is worked on here, each other in a fork of this process, which hands back what can be pickled. What a fork fails at
    is done here after all, so that it is here that an error is raised.

    Args:
        work: what is to be done.
        shares: what to do it on.
        tell: hears how much of all shares together is done.
    """
    import multiprocessing

    context = multiprocessing.get_context("fork")
    helpers = [_Helper(context, work, share) for share in shares[1:]]
    own = 0

    def told(done: int) -> None:
        nonlocal own
        own = done
        for helper in helpers:
            while helper.is_awaited and helper.has_more():
                helper.hear()
        tell(own + sum(helper.done for helper in helpers))

    try:
        yield work(shares[0], told)
        for share, helper in zip(shares[1:], helpers, strict=True):
            while helper.is_awaited:
                helper.hear()
                told(own)
            yield from helper.results or [work(share, lambda _: None)]
    finally:
        for helper in helpers:
            helper.end()


class _Helper(Generic[S, T]):
    """A fork that works on one share."""

    def __init__(self, context: ForkContext, work: Work[S, T], share: S) -> None:
        self._ear, mouth = context.Pipe(duplex=False)
        self._process = context.Process(target=_help, args=(self._ear, mouth, work, share))
        self._process.start()
        mouth.close()  # So that it is closed when the fork ends.
        self.results: list[T] = []
        """What came of it, once it is done; nothing where the fork failed."""
        self.is_awaited = True
        self.done = 0

    def has_more(self) -> bool:
        """Whether the fork has said something that was not heard."""
        return self._ear.poll()

    def hear(self) -> None:
        """Wait for what the fork says next."""
        try:
            said = self._ear.recv()
        except (EOFError, OSError):
            self.is_awaited = False
            return
        if isinstance(said, int):
            self.done = said
        else:
            self.results, self.is_awaited = said, False

    def end(self) -> None:
        """End the fork, which notices that nobody listens when it next tells something."""
        self._ear.close()
        self._process.join()


def _help(ear: Connection, mouth: Connection, work: Work[S, T], share: S) -> None:
    ear.close()
    gc.freeze()
    with mouth, suppress(Exception, KeyboardInterrupt):
        mouth.send([work(share, mouth.send)])
