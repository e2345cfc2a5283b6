"""Kubernetes objects: plain manifests, Kustomize, Helm charts, and whatever custom resources controllers bring.

A chart's templates are read without being rendered: `{{ .Values.x }}` stays as `${.Values.x}`, and the `if` around an
object is its condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.attributes import attributes_of, bounded, images_of, parse_template, shortened
from rung.readers.documents import Map, Sequence, Unreadable, Value, flatten, may_have_keys, parse_json, parse_yaml, text_of
from rung.readers.reading import RESOURCES, Claims, Reading
from rung.readers.shell import split
from rung.readers.workflows import items
from rung.records import SWITCHES, Fact, Image, Problem, Resource, Task

MAX_OBJECTS = 1000
"""Objects of one file."""
MAX_NESTED = 30
"""Collections of a chart's values within each other."""
_MAX_SWITCHES = 5
"""Mappings of a chart's values within each other in which switches are looked for."""
MAX_SCALARS = 3000
"""Scalars of one object in which images and references are sought."""

_API_VERSION = regex(r"(?:([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)/)?v\d+(?:(?:alpha|beta)\d+)?")
_KIND = regex(r"[A-Z][A-Za-z0-9]{1,80}")
_KUSTOMIZATION = regex(r"(?:^|/)kustomization\.ya?ml(?:\.\w+)?$|(?:^|/)Kustomization$")
_CHART = regex(r"(?:^|/)Chart\.ya?ml(?:\.\w+)?$")
_HELMFILE = regex(r"(?:^|/)helmfile\.ya?ml(?:\.\w+)?$|(?:^|/)helmfile\.d/[^/]+\.ya?ml(?:\.\w+)?$")
_VALUES = regex(r"(?:^|/)values[\w.-]*\.ya?ml(?:\.\w+)?$")
_CALLED_VALUES = regex(r"(?:^|/)(?:[^/]*[.-])?values[^/]*\.ya?ml(?:\.\w+)?$")
_OF_ENVIRONMENT = regex(r"(?:^|/)(?:environments?|envs?|helm|deploy|deployments?|k8s|kubernetes|releases)/(?:[^/]+/){0,3}[^/]+\.ya?ml$")
"""Where values for a chart that is elsewhere are kept by the names of environments."""
_WORKLOAD = frozenset((
    "affinity", "autoscaling", "cronJob", "cronJobs", "cronjob", "cronjobs", "envSecrets", "extraContainers", "extraEnv", "extraEnvFrom",
    "extraEnvVars", "hpa", "imagePullSecrets", "ingress", "livenessProbe", "nodeSelector", "podAnnotations", "podDisruptionBudget",
    "podSecurityContext", "probes", "prometheusRule", "prometheusRules", "readinessProbe", "replicaCount", "serviceAccount",
    "serviceMonitor", "sidecarContainers", "tolerations",
))  # fmt: skip
"""Values that charts of workloads ask for."""
_VALUES_WORDS = (b"repository", *(word.encode() for word in sorted(_WORKLOAD)))
_CRON = regex(r"@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)|(?:[\d*/,LW#?A-Za-z-]+[ \t]+){4}[\d*/,LW#?A-Za-z-]+")
_SUFFIXLESS = regex(r"(?:^|/)(?:k8s|kube|kubernetes|manifests?|deploy|deployments?)/(?:[^/]+/){0,4}[^./]+$")
"""What is left of a manifest's name when its one suffix said that a script fills it in (`k8s/web.tmpl`)."""
_IN_TEMPLATES = regex(r"(?:^|/)templates/")
_BARE_PLACEHOLDER = regex(rb"[^\"'#]*[:-][ \t]+\{\{|[ \t]*\{[\{%]")
_CONTROL = regex(r"\{\{-?\s*(if|else\s+if|else|range|with|define|block|end)\b([^{}\n]*)\}\}")
_FILLED_IN = regex(r"[a-z]+[A-Z]\w*")
_LOWER_CASE = ("apps/", "batch/", "core/")
"""Groups whose objects have names in lower case only: one called `appName` is a program's template for objects that it makes."""
_NO_ATTRIBUTES = ("apiVersion", "kind", "metadata.name")
_PAYLOADS = ("data", "stringData", "binaryData")
_GROUPS = {
    "apps": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
    "batch": ("Job", "CronJob"),
    "autoscaling": ("HorizontalPodAutoscaler",),
    "networking.k8s.io": ("Ingress", "NetworkPolicy", "IngressClass"),
    "policy": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io": ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
}
"""Groups of the built-in kinds, for templates that leave the API version to a helper."""
_GROUP_OF = {kind: group for group, kinds in _GROUPS.items() for kind in kinds}


