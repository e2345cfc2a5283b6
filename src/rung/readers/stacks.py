"""Templates of a cloud's own deployment service: CloudFormation and SAM, ARM, Serverless Framework, Pulumi YAML.

A parameter with a default stands for that default; every other expression stays visible as `${…}` or as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers.attributes import attributes_of, bounded, images_of, shortened
from rung.readers.documents import Map, Sequence, Unreadable, Value, may_have_keys, parse_json, parse_yaml
from rung.readers.reading import RESOURCES, Claims, Reading, called, suffixed
from rung.records import Fact, Problem, Resource

Pair = tuple[str, str]

MAX_DEPTH = 60
"""Depth to which values and nested resources are followed."""
MAX_RESOURCES = 2000
"""Resources of one template."""
MAX_VALUES = 300_000
"""Values of one template that are looked at; aliases can make a small file huge."""

MAX_DEFAULT = 200
"""Characters of a parameter's default that is put in its place."""

_SERVERLESS = regex(r"(?:^|/)serverless(?:[.-][\w-]+)?\.ya?ml(?:\.\w+)?$")
_ARM_SCHEMA = regex(rb"eploymentTemplate\.json|\"type\"\s*:\s*\"Microsoft\.", re.IGNORECASE)
_ARM_TYPE = regex(r"[A-Za-z]\w*(?:\.\w+)+/[\w./]+")
_ARM_NAMED = regex(r"\[(parameters|variables)\('([^'\]]+)'\)\]")
_ARM_RESOURCE_ID = regex(r"resourceId\((?:[^()]*?,\s*)??'([A-Za-z]\w*(?:\.\w+)+/[\w./]+)'")
_SUBSTITUTED = regex(r"\$\{([A-Za-z0-9.:]+)\}")
_SAM_SOURCES = {
    "Schedule": "AWS::Events::Rule",
    "ScheduleV2": "AWS::Scheduler::Schedule",
    "CloudWatchEvent": "AWS::Events::Rule",
    "EventBridgeRule": "AWS::Events::Rule",
    "SQS": "AWS::Lambda::EventSourceMapping",
    "Kinesis": "AWS::Lambda::EventSourceMapping",
    "DynamoDB": "AWS::Lambda::EventSourceMapping",
    "MSK": "AWS::Lambda::EventSourceMapping",
    "SNS": "AWS::SNS::Subscription",
}
"""What SAM makes of an event of a function or state machine."""
_SERVERLESS_SOURCES = {
    "schedule": "AWS::Events::Rule",
    "eventBridge": "AWS::Events::Rule",
    "cloudwatchEvent": "AWS::Events::Rule",
    "cloudwatchLog": "AWS::Logs::SubscriptionFilter",
    "sqs": "AWS::Lambda::EventSourceMapping",
    "stream": "AWS::Lambda::EventSourceMapping",
    "msk": "AWS::Lambda::EventSourceMapping",
    "kafka": "AWS::Lambda::EventSourceMapping",
    "sns": "AWS::SNS::Subscription",
    "http": "AWS::ApiGateway::Method",
    "httpApi": "AWS::ApiGatewayV2::Route",
}
_SERVERLESS_FUNCTIONS = {
    "aws": "AWS::Lambda::Function",
    "google": "cloudfunctions.googleapis.com/CloudFunction",
    "azure": "Microsoft.Web/sites",
}


