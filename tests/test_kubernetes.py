"""What the Kubernetes reader sees in manifests, charts and kustomizations."""

from __future__ import annotations

import pytest

from rung.readers.kubernetes import READINGS, read_chart, read_kustomization, read_manifest, read_values
from rung.readers.placeholders import without_placeholders
from rung.records import SWITCHES, Fact, Image, Problem, Resource, Task
from rung.targets.roles import template_path


def read(source: str, path: str = "k8s/app.yaml") -> list[Fact]:
    return list(read_manifest(path, source.encode()))


def resources(facts: list[Fact]) -> list[Resource]:
    return [fact for fact in facts if isinstance(fact, Resource)]


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  template:
    spec:
      initContainers:
        - image: busybox
      containers:
        - name: api
          image: registry/api:1.2
          readinessProbe: {httpGet: {path: /health}}
"""


def test_objects_are_resources_with_group_and_kind() -> None:
    (found,) = resources(read(DEPLOYMENT))
    assert (found.type, found.name, found.line, found.dialect) == ("apps/Deployment", "api", 2, "kubernetes")
    assert ("spec.template.spec.containers.readinessProbe.httpGet.path", "/health") in found.attributes
    assert [(fact.name, fact.line) for fact in read(DEPLOYMENT) if isinstance(fact, Image)] == [("busybox", 10), ("registry/api:1.2", 13)]


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("v1", "Service", "core/Service"),
        ("batch/v1beta1", "CronJob", "batch/CronJob"),
        ("serving.kserve.io/v1beta1", "InferenceService", "serving.kserve.io/InferenceService"),
        ("argoproj.io/v1alpha1", "Rollout", "argoproj.io/Rollout"),
    ],
)
def test_versions_are_left_out_of_types(version: str, kind: str, expected: str) -> None:
    assert [found.type for found in resources(read(f"apiVersion: {version}\nkind: {kind}\n"))] == [expected]


@pytest.mark.parametrize(
    "source",
    ["apiVersion: 1\nkind: Deployment\n", "apiVersion: v1\nkind: some words\n", "text: apiVersion kind\n", "apiVersion: v1\nkinds: Pod\n"],
)
def test_other_yaml_gives_nothing(source: str) -> None:
    assert read(source) == []


def test_lists_documents_and_json_are_opened() -> None:
    source = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: Secret}\n---\napiVersion: v1\nkind: Namespace\n"
    assert [found.type for found in resources(read(source))] == ["core/Pod", "core/Secret", "core/Namespace"]
    assert [found.type for found in resources(read('{"apiVersion": "v1", "kind": "Pod"}', "pod.json"))] == ["core/Pod"]


def test_a_template_of_objects_is_opened() -> None:
    text = "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n  - apiVersion: batch/v1\n    kind: CronJob\n    metadata: {name: '${APP}-load'}\n"
    assert [(found.type, found.name, found.line) for found in resources(read(text))] == [("batch/CronJob", "${APP}-load", 5)]


def test_payloads_of_config_maps_and_secrets_keep_their_keys_only() -> None:
    source = "apiVersion: v1\nkind: {}\nmetadata: {{name: c}}\n{}:\n  rules.yml: 'secret text'\n"
    for kind, key in (("ConfigMap", "data"), ("Secret", "stringData")):
        (found,) = resources(read(source.format(kind, key)))
        assert found.attributes == ((f"{key}.rules.yml", ""),)


CHART_TEMPLATE = """{{- if .Values.monitoring.enabled }}
apiVersion: {{ include "x.apiVersion" . }}
kind: Deployment
metadata:
  name: {{ .Release.Name }}-api
  labels:
    {{- include "x.labels" . | nindent 4 }}