def read_manifest(path: str, data: bytes) -> Iterator[Fact]:
    """Facts of a YAML or JSON file of Kubernetes objects; nothing when it holds none."""
    if not may_have_keys(data, b"apiVersion", b"kind") or _CHART.search(path) or _KUSTOMIZATION.search(path):
        return
    template = b"{{" in data and bool(_IN_TEMPLATES.search(path) or _has_bare_placeholder(data))
    documents, error = _documents(path, data, template)
    if error and _looks_like_manifest(data):
        yield Problem(line=error.line, what=error.what)
    conditions = _conditions(text_of(data)) if template else []
    objects = 0
    for document in documents:
        for body in _objects(document):
            objects += 1
            if objects > MAX_OBJECTS:
                yield Problem(line=body.line, what=f"more than {MAX_OBJECTS} objects; the rest is not read")
                return
            yield from _object(body, conditions)


def declared(value: Value) -> Iterator[Fact]:
    """Facts of the objects that stand in a file of another kind."""
    for body in islice(_objects(value), MAX_OBJECTS):
        yield from _object(body, [])


def read_kustomization(path: str, data: bytes) -> Iterator[Fact]:
    """The kustomization that a file is: its resources, patches and images as attributes."""
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents:
        if isinstance(document, Map):
            yield Resource(
                line=document.line,
                dialect="kubernetes",
                type="kustomize/Kustomization",
                name=path.split("/")[-2] if "/" in path else "",
                attributes=attributes_of(document, leave=("apiVersion", "kind")),
            )
            yield from (_installed(chart, "helm/Dependency") for chart in _maps(document.get("helmCharts")))
            for image in _maps(document.get("images")):
                name = _text(image.get("newName")) or _text(image.get("name"))
                if name:
                    yield Image(line=image.line, name=shortened(_tagged(name, image, "newTag")), use="deployment")


def read_chart(_path: str, data: bytes) -> Iterator[Fact]:
    """The Helm chart that a `Chart.yaml` describes, and each chart that it brings along."""
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents[:1]:
        if isinstance(document, Map) and "name" in document:
            yield Resource(
                line=document.at("name"),
                dialect="kubernetes",
                type="helm/Chart",
                name=_text(document["name"]),
                attributes=attributes_of(document, leave=("name",)),
            )
            for dependency in _maps(document.get("dependencies")):
                switch = _text(dependency.get("condition"))
                yield _installed(dependency, "helm/Dependency", f".Values.{switch}" if switch and "," not in switch else "")


