"""Infrastructure that source code declares: AWS CDK, CDK for Terraform and Pulumi, from the calls a source reader saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.expressions import regex
from rung.readers.attributes import bounded, shortened
from rung.records import Call, Resource

_CDK = regex(
    r"aws_cdk\.aws_\w+\.[A-Z]\w*"
    r"|aws_cdk\.aws_\w+_alpha\.[A-Z]\w*"
    r"|js:(?:aws-cdk-lib|@aws-cdk)[/.]aws[-_][\w-]+\.[A-Z]\w*"
    r"|js:aws-cdk-lib\.aws_\w+\.[A-Z]\w*"
    r"|aws_cdk\.pipelines\.CodePipeline"
    r"|js:aws-cdk-lib/pipelines\.CodePipeline"
)
_CDKTF = regex(
    r"cdktf_cdktf_provider_\w+(?:\.\w+){1,3}\.[A-Z]\w*"
    r"|js:@cdktf/provider-[\w-]+(?:/[\w-]+){0,4}(?:\.[a-z]\w*)?\.[A-Z]\w*"
)
_PULUMI = regex(
    r"pulumi_[a-z]\w*(?:\.[a-z]\w*){0,4}\.[A-Z]\w*"
    r"|js:@pulumi/[a-z][\w-]*(?:[/.][a-z][\w-]*){0,4}\.[A-Z]\w*"
)
STEMS = ("aws_cdk", "cdktf_cdktf_provider_", "pulumi_", "js:aws-cdk-lib", "js:@aws-cdk", "js:@cdktf/provider-", "js:@pulumi/")
"""What the first parts of the names of calls begin with that can declare infrastructure, and those of the values handed to them."""
OWN = regex(r"_lambda(?:_func(?:tion)?|_fn)?$|Lambda(?:Function|Func|Fn)?$")
"""Last parts of the names of calls that can be a construct of one's own around a function of AWS Lambda."""
_HANDLER = regex(r"[\w/-]+(?:\.[\w/-]+)*\.\w+")
_PREFIXES = ("aws_cdk.", "js:aws-cdk-lib", "js:@aws-cdk", "cdktf_cdktf_provider_", "js:@cdktf/provider-", "pulumi_", "js:@pulumi/")
_SCHEDULE = regex(r"\.Schedule(?:Expression)?\.(expression|cron|rate|at)$")
_DURATION = regex(r"(?:aws_cdk|js:aws-cdk-lib|js:@aws-cdk/core)\.Duration\.(days|hours|minutes|seconds)$")
_METRIC = regex(r"\.metric_?([A-Za-z]\w*)$|cloudwatch\.Metric$")
_PROPERTY = regex(r"\.([A-Z]\w*?)(?:Property|Args)$")
_NO_RESOURCE = regex(
    r"(?:Args|Props|Property|Outputs?|Statement|PolicyDocument|Principal|Pattern|Provider|Options|Dimension|Duration|Schedule|Grant|"
    r"BuildEnvironment|BuildEnvironmentVariable|ProductVersion|Field|Code|Image|Action|Artifact|Source|Integration|Authorizer|Filter|Rotation|Asset|Config|"
    r"\.InstanceType|VpcEndpointAwsService|VpcEndpointService|cloudwatch\.Metric|LogDriver)$"
)
"""Ends of class names that are values handed to a resource, not resources."""
_HELPER_MODULES = regex(
    r"aws[-_]\w+[-_](?:targets|actions|subscriptions|tasks|integrations|destinations|authorizers|event[-_]sources|notifications|origins)\b"
)
"""CDK modules that only bind resources to each other."""
_YET_RESOURCE = regex(
    r"(?:\.Cfn\w+|EndpointConfig|Endpoint_?Configuration|LaunchConfig\w*|MetricFilter|SubscriptionFilter|DataSource|DockerImageAsset|ComputeImage"
    r"|(?:^|[._])scheduler\.Schedule|monitoring\.Dashboard|CostAllocation\w*|[a-z]\.(?:Schedule|Image|Authorizer|Integration|Asset))$"
)


def resources_of(calls: Iterable[Call]) -> list[Resource]:
    """The resources that constructor calls of one file declare; every other call gives nothing.

    The type is the call's own name, the name its first literal argument, the attributes its keywords and those of the
    property objects, schedules, durations and metrics that are built among its arguments. A construct or a helper of one's
    own that is called like a Lambda and given a handler is the function that it makes.
    """
    found: list[tuple[Call, str, list[tuple[str, str]]]] = []
    around: list[tuple[int, list[tuple[str, str]]]] = []
    likely = [call for call in calls if call.name.startswith(_PREFIXES) or _is_own(call)]
    is_cdk = any(_CDK.match(call.name) for call in likely)
    dialects = [(call, _dialect(call) or ("cdk" if is_cdk and _is_own(call) else "")) for call in likely]
    for call, dialect in sorted(dialects, key=lambda pair: (pair[0].line, -pair[0].end_line, not pair[1])):
        while around and around[-1][0] < call.line:
            around.pop()
        if dialect:
            attributes = list(call.keywords)
            found.append((call, dialect, attributes))
            around.append((max(call.end_line, call.line), attributes))
        elif around:
            around[-1][1].extend(_inner_attributes(call))
    return [
        Resource(
            line=call.line,
            dialect=dialect,
            type="aws_cdk.aws_lambda.Function" if _is_own(call) else call.name,
            name=shortened(call.arguments[0]) if call.arguments else "",
            attributes=bounded(attributes),
        )
        for call, dialect, attributes in found
    ]


def _inner_attributes(call: Call) -> Iterator[tuple[str, str]]:
    """What a call among a resource's arguments adds to its attributes."""
    if schedule := _SCHEDULE.search(call.name):
        words = [*call.arguments, *(f"{key}={value}" for key, value in call.keywords)]
        yield "ScheduleExpression", words[0] if schedule[1] == "expression" and words else f"{schedule[1]}({' '.join(words)})"
    elif duration := _DURATION.search(call.name):
        yield f"Duration.{duration[1]}", next(iter(call.arguments), "")
    elif metric := _METRIC.search(call.name):
        if metric[1]:
            yield "MetricName", metric[1].replace("_", "")
        yield from call.keywords
    elif inner := _PROPERTY.search(call.name):
        for key, value in call.keywords:
            yield f"{inner[1]}.{key}", value


def _is_own(call: Call) -> bool:
    handed = any(key == "handler" and _HANDLER.fullmatch(value) for key, value in call.keywords)
    return handed and call.kind == "call" and bool(OWN.search(call.name)) and not call.name.startswith(_PREFIXES)


def _dialect(call: Call) -> str:
    """cdk or pulumi when the call constructs a resource, else nothing."""
    if call.kind != "call":
        return ""
    if call.name.startswith(("aws_cdk.", "js:aws-cdk-lib", "js:@aws-cdk")):
        return "cdk" if _CDK.fullmatch(call.name) and _is_resource(call.name) else ""
    if call.name.startswith(("cdktf_cdktf_provider_", "js:@cdktf/provider-")):
        return "cdk" if _CDKTF.fullmatch(call.name) and _is_resource(call.name) and ".Data" not in call.name else ""
    if call.name.startswith(("pulumi_", "js:@pulumi/")):
        return "pulumi" if _PULUMI.fullmatch(call.name) and _is_resource(call.name) else ""
    return ""


def _is_resource(name: str) -> bool:
    return not _HELPER_MODULES.search(name) and (not _NO_RESOURCE.search(name) or bool(_YET_RESOURCE.search(name)))
