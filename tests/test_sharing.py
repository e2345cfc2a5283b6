from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from rung.sharing import processes, shared

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is shared where processes can't be forked")


def squares(share: list[int], tell: Callable[[int], None]) -> list[tuple[int, int]]:
    """The squares of numbers, with the process that worked them out."""
    found = []
    for done, number in enumerate(share, 1):
        found.append((number * number, os.getpid()))
        tell(done)
    return found


def test_each_share_is_worked_on_in_a_process_of_its_own_and_given_in_order() -> None:
    told: list[int] = []
    found = list(shared(squares, [[1, 2], [3], [4, 5, 6]], told.append))
    assert [[square for square, _ in share] for share in found] == [[1, 4], [9], [16, 25, 36]]
    workers = [{process for _, process in share} for share in found]
    assert workers[0] == {os.getpid()}
    assert [len(own) for own in workers] == [1, 1, 1]
    assert len(set.union(*workers)) == 3
    assert told == sorted(told)
    assert told[-1] == 6


def test_what_a_process_dies_of_is_done_here() -> None:
    here = os.getpid()

    def work(share: str, _: Callable[[int], None]) -> tuple[str, int]:
        if share == "deadly" and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return share, os.getpid()

    found = list(shared(work, ["first", "deadly", "last"], lambda _: None))
    assert [share for share, _ in found] == ["first", "deadly", "last"]
    assert [process == here for _, process in found] == [True, True, False]


def test_an_error_is_raised_here(capfd: pytest.CaptureFixture[str]) -> None:
    def work(share: int, _: Callable[[int], None]) -> float:
        return 1 / share

    with pytest.raises(ZeroDivisionError):
        list(shared(work, [1, 0], lambda _: None))
    assert capfd.readouterr() == ("", "")


def test_a_process_whose_work_nobody_waits_for_ends() -> None:
    here = os.getpid()

    def work(_: int, tell: Callable[[int], None]) -> int:
        if os.getpid() == here:
            raise ValueError("enough")
        while True:
            tell(1)

    with pytest.raises(ValueError, match="enough"):
        list(shared(work, [1, 2], lambda _: None))


def test_there_are_as_many_processes_as_the_work_and_the_machine_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert [processes(most) for most in (0, 1, 2, 9)] == [1, 1, 2, 2]
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert processes(9) == 1
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert processes(9) == 4