def read_helmfile(path: str, data: bytes) -> Iterator[Fact]:
    """The releases that a helmfile declares, each with its chart among the attributes."""
    documents, error = _documents(path, data, template=b"{{" in data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents:
        for release in _maps(document.get("releases")) if isinstance(document, Map) else ():
            yield _installed(release, "helm/Release", "false" if release.get("installed") == "false" else "")


def _installed(body: Map, kind: str, conditional: str = "") -> Resource:
    """A chart that another one, a kustomization or a helmfile installs."""
    name = _text(body.get("name"))
    return Resource(line=body.line, dialect="kubernetes", type=kind, name=name, attributes=attributes_of(body), conditional=conditional)


def read_values(path: str, data: bytes) -> Iterator[Fact]:
    """What the values of a Helm chart, which may be elsewhere, say of the workload: its settings, its images and its scheduled commands.

    What they switch off (`enabled: false`) is left out.
    """
    if not any(word in data for word in _VALUES_WORDS):
        return
    documents, _ = parse_yaml(data)
    is_called_values = _VALUES.search(path) is not None
    for document in documents:
        is_workload = isinstance(document, Map) and any(map(_describes_workload, (document, *_maps_in(document))))
        if is_workload or is_called_values:
            yield from _images_of_values(document)
        if is_workload:
            yield from _workload(_switched_on(document))
        yield from _switches(document, "", 0)


def _workload(values: Value) -> Iterator[Fact]:
    """The values of a workload together, each at its own place, and what they schedule."""
    if isinstance(values, Map):
        first = next((key for key in values if key in _WORKLOAD), next(iter(values), ""))
        yield Resource(line=values.at(first), dialect="kubernetes", type="helm/Values", attributes=attributes_of(values))
        for key, value in islice(values.items(), MAX_OBJECTS):
            alone = Map(values.at(key))
            alone.put(key, value, alone.line)
            yield Resource(line=alone.line, dialect="kubernetes", type="helm/Value", name=shortened(key), attributes=attributes_of(alone))
        yield from _scheduled(values)


def _images_of_values(document: Value) -> Iterator[Image]:
    """Images that values name (`image: {repository, tag}`)."""
    for value in _within(document):
        repository = _text(value.get("repository"))
        if repository and ("tag" in value or "pullPolicy" in value) and "${" not in repository:
            registry = _text(value.get("registry"))
            name = _tagged(f"{registry}/{repository}" if registry else repository, value, "tag")
            yield Image(line=value.at("repository"), name=shortened(name), use="deployment")


def _describes_workload(values: Map) -> bool:
    """Whether a mapping has settings that charts of workloads ask for, of which one alone could mean something else."""
    if "kind" in values and "apiVersion" in values:
        return False
    image, resources = values.get("image"), values.get("resources")
    plain = (isinstance(image, Map) and "repository" in image) + (
        isinstance(resources, Map) and ("limits" in resources or "requests" in resources)
    )
    told = sum(key in _WORKLOAD and (key == "replicaCount" or not isinstance(value, str)) for key, value in values.items())
    return told >= 1 and told + plain + isinstance(values.get("service"), Map) >= 2


def _switched_on(value: Value, known: dict[int, Value] | None = None) -> Value:
    """The value without the mappings that are switched off; what aliases share stays shared."""
    known = {} if known is None else known
    if isinstance(value, str):
        return value
    if id(value) not in known:
        if isinstance(value, Map):
            kept = known[id(value)] = Map(value.line)
            for key, child in value.items():
                if not _is_off(child):
                    kept.put(key, _switched_on(child, known), value.at(key))
        else:
            listed = known[id(value)] = Sequence(value.line)
            for item, line in zip(value, value.lines, strict=True):
                if not _is_off(item):
                    listed.put(_switched_on(item, known), line)
    return known[id(value)]


def _switches(value: Value, above: str, depth: int) -> Iterator[Fact]:
    """What the values switch on and off, by their dotted names (`autoscaling.enabled`)."""
    if not isinstance(value, Map) or depth > _MAX_SWITCHES:
        return
    for key, child in value.items():
        name = f"{above}.{key}" if above else key
        if key == "enabled" and (said := _text(child).lower()) in ("true", "false"):
            kind = "default" if said == "false" else "value"
            yield Resource(line=value.at(key), dialect=SWITCHES, type=kind, name=shortened(name), attributes=(("value", said),))
        else:
            yield from _switches(child, name, depth + 1)


def _is_off(value: Value) -> bool:
    return isinstance(value, Map) and (_text(value.get("enabled")).lower() == "false" or _text(value.get("suspend")).lower() == "true")


def _scheduled(document: Value) -> Iterator[Task]:
    """A cron task for each mapping of a schedule and a command."""
    for value in _within(document):
        schedule = _text(value.get("schedule"))
        if not _CRON.fullmatch(schedule):
            continue
        words = [item for key in ("command", "args") for item, _ in items(value.get(key), 0) if isinstance(item, str)]
        if words[1:2] in (["-c"], ["-lc"], ["-ec"]):
            words = words[2:]
        if commands := split(" ".join(words), value.at("command" if "command" in value else "schedule")):
            yield Task(line=value.at("schedule"), kind="cron", name=schedule, commands=commands)


def _within(document: Value) -> Iterator[Map]:
    """The document's mappings, in order."""
    stack: list[tuple[Value, int]] = [(document, 0)]
    left = 20_000
    while stack and left:
        left -= 1
        value, depth = stack.pop()
        if isinstance(value, Map):
            yield value
        if not isinstance(value, str) and depth < MAX_NESTED:
            stack.extend((child, depth + 1) for child in (reversed(value.values()) if isinstance(value, Map) else reversed(value)))


def _documents(path: str, data: bytes, template: bool) -> tuple[list[Value], Unreadable | None]:
    if path.endswith(".json") or data.lstrip()[:1] in (b"{", b"["):
        try:
            return [parse_json(data)], None
        except Unreadable as error:
            return ([], error) if path.endswith(".json") else parse_yaml(data)
    return parse_template(data) if template else parse_yaml(data)


def _has_bare_placeholder(data: bytes) -> bool:
    """Whether a placeholder stands where YAML has a value or a line of its own: quoted ones are for the engine that runs the object."""
    return any(b"{" in line and _BARE_PLACEHOLDER.match(line) for line in data.split(b"\n"))


def _looks_like_manifest(data: bytes) -> bool:
    return bool(re.search(rb"^apiVersion:", data, re.MULTILINE) and re.search(rb"^kind:", data, re.MULTILINE))


def _objects(document: Value) -> Iterator[Map]:
    """The document's objects; lists of objects, and templates that hold some, are opened."""
    stack = [(document, 0)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, Map):
            kind = _text(value.get("kind"))
            items = value.get("objects" if kind == "Template" else "items")
            if (kind == "Template" or kind.endswith("List")) and isinstance(items, Sequence):
                if depth < 5:
                    stack.extend((item, depth + 1) for item in reversed(items))
            elif _type_of(value):
                yield value
        elif isinstance(value, Sequence) and depth == 0:
            stack.extend((item, 1) for item in reversed(value))


def _type_of(body: Map) -> str:
    """`group/Kind`, or nothing when the mapping is no Kubernetes object."""
    kind, version = _text(body.get("kind")), _text(body.get("apiVersion"))
    if not _KIND.fullmatch(kind):
        return ""
    if match := _API_VERSION.fullmatch(version):
        return f"{match[1] or 'core'}/{kind}"
    if "${" in version and (isinstance(body.get("metadata"), Map) or "spec" in body):
        group = version.partition("/")[0] if "/" in version and "${" not in version.partition("/")[0] else _GROUP_OF.get(kind, "core")
        return f"{group}/{kind}"
    return ""


def _object(body: Map, conditions: list[str]) -> Iterator[Fact]:
    kind = _type_of(body)
    metadata = body.get("metadata")
    name = ""
    if isinstance(metadata, Map):
        name = _text(metadata.get("name")) or _text(metadata.get("generateName"))
    if _FILLED_IN.fullmatch(name) and kind.startswith(_LOWER_CASE):
        return
    if _text(body.get("$patch")) == "delete":  # Kustomize takes such an object out of what others declare.
        return
    shown = body
    if kind in ("core/ConfigMap", "core/Secret"):
        shown = _without_payloads(body)
    scalars = list(islice(flatten(shown), MAX_SCALARS))
    line = body.at("kind")
    yield Resource(
        line=line,
        dialect="kubernetes",
        type=kind,
        name=shortened(name),
        attributes=bounded((key, text) for key, text, _ in scalars if key not in _NO_ATTRIBUTES),
        references=_references(scalars),
        conditional=conditions[line - 1] if 0 < line <= len(conditions) else "",
    )
    yield from images_of(scalars)
    for key, text, at in scalars:
        if key.endswith("alues") and "enabled: true" in text:  # The values of a chart, as a text of their own.
            yield from (switch for values in parse_yaml(text.encode())[0] for switch in _switches(values, "", 0))
        elif key.endswith(".enabled") and "alues" in key and text.lower() == "true":
            yield Resource(line=at, dialect=SWITCHES, type="value", name=shortened(key), attributes=(("value", "true"),))


def _without_payloads(body: Map) -> Map:
    """The object with the keys of its payload, but not what they hold: files and secrets are no attributes."""
    shown = Map(body.line)
    for key, value in body.items():
        if key in _PAYLOADS and isinstance(value, Map):
            keys = Map(value.line)
            for name in value:
                keys.put(name, "", value.at(name))
            shown.put(key, keys, body.at(key))
        else:
            shown.put(key, value, body.at(key))
    return shown


def _references(scalars: list[tuple[str, str, int]]) -> tuple[str, ...]:
    """Objects that this one names: a target's `kind/name`."""
    found: dict[str, None] = {}
    kind = ""
    for key, text, _ in scalars:
        if not key.endswith(("ef.kind", "ef.name")):
            continue
        if key.endswith(("Ref.kind", "ref.kind")):
            kind = text
        elif kind and key.endswith(("Ref.name", "ref.name")):
            found[f"{kind}/{text}"] = None
            kind = ""
    return tuple(found)[:50]


def _conditions(text: str) -> list[str]:
    """For each line of a template the `if`s around it, joined; `else` negates."""
    open_blocks: list[str] = []
    around: list[str] = []
    for line in text.split("\n"):
        for match in _CONTROL.finditer(line):
            word, condition = match[1], match[2].strip("- \t")[:200]
            if word == "end":
                if open_blocks:
                    open_blocks.pop()
            elif word.startswith("else"):
                if open_blocks and open_blocks[-1]:
                    open_blocks[-1] = condition if word != "else" else f"not ({open_blocks[-1]})"
            elif len(open_blocks) < 50:
                open_blocks.append(condition if word == "if" else "")
        around.append(" and ".join(filter(None, open_blocks))[:500])
    return around


def _tagged(name: str, image: Map, tag_key: str) -> str:
    digest = _text(image.get("digest"))
    tag = _text(image.get(tag_key))
    return f"{name}@{digest}" if digest else f"{name}:{tag}" if tag else name


def _may_be_manifest(path: str) -> bool:
    return path.endswith((".yaml", ".yml", ".json")) or _SUFFIXLESS.search(path) is not None


def _maps_in(body: Value) -> Iterator[Map]:
    """The mappings among a mapping's values, as a chart of several charts has them."""
    yield from (child for child in body.values() if isinstance(child, Map)) if isinstance(body, Map) else ()


def _maps(value: Value | None) -> Iterator[Map]:
    for item in value if isinstance(value, Sequence) else ():
        if isinstance(item, Map):
            yield item


def _text(value: Value | None) -> str:
    return value if isinstance(value, str) else ""


READINGS: tuple[Reading, ...] = (
    Reading(
        name="kubernetes", shows=RESOURCES, tried=True, claims=Claims(_may_be_manifest, ".yaml", ".yml", ".json", ""), read=read_manifest
    ),
    Reading(
        name="kustomize",
        shows=RESOURCES,
        claims=Claims(lambda path: bool(_KUSTOMIZATION.search(path)), "kustomization."),
        read=read_kustomization,
    ),
    Reading(name="helm-chart", shows=RESOURCES, claims=Claims(lambda path: bool(_CHART.search(path)), "chart."), read=read_chart),
    Reading(
        name="helmfile",
        shows=RESOURCES,
        claims=Claims(lambda path: bool(_HELMFILE.search(path)), "helmfile.", ".yaml", ".yml", holds="helmfile"),
        read=read_helmfile,
    ),
    Reading(
        name="helm-values", shows=RESOURCES, claims=Claims(lambda path: bool(_CALLED_VALUES.search(path)), holds="values"), read=read_values
    ),
    Reading(
        name="helm-environment",
        shows=RESOURCES,
        tried=True,
        claims=Claims(lambda path: bool(_OF_ENVIRONMENT.search(path)) and not _CALLED_VALUES.search(path), ".yaml", ".yml"),
        read=read_values,
    ),
)
