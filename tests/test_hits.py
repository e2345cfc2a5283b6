"""What a file keeps of its matches stands for the same matches afterwards."""

from __future__ import annotations

from msgspec.structs import replace

from rung.hits import Match, Owned, joined, match_of, settled
from rung.records import Call, Command, Fact, Import, Resource, Setting, Signal, SourceFile, Start, Strength, Task

SIGNAL = Owned("d/s", "d", "D", Signal(id="s", capability="code.ci", strength=Strength.IMPLEMENTED, matcher="call", arguments={}, where=()))
START = Owned("d/starts/t", "d", "D", SIGNAL.signal, Start(id="t", trigger="", matcher="call", arguments={}, where=()))
TASK = Task(line=4, kind="make", name="all", commands=(Command(line=5, words=("a",)), Command(line=6, words=("b",))))


def read(*facts: Fact, matches: tuple[Match, ...]) -> SourceFile:
    return settled(SourceFile(path="a", size=1, facts=facts), matches)


def test_a_start_keeps_the_fact_that_it_matched_and_others_go() -> None:
    call, other = Call(line=1, name="run"), Call(line=2, name="log")
    file = read(other, call, Setting(line=3, key="k", value="v"), matches=(Match(START, 1, call), Match(SIGNAL, 2, other)))

    assert file.facts == (call,)
    assert [match_of(hit, START, file.facts).fact for hit in file.hits if hit.fact >= 0] == [call]


def test_a_match_in_a_task_is_that_of_the_same_command() -> None:
    file = read(Import(line=1, module="a"), TASK, matches=(Match(SIGNAL, 6, TASK.commands[1], task=TASK, toothless=True),))

    match = match_of(file.hits[0], SIGNAL, file.facts)
    assert (match.task, match.fact, match.toothless) == (TASK, TASK.commands[1], True)


def test_what_another_reading_of_a_file_matched_still_names_its_own_facts() -> None:
    first, second = Call(line=1, name="a"), Call(line=2, name="b")
    both = joined(read(first, matches=(Match(START, 1, first),)), read(second, TASK, matches=(Match(START, 2, second),)))

    assert [match_of(hit, START, both.facts).fact for hit in both.hits] == [first, second]


def test_another_reading_that_finds_nothing_forgets_what_the_first_matched() -> None:
    call = Call(line=1, name="run")
    first = read(call, matches=(Match(START, 1, call),))

    assert first.hits
    assert settled(replace(first, facts=()), ()) == read(matches=())


def test_alike_matches_are_one_hit_that_counts_them_on_the_first_line() -> None:
    calls = tuple(Call(line=line, name="log") for line in (3, 1, 2))
    file = read(*calls, matches=tuple(Match(SIGNAL, call.line, call) for call in calls))

    assert [(hit.line, hit.number) for hit in file.hits] == [(1, 3)]


def test_a_resource_that_nothing_starts_keeps_its_name_only() -> None:
    bucket = Resource(line=1, dialect="terraform", type="aws_s3_bucket", name="data", attributes=(("acl", "private"),))

    assert read(bucket, matches=()).facts == (Resource(line=1, dialect="terraform", type="aws_s3_bucket", name="data"),)
