"""The collecting of what is live: what use proves, what could not be asked, and where it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from msgspec.structs import replace

from rung.collect import MOST_TOLD, Live, Terms, collect
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.packs.detectors import detector_of
from rung.packs.resources import resources_of
from rung.records import Coverage, Packs, Strength, TargetInfo
from rung.targets.live.driver import CallError
from rung.targets.live.recording import Recording

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HEAD = {"schema": "rung/recording/1", "provider": "demo", "name": "one", "recorded_at": NOW.isoformat(), "regions": ["north", "south"]}
RESOURCES: dict[str, Any] = {
    "schema": "resources/1",
    "provider": "demo",
    "live": {"title": "Demo account", "kind": "account", "protocol": "aws"},
    "types": [
        {
            "type": "Demo::Pipeline",
            "terraform": ["demo_pipeline"],
            "live": {
                "list": "demo:ListPipelines",
                "items": "Pipelines",
                "name": "Name",
                "at": ["Runs.Started"],
                "details": [
                    {
                        "call": "demo:ListRuns",
                        "with": {"Pipeline": "{Name}"},
                        "take": "Runs",
                        "into": "Runs",
                        "absent": ["NoRuns", "Gone *nothing*"],
                    }
                ],
                "dead_ends": [{"id": "never-ran", "without": ["Runs.Started"], "what": "it never ran", "remediation": "run it"}],
            },
        },
        {
            "type": "Demo::Step",
            "live": {
                "list": "demo:ListSteps",
                "each": "Demo::Pipeline",
                "with": {"Of": "{Name}"},
                "items": "Steps",
                "name": "{Name}/{value}",
            },
        },
        {"type": "Demo::Store", "live": {"list": "demo:ListStores", "items": "Stores[].Names", "name": "value", "global": True}},
    ],
}
SIGNALS: dict[str, Any] = {
    "schema": "detector/1",
    "id": "demo",
    "title": "Demo",
    "homepage": "https://example.com",
    "signals": [
        {"id": "runs", "capability": "model.pipeline", "strength": "operating", "match": {"api": ["Demo::Pipeline"]}},
        {"id": "declared", "capability": "model.platform", "strength": "declared", "match": {"resource": ["Demo::Pipeline"]}},
        {"id": "provisioned", "capability": "model.registry", "strength": "implemented", "match": {"resource": ["Demo::Store"]}},
        {
            "id": "in-code",
            "capability": "code.iac",
            "strength": "automated",
            "match": {"resource": {"type": ["Demo::Store"], "dialect": ["declared"]}},
        },
        {"id": "steps", "capability": "model.testing", "strength": "operating", "match": {"api": ["Demo::Step"]}},
        {
            "id": "unguarded",
            "capability": "model.drift",
            "strength": "operating",
            "match": {"api": {"type": ["Demo::Pipeline"], "without": ["Runs.Failed"]}},
        },
    ],
}


@pytest.fixture(scope="module")
def packs() -> Packs:
    return replace(
        load_packs(),
        detectors=(detector_of("demo.yaml", SIGNALS),),
        resources=resources_of("demo.yaml", RESOURCES),
        digest="",
        providers=(),
    )


@pytest.fixture(scope="module")
def terms(packs: Packs) -> Terms:
    return Terms(types=packs.resources, matchers=Matchers(packs), now=NOW)


def recorded(folder: Path, *answers: Mapping[str, Any], **head: Any) -> Recording:
    path = folder / "demo.recording.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in ({**HEAD, "otherwise": "empty", **head}, *answers)))
    return Recording(str(path))


def listed(*names: str, region: str = "north") -> dict[str, Any]:
    return {"call": "demo:ListPipelines", "region": region, "answer": {"Pipelines": [{"Name": name} for name in names]}}


def ran(name: str, *times: str) -> dict[str, Any]:
    runs = [{"Started": time} for time in times]
    return {"call": "demo:ListRuns", "region": "north", "with": {"Pipeline": name}, "answer": {"Runs": runs}}


def refused(call: str, code: str = "AccessDeniedException", **more: Any) -> dict[str, Any]:
    return {"call": call, "error": {"code": code}, **more}


def proved(live: Live, signal: str) -> dict[str, tuple[Strength, str]]:
    return {item.location.resource.split("/", 1)[1]: (item.strength, item.note) for item in live.evidence if item.signal == signal}


def gaps(live: Live) -> list[Coverage]:
    return [entry for entry in live.coverage if not entry.searched]


def test_use_within_the_window_is_operating_older_use_automated_with_its_date_and_none_implemented(tmp_path: Path, terms: Terms) -> None:
    answers = (
        listed("fresh", "stale", "idle"),
        ran("fresh", "2025-01-01T00:00:00+00:00", "2026-10-20T08:00:00+00:00"),
        ran("stale", "2026-05-01T08:00:00+00:00"),
    )
    found = proved(collect(recorded(tmp_path, *answers), terms), "runs")

    assert found == {
        "fresh": (Strength.OPERATING, ""),
        "stale": (Strength.AUTOMATED, "last used 2026-05-01"),
        "idle": (Strength.IMPLEMENTED, "never used"),
    }


def test_what_has_no_time_of_use_operates_by_being_there_and_a_declaration_stays_one(tmp_path: Path, terms: Terms) -> None:
    answers = (listed("one"), {"call": "demo:ListStores", "region": "north", "answer": {"Stores": [{"Names": ["a"]}, {"Names": ["b"]}]}})
    live = collect(recorded(tmp_path, *answers), terms)

    assert proved(live, "provisioned") == {"a": (Strength.OPERATING, ""), "b": (Strength.OPERATING, "")}
    assert proved(live, "declared") == {"one": (Strength.DECLARED, "")}
    assert proved(live, "in-code") == {}


def test_what_belongs_to_no_region_is_asked_for_once(tmp_path: Path, terms: Terms) -> None:
    stores = [{"call": "demo:ListStores", "region": region, "answer": {"Stores": [{"Names": [region]}]}} for region in ("north", "south")]

    assert list(proved(collect(recorded(tmp_path, *stores), terms), "provisioned")) == ["north"]


def test_regions_are_told_apart(tmp_path: Path, terms: Terms) -> None:
    live = collect(recorded(tmp_path, listed("same"), listed("same", region="south")), terms)

    assert sorted(item.location.region for item in live.evidence if item.signal == "runs") == ["north", "south"]
    assert live.info.resources == 2


def test_a_denied_list_is_a_gap_with_the_permission_and_all_that_it_could_show(tmp_path: Path, terms: Terms) -> None:
    (gap,) = gaps(collect(recorded(tmp_path, refused("demo:ListPipelines")), terms))

    assert gap.reason == "access denied"
    assert gap.needs == "demo:ListPipelines"
    assert gap.what == "Demo::Pipeline, Demo::Step in north, south"
    assert gap.capabilities == ("model.drift", "model.pipeline", "model.platform", "model.testing")


def test_a_denied_detail_proves_neither_use_nor_its_lack(tmp_path: Path, terms: Terms) -> None:
    live = collect(recorded(tmp_path, listed("one"), refused("demo:ListRuns")), terms)

    assert proved(live, "runs") == {"one": (Strength.IMPLEMENTED, "when it was used could not be seen")}
    assert proved(live, "unguarded") == {}
    assert live.dead_ends == ()
    assert [(gap.needs, gap.what) for gap in gaps(live)] == [("demo:ListRuns", "Demo::Pipeline in north")]


@pytest.mark.parametrize("error", [{"code": "NoRuns"}, {"code": "Gone", "message": "there is nothing here"}], ids=["code", "words"])
def test_an_error_that_means_none_is_no_gap(tmp_path: Path, terms: Terms, error: dict[str, str]) -> None:
    live = collect(recorded(tmp_path, listed("one"), {"call": "demo:ListRuns", "error": error}), terms)

    assert gaps(live) == []
    assert proved(live, "runs") == {"one": (Strength.IMPLEMENTED, "never used")}


def test_an_error_of_the_same_code_and_other_words_is_a_gap(tmp_path: Path, terms: Terms) -> None:
    error = {"code": "Gone", "message": "you may not see it"}

    assert len(gaps(collect(recorded(tmp_path, listed("one"), {"call": "demo:ListRuns", "error": error}), terms))) == 1


def test_what_is_set_up_and_never_used_is_a_dead_end(tmp_path: Path, terms: Terms) -> None:
    live = collect(recorded(tmp_path, listed("idle", "busy"), ran("busy", "2026-10-20T08:00:00+00:00")), terms)

    assert [(end.kind, end.what, end.location.resource) for end in live.dead_ends] == [
        ("never-ran", "idle: it never ran", "Demo::Pipeline/idle")
    ]


def test_what_belongs_to_a_resource_is_named_by_both(tmp_path: Path, terms: Terms) -> None:
    steps = {"call": "demo:ListSteps", "region": "north", "with": {"Of": "one"}, "answer": {"Steps": ["load", "train"]}}

    assert list(proved(collect(recorded(tmp_path, listed("one"), steps), terms), "steps")) == ["one/load", "one/train"]


def test_pages_are_read_to_the_end_and_a_broken_one_keeps_what_came_before(tmp_path: Path, terms: Terms) -> None:
    answers = (listed("one"), listed("two"), refused("demo:ListPipelines", "InternalError", region="north"))
    live = collect(recorded(tmp_path, *answers), terms)

    assert sorted(proved(live, "runs")) == ["one", "two"]
    assert [gap.reason for gap in gaps(live)] == ["failed (InternalError)"]


def test_a_page_that_is_broken_after_a_single_resource_keeps_it(tmp_path: Path, terms: Terms) -> None:
    live = collect(recorded(tmp_path, listed("one"), refused("demo:ListPipelines", "InternalError", region="north")), terms)

    assert list(proved(live, "runs")) == ["one"]
    assert [gap.reason for gap in gaps(live)] == ["failed (InternalError)"]


def test_an_empty_account_is_searched_and_shows_nothing(tmp_path: Path, terms: Terms) -> None:
    live = collect(recorded(tmp_path), terms)

    assert live.evidence == ()
    assert gaps(live) == []
    (looked,) = live.coverage
    assert looked.what == "3 types of resources in north, south"
    assert "model.pipeline" in looked.capabilities


def test_a_call_that_was_not_recorded_is_a_gap(tmp_path: Path, terms: Terms) -> None:
    live = collect(recorded(tmp_path, otherwise=""), terms)

    assert {gap.reason for gap in gaps(live)} == {"not recorded"}
    assert live.listed == frozenset()


def test_of_very_many_only_the_first_are_looked_at_closely_and_that_is_told(tmp_path: Path, terms: Terms) -> None:
    names = [f"p{number:05}" for number in range(MOST_TOLD + 20)]
    live = collect(recorded(tmp_path, listed(*names)), terms)

    assert live.info.resources == MOST_TOLD + 20
    assert sum(item.occurrences for item in live.evidence if item.signal == "runs") == MOST_TOLD + 20
    assert len([item for item in live.evidence if item.signal == "runs"]) == 25
    assert [gap.reason for gap in gaps(live)] == [f"of {MOST_TOLD + 20:,} only the first {MOST_TOLD:,} were looked at closely"]


def test_the_number_of_threads_changes_nothing(tmp_path: Path, terms: Terms) -> None:
    names = [f"p{number:03}" for number in range(200)]
    answers = (listed(*names), *(ran(name, "2026-10-20T08:00:00+00:00") for name in names[::3]))

    assert collect(recorded(tmp_path, *answers), replace(terms, tellers=1)) == collect(
        recorded(tmp_path, *answers), replace(terms, tellers=16)
    )


# ── What goes wrong while it is asked ────────────────────────────────────────────────────────────────


class Slow:
    """An account whose regions may be silent, and that can be stopped in the middle."""

    provider = "demo"
    variables: Mapping[str, str] = {}
    info = TargetInfo(id="demo:slow", kind="account", uri="", name="slow")

    def __init__(self, *, silent: str = "", stop: Event | None = None) -> None:
        self._silent, self._stop = silent, stop
        self.asked: list[tuple[str, str]] = []

    def regions(self) -> tuple[str, ...]:
        return ("north", "south")

    def coverage(self) -> tuple[Coverage, ...]:
        return ()

    def close(self) -> None:
        pass

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        self.asked.append((call, region))
        if region == self._silent:
            raise CallError("no answer within 5 s", silent=True)
        yield {"Pipelines": [{"Name": f"{region}-{number}"} for number in range(50)]} if call == "demo:ListPipelines" else {}
        if self._stop is not None:
            self._stop.set()


def test_a_region_that_does_not_answer_is_given_up_and_the_others_are_read(terms: Terms) -> None:
    driver = Slow(silent="south")
    live = collect(driver, replace(terms, tellers=2))

    assert len(proved(live, "runs")) == 25
    assert {entry.what for entry in gaps(live)} == {"Demo::Pipeline, Demo::Step in south"}
    assert all(resource.location.region == "north" for resource in live.evidence)


def test_an_end_asked_for_gives_what_was_seen_and_names_the_rest(terms: Terms) -> None:
    stop = Event()
    live = collect(Slow(stop=stop), replace(terms, tellers=1, stop=stop))

    assert live.stopped
    assert {entry.reason for entry in gaps(live)} == {"interrupted"}


def test_nothing_is_called_that_may_do_more_than_read() -> None:
    from rung.records import PackError

    for call in ("demo:DeletePipeline", "demo:StartRun", "demo:GetSecretValue", "POST /runs/create", "DELETE /runs"):
        listing = {"list": call, "name": "Name", "permission": "x"}
        with pytest.raises(PackError, match="may do more than read"):
            resources_of("demo.yaml", {**RESOURCES, "types": [{"type": "Demo::X", "live": listing}]})
