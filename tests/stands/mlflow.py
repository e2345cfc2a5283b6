"""A real MLflow tracking server on loopback: started once for all tests, filled through the same API that scans read."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.components import mlflow

_PATIENCE = 90.0
_DAY = 86_400_000
"""Milliseconds."""


class Server:
    """A tracking server that answers at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """The answer to a request, below the path of the API."""
        response = self._session.request(method, f"{self.url}/api/2.0/mlflow/{path}", json=body, timeout=30)
        response.raise_for_status()
        return response.json()

    def experiment(self, name: str) -> str:
        """A new experiment's id."""
        return str(self.ask("POST", "experiments/create", name=name)["experiment_id"])

    def run(
        self,
        experiment: str,
        *,
        status: str = "FINISHED",
        days_ago: int = 0,
        metrics: Sequence[str] = (),
        commit: str = "",
        data: Sequence[str] = (),
        model: str = "",
    ) -> str:
        """The id of a new run, that ended so many days ago; `data` are what its data sets were for, `model` what it logged."""
        then = int(time.time() * 1000) - days_ago * _DAY
        tags = [{"key": "mlflow.source.git.commit", "value": commit}] if commit else []
        run = str(self.ask("POST", "runs/create", experiment_id=experiment, start_time=then, tags=tags)["run"]["info"]["run_id"])
        told = [{"key": key, "value": 0.8, "timestamp": then, "step": 0} for key in metrics]
        self.ask("POST", "runs/log-batch", run_id=run, metrics=told, params=[{"key": "depth", "value": "3"}])
        sets = [
            {
                "tags": [{"key": "mlflow.data.context", "value": use}],
                "dataset": {"name": use, "digest": f"d-{use}", "source_type": "local", "source": "{}"},
            }
            for use in data
        ]
        if sets:
            self.ask("POST", "runs/log-inputs", run_id=run, datasets=sets)
        if model:
            logged = self.ask("POST", "logged-models", experiment_id=experiment, name=model, source_run_id=run)["model"]["info"]["model_id"]
            self.ask("PATCH", f"logged-models/{logged}", model_id=logged, status="LOGGED_MODEL_READY")
            self.ask("POST", "runs/outputs", run_id=run, models=[{"model_id": logged, "step": 0}])
        self.ask("POST", "runs/update", run_id=run, status=status, end_time=then)
        return run

    def register(self, name: str, *runs: str, alias: str = "", prompt: bool = False) -> None:
        """Registers a model with a version a run; an alias is of the last one."""
        tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}] if prompt else []
        self.ask("POST", "registered-models/create", name=name, tags=tags)
        for run in runs:
            version = self.ask("POST", "model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run)["model_version"][
                "version"
            ]
            if alias and run == runs[-1]:
                self.ask("POST", "registered-models/alias", name=name, alias=alias, version=version)


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server that keeps all in a folder; it and what it started are ended with the context."""
    program, empty = mlflow()
    database = folder / "runs.db"
    shutil.copyfile(empty, database)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    keeps = ("--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", str(folder / "artifacts"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "server", *arguments, *keeps],
            stdout=log,
            stderr=log,
            start_new_session=True,
            # Its queue of jobs is eight processes more, which slow it down tenfold on a small machine.
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, folder / "log")
        yield Server(url)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError(f"MLflow does not answer: {log.read_text(errors='replace')[-2000:]}")


def fill(stand: Server) -> None:
    """A small system: a model that is trained, evaluated and released, and beside it what leads nowhere."""
    churn = stand.experiment("churn")
    stand.run(churn, status="FAILED")
    run = stand.run(churn, metrics=["auc"], commit="f" * 40, data=["train", "eval"], model="forest")
    stand.register("churn", run, alias="champion")
    older = stand.experiment("prices-of-last-year")
    stand.register("prices", stand.run(older, metrics=["rmse"], days_ago=200))
    broken = stand.experiment("broken")
    stand.run(broken, status="FAILED")
    stand.experiment("planned")
    stand.register("empty")
    stand.register("question", prompt=True)
