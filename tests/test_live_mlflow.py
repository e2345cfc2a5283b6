"""Whole scans of a tracking server, against MLflow itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rung.collect import Live, Terms, collect
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.records import Strength
from rung.targets.live.driver import CallError
from rung.targets.live.recording import Recorder, Recording
from rung.targets.live.rest import Address
from rung.targets.live.rest import Server as Driver
from tests.stands.mlflow import Server

PACKS = load_packs()
TYPES = tuple(resource for resource in PACKS.resources if resource.provider == "mlflow")
TERMS = Terms(types=PACKS.resources, matchers=Matchers(PACKS), tellers=2)
PROVIDER = next(provider for provider in PACKS.providers if provider.id == "mlflow")


def driver(url: str, **settings: Any) -> Driver:
    return Driver(PROVIDER, Address(url=url, **settings), TYPES)


@pytest.fixture(scope="session")
def live(mlflow: Server) -> Live:
    return collect(driver(mlflow.url), TERMS)


def found(live: Live, *, strength: Strength) -> list[tuple[str, str]]:
    """Capabilities with the names of what proves them at a strength."""
    items = [item for item in live.evidence if item.strength == strength]
    return sorted({(item.capability, item.location.resource.rpartition("/")[2]) for item in items})


def test_what_was_used_lately_operates(live: Live) -> None:
    assert found(live, strength=Strength.OPERATING) == [
        ("data.lineage", "churn"),
        ("model.evaluation", "churn"),
        ("model.experiment-tracking", "churn"),
        ("model.packaging", "churn"),
        ("model.platform", "churn"),
        ("model.platform", "prices"),
        ("model.registry", "churn"),
        ("model.reproducibility", "churn"),
    ]


def test_what_was_used_long_ago_is_told_with_the_day(live: Live) -> None:
    day = (datetime.now(UTC) - timedelta(days=200)).date()

    old = [item for item in live.evidence if item.location.resource == "mlflow/Experiment/prices-of-last-year"]
    assert [(item.signal, item.strength, item.note) for item in old] == [
        ("runs-with-metrics", Strength.AUTOMATED, f"last used {day.isoformat()}")
    ]


def test_a_version_without_an_alias_is_no_more_than_registered(live: Live) -> None:
    prices = [
        item for item in live.evidence if item.location.resource == "mlflow/RegisteredModel/prices" and item.capability == "model.registry"
    ]

    assert [(item.signal, item.strength) for item in prices] == [("registered-versions", Strength.IMPLEMENTED)]


def test_what_leads_nowhere_is_a_dead_end(live: Live) -> None:
    assert sorted((end.kind, end.location.resource) for end in live.dead_ends) == [
        ("model-without-version", "mlflow/RegisteredModel/empty"),
        ("no-run-finished", "mlflow/Experiment/broken"),
    ]


def test_all_was_searched(live: Live) -> None:
    assert [item for item in live.coverage if not item.searched] == []
    assert live.listed == {"mlflow/Experiment", "mlflow/ModelVersion", "mlflow/RegisteredModel"}


def test_pages_are_read_to_their_end(mlflow: Server) -> None:
    call = next(resource.live.read.call for resource in TYPES if resource.live and resource.type == "mlflow/Experiment")
    pages = list(driver(mlflow.url).pages(call, {"max_results": 2}, ""))

    assert [len(page["experiments"]) for page in pages] == [2, 2, 1]


def test_a_run_with_hundreds_of_metrics_hides_nothing_of_what_else_it_logged(mlflow: Server) -> None:
    experiment = mlflow.experiment("wide")
    try:
        mlflow.run(experiment, metrics=[f"m{number}" for number in range(900)], data=["eval"])
        live = collect(driver(mlflow.url), TERMS)
    finally:
        mlflow.ask("POST", "experiments/delete", experiment_id=experiment)

    assert {item.signal for item in live.evidence if item.location.resource.endswith("/wide")} == {
        "digests-in-runs",
        "evaluated-on-held-out-data",
        "mlflow-runs",
        "runs-with-metrics",
    }


def test_no_other_call_than_those_of_the_pack_is_made(mlflow: Server) -> None:
    with pytest.raises(CallError, match="does not make"):
        list(driver(mlflow.url).pages("POST /api/2.0/mlflow/experiments/delete", {"experiment_id": "0"}, ""))


def test_a_server_that_does_not_answer_is_missing_and_not_empty() -> None:
    live = collect(driver("http://127.0.0.1:9", seconds=0.5), TERMS)

    gaps = [item for item in live.coverage if not item.searched]
    assert (live.evidence, live.listed) == ((), frozenset())
    assert {name for gap in gaps for name in gap.capabilities} >= {"model.registry", "model.experiment-tracking", "model.evaluation"}


def test_an_address_of_something_else_is_no_empty_server(mlflow: Server) -> None:
    live = collect(driver(f"{mlflow.url}/elsewhere"), TERMS)

    assert (live.evidence, live.listed) == ((), frozenset())
    assert {gap.reason for gap in live.coverage if not gap.searched} == {"not found, or not visible to this login"}


def test_a_recording_shows_again_what_was_seen(mlflow: Server, live: Live, tmp_path: Path) -> None:
    recorder = Recorder(driver(mlflow.url), str(tmp_path))
    collect(recorder, TERMS)
    again = collect(Recording(recorder.path), TERMS)

    assert sorted(map(str, again.evidence)) == sorted(map(str, live.evidence))
    assert sorted(map(str, again.dead_ends)) == sorted(map(str, live.dead_ends))
