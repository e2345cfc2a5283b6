"""The MLflow server of the tests is MLflow, and holds what scans are to find."""

from __future__ import annotations

import requests

from tests.stands.mlflow import Server


def test_it_keeps_runs_with_what_they_logged(mlflow: Server) -> None:
    experiments = {item["name"]: item["experiment_id"] for item in mlflow.ask("POST", "experiments/search", max_results=10)["experiments"]}
    runs = mlflow.ask("POST", "runs/search", experiment_ids=[experiments["churn"]], filter="attributes.status = 'FINISHED'")["runs"]

    assert sorted(experiments) == ["Default", "broken", "churn", "planned", "prices-of-last-year"]
    assert [metric["key"] for run in runs for metric in run["data"]["metrics"]] == ["auc"]
    assert [item["dataset"]["digest"] for item in runs[0]["inputs"]["dataset_inputs"]] == ["d-train", "d-eval"]
    assert len(runs[0]["outputs"]["model_outputs"]) == 1


def test_it_keeps_models_with_versions_and_aliases_and_shows_no_prompts_among_them(mlflow: Server) -> None:
    models = {item["name"]: item for item in mlflow.ask("GET", "registered-models/search")["registered_models"]}

    assert sorted(models) == ["churn", "empty", "prices"]
    assert models["churn"]["aliases"] == [{"alias": "champion", "version": "1"}]
    assert "latest_versions" not in models["empty"]


def test_it_answers_pages_by_a_token(mlflow: Server) -> None:
    first = mlflow.ask("POST", "experiments/search", max_results=3)
    second = mlflow.ask("POST", "experiments/search", max_results=3, page_token=first["next_page_token"])

    assert len({item["name"] for page in (first, second) for item in page["experiments"]}) == 5
    assert "next_page_token" not in second


def test_it_does_not_know_other_addresses(mlflow: Server) -> None:
    assert requests.post(f"{mlflow.url}/api/2.0/mlflow/nothing/search", json={}, timeout=10).status_code == 404
