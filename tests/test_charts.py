"""Helm charts that are installed, whoever installs them."""

from __future__ import annotations

import pytest

from rung.charts import chart_installed_by, charts_of
from rung.errors import PackError
from rung.matchers import Matchers
from rung.readers.kubernetes import read_helmfile
from rung.records import Detector, Packs, Resource, Signal, Strength


@pytest.mark.parametrize(
    ("command", "chart"),
    [
        ("helm install metrics example/Prometheus", "prometheus"),
        ("helm upgrade --install -n tools --wait metrics oci://r.example.org/charts/prometheus --version 1", "prometheus"),
        ("/usr/bin/helm install --generate-name example/prometheus", "prometheus"),
        ("helm upgrade metrics ./charts/prometheus/", "prometheus"),
        ("helm install metrics example/prometheus@sha256:00", "prometheus"),
        ("helm install prometheus", ""),
        ("helm uninstall metrics example/prometheus", ""),
        ("helm template metrics example/prometheus", ""),
        ("pip install metrics example/prometheus", ""),
        ("helm", ""),
    ],
)
def test_a_command_names_the_chart_that_it_installs_behind_the_release(command: str, chart: str) -> None:
    assert chart_installed_by(tuple(command.split())) == chart


@pytest.mark.parametrize("name", ["example/mlflow", "MLflow"])
def test_a_pack_names_charts_in_lower_case_and_without_their_repository(name: str) -> None:
    signal = Signal(id="a", capability="x.y", strength=Strength.DECLARED, matcher="chart", arguments={"any": [name]})
    detectors = (Detector(id="d", title="D", homepage="", signals=(signal,)),)
    with pytest.raises(PackError, match=f"`{name}`: a chart is named in lower case, without its repository"):
        Matchers(Packs(detectors=detectors, capabilities=(), resources=(), frameworks=(), digest=""))


def test_a_resource_names_charts_by_the_attributes_of_its_type() -> None:
    release = Resource(line=1, dialect="terraform", type="helm_release", attributes=(("chart", "example/mlflow"), ("repository", "chart")))
    assert charts_of(release, {"helm/Release": ("chart",)}, "helm/Release") == ("mlflow",)
    assert charts_of(release, {"helm/Release": ("chart",)}, "another/Type") == ()


def test_a_helmfile_declares_releases_and_those_switched_off_as_such() -> None:
    source = b"releases:\n- name: a\n  chart: example/kafka\n{{ if .Values.b }}\n- name: b\n  chart: x/b\n  installed: false\n{{ end }}\n"
    assert [(one.name, one.line, one.conditional) for one in read_helmfile("helmfile.yaml", source) if isinstance(one, Resource)] == [
        ("a", 2, ""),
        ("b", 5, "false"),
    ]