spec:
  template:
    spec:
      containers:
        - image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        - image: redis:7
        {{- range .Values.extra }}
        - image: {{ . }}
        {{- end }}
{{- else }}
---
apiVersion: v1
kind: Service
metadata:
  name: plain
{{- end }}
---
apiVersion: v1
kind: Namespace
"""


def test_templates_of_a_chart_are_read_with_the_conditions_around_them() -> None:
    facts = read(CHART_TEMPLATE, "chart/templates/deployment.yaml")
    assert [(found.type, found.name, found.line, found.conditional) for found in resources(facts)] == [
        ("apps/Deployment", "${.Release.Name}-api", 3, ".Values.monitoring.enabled"),
        ("core/Service", "plain", 20, "not (.Values.monitoring.enabled)"),
        ("core/Namespace", "", 26, ""),
    ]
    assert [fact.name for fact in facts if isinstance(fact, Image)] == ["redis:7"]
    assert not [fact for fact in facts if isinstance(fact, Problem)]


def test_placeholders_in_flow_mappings_do_not_break_a_template() -> None:
    text = (
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: {{ .Values.name }}-scale}\nspec:\n  of: [{{ .a }}, {{ .b }}]\n"
    )
    (found,) = resources(read(text, "chart/templates/scale.yaml"))
    assert found.name == "${.Values.name}-scale"
    assert ("spec.of", "${.b}") in found.attributes


def test_variables_and_blocks_filled_in_elsewhere_do_not_break_a_template() -> None:
    text = """{{- $hosts := list "a" }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Values.name }}
  annotations:
{{ toYaml .Values.annotations | indent 4 }}
spec:
  tls: {}
