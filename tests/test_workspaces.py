"""What the reader of ML workspaces sees in Databricks bundles, Azure ML assets and deployments of Prefect."""

from __future__ import annotations

import pytest

from rung.readers.workspaces import read_asset, read_bundle, read_deployments
from rung.records import Fact, Image, Resource

BUNDLE = """
bundle: {name: ml}
resources:
  jobs:
    train:
      schedule: {quartz_cron_expression: "0 0 9 * * ?", pause_status: PAUSED}
      tasks:
        - run_job_task: {job_id: "${resources.jobs.score.id}"}
  registered_models:
    model: {name: m}
  things:
    other: {name: t}
targets:
  prod:
    resources:
      pipelines: {etl: {name: p}}
"""


def resources(facts: list[Fact]) -> list[Resource]:
    return [fact for fact in facts if isinstance(fact, Resource)]


def test_entries_of_a_bundles_sections_are_resources() -> None:
    found = resources(list(read_bundle("databricks.yml", BUNDLE.encode())))
    assert [(resource.type, resource.name, resource.line, resource.conditional) for resource in found] == [
        ("databricks/Job", "train", 5, ""),
        ("databricks/RegisteredModel", "model", 10, ""),
        ("databricks/Pipeline", "etl", 16, "targets.prod"),
    ]
    assert ("schedule.quartz_cron_expression", "0 0 9 * * ?") in found[0].attributes
    assert found[0].references == ("jobs.score",)


def test_a_template_of_a_bundle_is_read_without_its_placeholders() -> None:
    source = """
resources:
  {{ if (eq .uc `no`) }}models:
    model:
      name: {{ .name }}
  {{- end }}
  jobs:
    train:
      name: "{{ .name }}-train"
"""
    found = resources(list(read_bundle("resources/ml.yml.tmpl", source.encode())))
    assert [resource.type for resource in found] == ["databricks/Model", "databricks/Job"]


def test_a_job_with_its_tasks_is_no_section_of_jobs() -> None:
    source = "resources:\n  jobs:\n    schedule:\n      dev: daily\n    tasks:\n      - task_key: fit\n"
    assert not resources(list(read_bundle("fit.yaml", source.encode())))


@pytest.mark.parametrize("source", ["resources:\n  requests:\n    cpu: 1\n", "kind: Pod\nresources: [jobs]\n", "jobs:\n  build: {}\n"])
def test_other_resources_are_no_bundle(source: str) -> None:
    assert not list(read_bundle("a.yml", source.encode()))


def test_the_schema_of_an_azure_ml_file_names_its_type() -> None:
    source = b"$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json\nname: blue\ninstance_count: 2\n"
    (found,) = read_asset("deploy.yml", source)
    expected = (("instance_count", "2"),)
    assert found == Resource(line=1, dialect="azureml", type="azureml/managedOnlineDeployment", name="blue", attributes=expected)


def test_the_image_of_an_environment_is_the_image_of_a_job() -> None:
    source = b"$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json\nname: e\nimage: mcr.microsoft.com/x:1\n"
    assert [fact for fact in read_asset("env.yml", source) if isinstance(fact, Image)] == [
        Image(line=3, name="mcr.microsoft.com/x:1", use="job")
    ]


@pytest.mark.parametrize("source", [b"# azuremlschemas.azureedge.net\na: 1\n", b"$schema: https://json-schema.org/x\n"])
def test_other_schemas_are_no_asset(source: bytes) -> None:
    assert not list(read_asset("a.yml", source))


def test_a_deployment_of_prefect_has_the_schedules_and_triggers_that_are_on() -> None:
    source = b"""
deployments:
  - name: nightly
    entrypoint: flows/nightly.py:nightly
    schedules:
      - {cron: "0 3 * * *", active: false}
      - cron: "0 4 * * *"
  - name: paused
    entrypoint: flows/nightly.py:nightly
    paused: true
    schedule: {interval: 60}
  - name: template
"""
    found = resources(list(read_deployments("prefect.yaml", source)))

    assert [(one.name, one.line, dict(one.attributes)) for one in found] == [
        ("nightly", 3, {"name": "nightly", "entrypoint": "flows/nightly.py:nightly", "schedules.cron": "0 4 * * *"}),
        ("paused", 8, {"name": "paused", "entrypoint": "flows/nightly.py:nightly", "paused": "true", "schedule": ""}),
    ]