def read_cloudformation(path: str, data: bytes) -> Iterator[Fact]:
    """Facts of a CloudFormation or SAM template; nothing when the file is none."""
    key = b'"Resources"' if path.endswith(".json") else b"Resources"  # A text of JSON can hold a template as an example.
    if b"AWS::" not in data or not may_have_keys(data, key) or _SERVERLESS.search(path):
        return
    documents, error = _documents(path, data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents:
        if isinstance(document, Map):
            yield from _Stack(document).facts()


def read_serverless(_path: str, data: bytes) -> Iterator[Fact]:
    """Facts of a Serverless Framework service: functions, what starts them, and its own CloudFormation."""
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents[:1]:
        if not isinstance(document, Map) or not ("provider" in document or "functions" in document):
            continue
        yield from _functions(document)
        resources = document.get("resources")
        for part in resources if isinstance(resources, Sequence) else [resources]:
            if isinstance(part, Map):
                yield from _Stack(part, "serverless").facts()


def read_arm(_path: str, data: bytes) -> Iterator[Fact]:
    """Facts of an Azure Resource Manager template; nothing when the file is none."""
    if not (b"resources" in data and b"apiVersion" in data and _ARM_SCHEMA.search(data)):
        return
    try:
        document = parse_json(data)
    except Unreadable as error:
        yield Problem(line=error.line, what=error.what)
        return
    if isinstance(document, Map):
        yield from _arm_template(document, 0)


def read_pulumi(_path: str, data: bytes) -> Iterator[Fact]:
    """Resources of a Pulumi program that is written in YAML; other programs are read as source code."""
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for document in documents:
        resources = document.get("resources") if isinstance(document, Map) else None
        for name, body, line in _items(resources):
            kind = _text(body.get("type"))
            if kind:
                attributes = attributes_of(body.get("properties", ""))
                yield Resource(line=line, dialect="pulumi", type=kind, name=name, attributes=attributes)
                yield from images_of((key, value, line) for key, value in attributes)


def _documents(path: str, data: bytes) -> tuple[list[Value], Unreadable | None]:
    if path.endswith(".json") or data.lstrip()[:1] == b"{":
        try:
            return [parse_json(data)], None
        except Unreadable as error:
            return ([], error) if path.endswith(".json") else parse_yaml(data)
    return parse_yaml(data)


# ── CloudFormation ───────────────────────────────────────────────────────────────────────────────────


class _Stack:
    """A CloudFormation template, its intrinsic functions made into text."""

    def __init__(self, document: Map, dialect: str = "cloudformation") -> None:
        self.dialect = dialect
        self.left = MAX_VALUES
        resources = document.get("Resources")
        self.resources = resources if isinstance(resources, Map) else Map()
        parameters = {name: _text(body.get("Default")) for name, body, _ in _items(document.get("Parameters"))}
        self.defaults = {name: default for name, default in parameters.items() if 0 < len(default) <= MAX_DEFAULT}

    def facts(self) -> Iterator[Fact]:
        for name, body, line in _items(self.resources):
            kind = _text(body.get("Type"))
            if "::" not in kind:
                continue
            properties = body.get("Properties", "")
            extras = Map(line)
            for key in ("DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy"):
                if key in body:
                    extras.put(key, body[key], body.at(key))
            attributes = bounded([*self.pairs(properties, "", 0), *self.pairs(extras, "", 0)])
            yield Resource(
                line=line,
                dialect=self.dialect,
                type=kind,
                name=name,
                attributes=attributes,
                references=self.references(body, name),
                conditional=_text(body.get("Condition")),
            )
            yield from images_of((key, value, line) for key, value in attributes)
            if kind.startswith("AWS::Serverless::") and isinstance(properties, Map):
                yield from self.events(properties.get("Events"), name)

    def events(self, events: Value | None, function: str) -> Iterator[Fact]:
        for name, body, line in _items(events):
            kind = _SAM_SOURCES.get(_text(body.get("Type")))
            if kind:
                properties = body.get("Properties", "")
                attributes = list(self.pairs(properties, "", 0))
                schedule = dict(attributes).get("Schedule")
                if schedule:
                    attributes.append(("ScheduleExpression", schedule))
                if dict(attributes).get("Enabled") == "false":
                    attributes.append(("State", "DISABLED"))
                yield Resource(
                    line=line, dialect=self.dialect, type=kind, name=function + name, attributes=bounded(attributes), references=(function,)
                )

    def pairs(self, value: Value, path: str, depth: int) -> Iterator[Pair]:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            return
        if isinstance(value, Map):
            if len(value) == 1:
                function, argument = next(iter(value.items()))
                if function == "Fn::If" and isinstance(argument, Sequence) and len(argument) == 3:
                    for branch in argument[1:]:
                        yield from self.pairs(branch, path, depth + 1)
                    return
                if function in ("Ref", "Condition") or function.startswith("Fn::"):
                    text = self.intrinsic(function, argument, depth)
                    if text != "${AWS::NoValue}":
                        yield path, text
                    return
            for key, child in value.items():
                yield from self.pairs(child, f"{path}.{key}" if path else key, depth + 1)
        elif isinstance(value, Sequence):
            for child in value:
                yield from self.pairs(child, path, depth + 1)
        else:
            yield path, value
        if not value and not isinstance(value, str) and path:
            yield path, ""

    def intrinsic(self, function: str, argument: Value, depth: int) -> str:
        """An intrinsic function as text: what it surely gives, or `${…}` with its words."""
        if function == "Ref":
            name = _text(argument)
            return self.defaults.get(name, "${" + name + "}")
        if function == "Fn::Sub":
            text = _text(argument[0]) if isinstance(argument, Sequence) and argument else _text(argument)
            return _SUBSTITUTED.sub(lambda match: self.defaults.get(match[1], match[0]), shortened(text))
        if function == "Fn::GetAtt":
            return "${" + (".".join(map(_text, argument)) if isinstance(argument, Sequence) else _text(argument)) + "}"
        if function == "Fn::Join" and isinstance(argument, Sequence) and len(argument) == 2 and isinstance(argument[1], Sequence):
            return _text(argument[0]).join(self.plain(item, depth + 1) for item in argument[1])
        if function == "Fn::Base64":
            return self.plain(argument, depth + 1)
        return "${" + f"{function.removeprefix('Fn::')} {self.plain(argument, depth + 1)}"[: MAX_DEPTH * 4].strip() + "}"

    def plain(self, value: Value, depth: int) -> str:
        return " ".join(text for _, text in bounded(self.pairs(value, "", depth)))

    def references(self, body: Map, own: str) -> tuple[str, ...]:
        """Names of the template's resources that the body refers to."""
        found: dict[str, None] = {}
        stack: list[tuple[Value, int]] = [(body, 0)]
        left = 20_000
        while stack and left:
            left -= 1
            value, depth = stack.pop()
            if depth > MAX_DEPTH or isinstance(value, str):
                continue
            if isinstance(value, Sequence):
                stack.extend((child, depth + 1) for child in reversed(value))
                continue
            for key, child in value.items():
                if key in ("Ref", "DependsOn", "Fn::GetAtt"):
                    names = [_text(item) for item in child] if isinstance(child, Sequence) else [_text(child)]
                    for name in names:
                        found[name.partition(".")[0]] = None
                elif key == "Fn::Sub":
                    text = _text(child[0]) if isinstance(child, Sequence) and child else _text(child)
                    for name in _SUBSTITUTED.findall(text):
                        found[name.partition(".")[0]] = None
            stack.extend((child, depth + 1) for child in reversed(value.values()))
        return tuple(name for name in found if name in self.resources and name != own)


# ── Serverless Framework ─────────────────────────────────────────────────────────────────────────────


def _functions(document: Map) -> Iterator[Fact]:
    provider = document.get("provider")
    cloud = _text(provider.get("name")) if isinstance(provider, Map) else _text(provider)
    kind = _SERVERLESS_FUNCTIONS.get(cloud, _SERVERLESS_FUNCTIONS["aws"])
    functions = document.get("functions")
    for part in functions if isinstance(functions, Sequence) else [functions]:
        for name, body, line in _items(part):
            attributes = attributes_of(body)
            yield Resource(line=line, dialect="serverless", type=kind, name=name, attributes=attributes)
            yield from images_of((key, value, line) for key, value in attributes if key == "image" or key.endswith("image.uri"))
            if cloud not in ("google", "azure"):
                yield from _events(body.get("events"), name)
    machines = document.get("stepFunctions")
    for name, body, line in _items(machines.get("stateMachines") if isinstance(machines, Map) else None):
        yield Resource(line=line, dialect="serverless", type="AWS::StepFunctions::StateMachine", name=name, attributes=attributes_of(body))
        yield from _events(body.get("events"), name)


def _events(events: Value | None, function: str) -> Iterator[Fact]:
    for event in events if isinstance(events, Sequence) else ():
        if not isinstance(event, Map):
            continue
        for source, body in event.items():
            kind = _SERVERLESS_SOURCES.get(source)
            if not kind:
                continue
            attributes: list[Pair] = [(source, body)] if isinstance(body, str) else list(attributes_of(body))
            if source == "schedule":
                rates = [value for key, value in attributes if key in ("schedule", "rate")]
                attributes.extend(("ScheduleExpression", rate) for rate in rates)
                if ("enabled", "false") in attributes:
                    attributes.append(("State", "DISABLED"))
            yield Resource(
                line=event.at(source),
                dialect="serverless",
                type=kind,
                name=function,
                attributes=bounded(attributes),
                references=(function,),
            )


# ── Azure Resource Manager ───────────────────────────────────────────────────────────────────────────


def _arm_template(template: Map, depth: int) -> Iterator[Fact]:
    known = {("parameters", name): _text(body.get("defaultValue")) for name, body, _ in _items(template.get("parameters"))}
    variables = template.get("variables")
    if isinstance(variables, Map):
        known |= {("variables", name): value for name, value in variables.items() if isinstance(value, str)}
    yield from _arm_resources(template.get("resources"), "", known, depth)


def _arm_resources(resources: Value | None, parent: str, known: dict[tuple[str, str], str], depth: int) -> Iterator[Fact]:
    if depth > 8:
        return
    bodies = list(resources.values()) if isinstance(resources, Map) else resources if isinstance(resources, Sequence) else []
    for body in bodies[:MAX_RESOURCES]:
        if not isinstance(body, Map) or "existing" in body:
            continue
        kind = _text(body.get("type"))
        if parent and kind and not kind.lower().startswith(parent.partition("/")[0].lower() + "/"):
            kind = f"{parent}/{kind}"
        if not _ARM_TYPE.fullmatch(kind):
            continue
        inner = body.get("properties")
        template = inner.get("template") if isinstance(inner, Map) else None
        shown = body
        if isinstance(template, Map):
            shown = Map(body.line)
            for key, child in body.items():
                if key != "properties":
                    shown.put(key, child, body.at(key))
        line = body.at("type")
        attributes = tuple(
            (key, shortened(_arm_text(value, known)))
            for key, value in attributes_of(shown, leave=("type", "name", "resources", "condition"))
        )
        condition = _arm_text(_text(body.get("condition")), known).strip("[]")
        yield Resource(
            line=line,
            dialect="arm",
            type=kind,
            name=shortened(_arm_text(_text(body.get("name")), known)),
            attributes=attributes,
            references=tuple(dict.fromkeys(_ARM_RESOURCE_ID.findall(" ".join(value for _, value in attributes)))),
            conditional="" if condition == "true" else "false" if condition.lower() in ("false", "false()") else condition,
        )
        yield from images_of((key, value, line) for key, value in attributes)
        yield from _arm_resources(body.get("resources"), kind, known, depth + 1)
        if isinstance(template, Map):
            yield from _arm_template(template, depth + 1)


def _arm_text(text: str, known: dict[tuple[str, str], str]) -> str:
    named = _ARM_NAMED.fullmatch(text)
    return (known.get((named[1], named[2])) or text) if named else text


# ── Shared ───────────────────────────────────────────────────────────────────────────────────────────


def _items(value: Value | None) -> Iterator[tuple[str, Map, int]]:
    """Name, body and line of a mapping's entries that are mappings themselves, MAX_RESOURCES at most."""
    if isinstance(value, Map):
        for name, body in list(value.items())[:MAX_RESOURCES]:
            if isinstance(body, Map):
                yield name, body, value.at(name)


def _text(value: Value | None) -> str:
    return value if isinstance(value, str) else ""


READINGS: tuple[Reading, ...] = (
    Reading(
        name="cloudformation", shows=RESOURCES, tried=True, claims=suffixed(".yaml", ".yml", ".json", ".template"), read=read_cloudformation
    ),
    Reading(
        name="serverless",
        shows=RESOURCES,
        claims=Claims(lambda path: bool(_SERVERLESS.search(path)), holds="serverless"),
        read=read_serverless,
    ),
    Reading(name="arm", shows=RESOURCES, tried=True, claims=suffixed(".json", ".template"), read=read_arm),
    Reading(name="pulumi-yaml", shows=RESOURCES, claims=called("Pulumi.yaml", "Pulumi.yml"), read=read_pulumi),
)