"""
    assert [(fact.type, fact.line) for fact in read(text, "chart/templates/ingress.yaml") if isinstance(fact, Resource)] == [
        ("networking.k8s.io/Ingress", 3)
    ]


def test_remarks_over_lines_and_blocks_behind_keys_do_not_break_a_template() -> None:
    text = """{{- /*
Copyright: whoever it was
kind: [of a licence
*/}}
{{/* closed late */ -}}
{# and
one: of: Jinja #}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {{- include "shop.labels" ( dict "a" .Values.a ) | nindent 4 }}
    part: api
spec:
  hosts:
    - {{- if .Values.host }}
      name: {{ .Values.host }}
      {{- end }}
{{ $.Files.Get "more.yaml" | indent 2 }}
%{ if alerts }
  alerts: true
%{ endif }
"""
    (found,) = resources(read(text, "chart/templates/shop.yaml"))

    assert (found.line, dict(found.attributes)) == (
        9,
        {"metadata.labels.part": "api", "spec.hosts.name": "${.Values.host}", "spec.alerts": "true"},
    )


@pytest.mark.parametrize("opened", ["{{/*", "{{- /* *", "{#", "a: {{- x |", "- {{- if ", "{{ | indent ", "%{ if ", "{{/*{#*/"])
def test_what_only_opens_a_template_s_marks_is_passed_over_in_linear_time(opened: str) -> None:
    assert without_placeholders(opened * 100_000).count("\n") == 0


def test_quoted_placeholders_of_workflow_engines_are_no_templates() -> None:
    (found,) = resources(read("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  argument: '{{workflow.name}}'\n"))
    assert found.attributes == (("spec.argument", "{{workflow.name}}"),)


def test_a_broken_manifest_is_a_problem_and_documents_before_it_stand() -> None:
    facts = read("apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: [\n")
    assert [type(fact) for fact in facts] == [Problem, Resource]


def test_references_name_kind_and_name_of_the_target() -> None:
    (found,) = resources(
        read(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}\n"
        )
    )
    assert found.references == ("Deployment/api",)


def test_a_chart_and_its_values_give_the_chart_and_its_images() -> None:
    chart, redis = read_chart(
        "chart/Chart.yaml", b"apiVersion: v2\nname: api\nversion: 1.0.0\ndependencies:\n- {name: redis, version: 17.x}\n"
    )
    assert isinstance(chart, Resource)
    assert (chart.type, chart.name, chart.line) == ("helm/Chart", "api", 2)
    assert isinstance(redis, Resource)
    assert (redis.type, redis.name, redis.line, redis.conditional) == ("helm/Dependency", "redis", 5, "")
    (image,) = read_values(
        "chart/values.yaml", b"image:\n  registry: ghcr.io\n  repository: org/api\n  tag: '2'\nother: {repository: https://x}\n"
    )
    assert image == Image(line=3, name="ghcr.io/org/api:2", use="deployment")


def test_a_kustomization_is_a_resource_and_its_images_are_images() -> None:
    resource, image = read_kustomization(
        "k8s/prod/kustomization.yaml", b"resources: [../base]\nimages:\n- {name: api, newName: r/api, newTag: '3'}\n"
    )
    assert isinstance(resource, Resource)
    assert (resource.type, resource.name) == ("kustomize/Kustomization", "prod")
    assert image == Image(line=3, name="r/api:3", use="deployment")


def test_attributes_are_bounded() -> None:
    (found,) = resources(read("apiVersion: v1\nkind: Pod\nspec:\n" + "".join(f"  k{i}: {'v' * 10}\n" for i in range(1000))))
    assert len(found.attributes) == 300


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("k8s/web.yaml", True),
        ("k8s/web.tmpl", True),
        ("deploy/prod/web.tpl.j2", False),
        ("pages/web.tmpl", False),
        ("kubernetes/Makefile", True),
    ],
)
def test_a_manifest_that_a_script_fills_in_is_known_by_its_folder(path: str, claimed: bool) -> None:
    (reading,) = (reading for reading in READINGS if reading.name == "kubernetes")
    assert reading.claims(template_path(path)) is claimed


VALUES = b"""image: {repository: node, tag: 22}
cronJobs:
  - name: pages
    schedule: "0 4 * * *"
    command: [sh, -c, "npm run pages"]
  - name: old
    schedule: "0 5 * * *"
    suspend: true
    command: [npm, run, old]
autoscaling:
  enabled: false
  maxReplicas: 3
"""


def test_values_of_a_chart_that_is_elsewhere_are_a_workload_with_what_they_schedule_and_without_what_they_switch_off() -> None:
    facts = list(read_values("environments/live.yml", VALUES))
    whole, *single, switch = resources(facts)
    assert (whole.type, whole.line) == ("helm/Values", 2)
    assert [(one.type, one.name, one.line) for one in single] == [("helm/Value", "image", 1), ("helm/Value", "cronJobs", 2)]
    assert (switch.dialect, switch.type, switch.name) == (SWITCHES, "default", "autoscaling.enabled")
    assert [(task.line, task.kind, task.name, [one.words for one in task.commands]) for task in facts if isinstance(task, Task)] == [
        (4, "cron", "0 4 * * *", [("npm", "run", "pages")])
    ]


@pytest.mark.parametrize(
    "source",
    [
        b"autoscaling: later\nresources: {limits: {cpu: 1}}\n",
        b"image: {repository: a}\nresources: {limits: {cpu: 1}}\n",
        b"apiVersion: v1\nkind: List\nautoscaling: {a: 1}\nprobes: {b: 2}\n",
        b"a: &a [*a]\nprobes: text\n",
    ],
)
def test_other_settings_are_no_values_of_a_workload(source: bytes) -> None:
    assert resources(list(read_values("environments/live.yml", source))) == []


def test_values_that_aliases_share_are_read_once() -> None:
    bomb = b"a0: &a0 {x: 1}\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 60))
    assert resources(list(read_values("values.yaml", bomb + b"probes: {a: 1}\ncronJobs: [*a59]\n")))


def test_an_object_whose_name_a_program_fills_in_is_no_part_of_an_installation() -> None:
    assert read(DEPLOYMENT.replace("name: api\nspec", "name: modelName\nspec")) == []
    assert resources(read(DEPLOYMENT.replace("name: api\nspec", "name: MODEL_NAME\nspec")))


def test_an_object_that_a_patch_takes_away_is_none() -> None:
    source = "$patch: delete\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: gate\n"

    assert not read(source)
    assert resources(read(source.replace("delete", "replace")))
