"""Objects of a workspace that are declared in YAML: Databricks asset bundles, Azure ML assets and deployments of Prefect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers.attributes import attributes_of, images_of, parse_template
from rung.readers.documents import Map, Sequence, Value, parse_yaml
from rung.readers.reading import RESOURCES, Reading, named, suffixed
from rung.records import Fact, Image, Problem, Resource

_YAML = (".yaml", ".yml")
_SCHEMA = regex(rb"^[ \t]*+\"?\$schema\"?[ \t]*:[ \t]*[\"']?https?://azuremlschemas[\w.-]*/", re.MULTILINE)
_SCHEMA_NAME = regex(r"https?://azuremlschemas[\w.-]*/(?:[\w.-]+/)*(\w+)\.schema\.json")
_BUNDLE = {
    "alerts": "Alert",
    "apps": "App",
    "clusters": "Cluster",
    "dashboards": "Dashboard",
    "database_instances": "DatabaseInstance",
    "experiments": "Experiment",
    "jobs": "Job",
    "model_serving_endpoints": "ModelServingEndpoint",
    "models": "Model",
    "pipelines": "Pipeline",
    "quality_monitors": "QualityMonitor",
    "registered_models": "RegisteredModel",
    "schemas": "Schema",
    "secret_scopes": "SecretScope",
    "sql_warehouses": "SqlWarehouse",
    "synced_database_tables": "SyncedDatabaseTable",
    "volumes": "Volume",
}
"""Sections of a bundle's `resources`, and the kind of their entries."""
_RESOURCES = regex(rb"\n(?:resources|targets|environments):")
_SECTION = regex(rb"^[ \t]++(?:[^\n]*\}\})?(?:" + "|".join(_BUNDLE).encode() + rb"):", re.MULTILINE)


def read_bundle(_path: str, data: bytes) -> Iterator[Fact]:
    """Resources of a Databricks asset bundle, its targets' own ones with `targets.<name>` as their condition."""
    if b"resources:" not in data or not (_RESOURCES.search(b"\n" + data) and _SECTION.search(data)):
        return
    template = b"{{" in data
    documents, error = parse_template(data) if template else parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents[:1]:
        if not isinstance(document, Map):
            continue
        yield from _sections(document.get("resources"), "")
        for key in ("targets", "environments"):
            targets = document.get(key)
            for name, target in targets.items() if isinstance(targets, Map) else ():
                if isinstance(target, Map):
                    yield from _sections(target.get("resources"), f"targets.{name}")


def read_asset(_path: str, data: bytes) -> Iterator[Fact]:
    """The Azure ML asset that a YAML file with its `$schema` is: `azureml/<schema's name>`."""
    if b"azuremlschemas" not in data or not _SCHEMA.search(data):
        return
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents:
        if not isinstance(document, Map):
            continue
        named = _SCHEMA_NAME.match(_text(document.get("$schema")))
        if not named:
            continue
        kind = named[1][0].lower() + named[1][1:]
        line = document.at("$schema")
        attributes = attributes_of(document, leave=("$schema", "name"))
        yield Resource(line=line, dialect="azureml", type=f"azureml/{kind}", name=_text(document.get("name")), attributes=attributes)
        image = _text(document.get("image"))
        if image:
            yield Image(line=document.at("image"), name=image, use="job")
        yield from images_of((key, value, line) for key, value in attributes if key != "image")


def read_deployments(_path: str, data: bytes) -> Iterator[Fact]:
    """The deployments of a `prefect.yaml`, without the schedules that are switched off."""
    if b"deployments:" not in data:
        return
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents[:1]:
        deployments = document.get("deployments") if isinstance(document, Map) else None
        for body in deployments if isinstance(deployments, Sequence) else ():
            if isinstance(body, Map) and body.get("entrypoint"):
                given = Map(body.line)
                for key, value in body.items():
                    given.put(key, _running(value, body) if key in ("schedule", "schedules", "triggers") else value, body.at(key))
                name = _text(body.get("name"))
                yield Resource(line=body.line, dialect="prefect", type="prefect/FlowDeployment", name=name, attributes=attributes_of(given))


def _running(value: Value, deployment: Map) -> Sequence:
    """The schedules or triggers of a deployment that are on."""
    kept = Sequence()
    for one in value if isinstance(value, Sequence) else (value,):
        if isinstance(one, Map) and "false" not in (one.get("active"), one.get("enabled")) and deployment.get("paused") != "true":
            kept.put(one, one.line)
    return kept


def _sections(resources: Value | None, condition: str) -> Iterator[Fact]:
    for section, entries in resources.items() if isinstance(resources, Map) else ():
        kind = _BUNDLE.get(section)
        if not kind or not isinstance(entries, Map) or any(isinstance(body, Sequence) for body in entries.values()):
            continue
        for name, body in entries.items():
            if isinstance(body, Map):
                yield Resource(
                    line=entries.at(name),
                    dialect="databricks",
                    type=f"databricks/{kind}",
                    name=name,
                    attributes=attributes_of(body),
                    references=_references(body),
                    conditional=condition,
                )


def _references(body: Map) -> tuple[str, ...]:
    values = " ".join(value for _, value in attributes_of(body))
    return tuple(dict.fromkeys(re.findall(r"\$\{resources\.(\w+\.\w+)", values)))


def _text(value: Value | None) -> str:
    return value if isinstance(value, str) else ""


READINGS: tuple[Reading, ...] = (
    Reading(name="databricks-bundle", shows=RESOURCES, tried=True, claims=suffixed(*_YAML), read=read_bundle),
    Reading(name="azureml-asset", shows=RESOURCES, tried=True, claims=suffixed(*_YAML, ".json"), read=read_asset),
    Reading(name="prefect", shows=RESOURCES, claims=named(r"prefect\.ya?ml", ".yaml", ".yml"), read=read_deployments),
)
