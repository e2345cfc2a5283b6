"""Tests neither use nor change what the user's own scans keep, nor reach past this machine; those that need either say so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import loopback
from tests.stands import mlflow as tracking
from tests.stands.aws import Stand, served

os.environ["RUNG_NO_CACHE"] = "1"
loopback.keep()


@pytest.fixture(autouse=True)
def _on_this_machine() -> Iterator[None]:
    yield
    reached, loopback.reached[:] = list(loopback.reached), []
    assert reached == [], f"reached for {', '.join(reached)}, past this machine"


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tracking.Server]:
    """An MLflow server that holds a small system; tests leave it as it is."""
    with tracking.server(tmp_path_factory.mktemp("mlflow")) as server:
        tracking.fill(server)
        yield server


@pytest.fixture(scope="session")
def _aws() -> Iterator[Stand]:
    with served() as stand:
        yield stand


@pytest.fixture
def aws(_aws: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    """An AWS with nothing in it, which every client of the test speaks to."""
    for name, value in _aws.environment().items():
        monkeypatch.setenv(name, value)
    yield _aws
    _aws.reset()
