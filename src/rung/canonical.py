"""One name for an infrastructure type, however it is declared.

Canonical are CloudFormation's names, Google's asset types, ARM's types, and `group/Kind` of Kubernetes. Tables (the
resource packs) give Terraform's names; everything else follows from folding: `aws_cdk.aws_s3.CfnBucket`,
`pulumi_aws.s3.BucketV2` and `aws_s3_bucket` all fold to `awss3bucket`, and so does `AWS::S3::Bucket`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from rung.expressions import regex
from rung.records import Resource, ResourceType

_SAM = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::LayerVersion": "AWS::Lambda::LayerVersion",
    "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
    "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
    "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::Application": "AWS::CloudFormation::Stack",
}
"""What SAM's transform makes of its own types."""
_CONSTRUCTS = {
    "ec2instance": "AWS::EC2::Instance",
    "ec2interfacevpcendpoint": "AWS::EC2::VPCEndpoint",
    "ec2gatewayvpcendpoint": "AWS::EC2::VPCEndpoint",
    "rdsdatabaseinstance": "AWS::RDS::DBInstance",
    "rdsdatabaseinstancereadreplica": "AWS::RDS::DBInstance",
    "rdsdatabaseinstancefromsnapshot": "AWS::RDS::DBInstance",
    "rdsdatabasecluster": "AWS::RDS::DBCluster",
    "rdsserverlesscluster": "AWS::RDS::DBCluster",
    "ecsfargateservice": "AWS::ECS::Service",
    "ecsec2service": "AWS::ECS::Service",
    "ecsfargatetaskdefinition": "AWS::ECS::TaskDefinition",
    "ecsec2taskdefinition": "AWS::ECS::TaskDefinition",
    "ecspatternsapplicationloadbalancedfargateservice": "AWS::ECS::Service",
    "ecspatternsapplicationloadbalancedec2service": "AWS::ECS::Service",
    "ecspatternsnetworkloadbalancedfargateservice": "AWS::ECS::Service",
    "ecspatternsqueueprocessingfargateservice": "AWS::ECS::Service",
    "ecspatternsscheduledfargatetask": "AWS::Events::Rule",
    "eksfargatecluster": "AWS::EKS::Cluster",
    "codebuildpipelineproject": "AWS::CodeBuild::Project",
    "codedeploylambdadeploymentgroup": "AWS::CodeDeploy::DeploymentGroup",
    "codedeployecsdeploymentgroup": "AWS::CodeDeploy::DeploymentGroup",
    "codedeployserverdeploymentgroup": "AWS::CodeDeploy::DeploymentGroup",
    "elasticloadbalancingv2applicationloadbalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "elasticloadbalancingv2networkloadbalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "lambdadockerimagefunction": "AWS::Lambda::Function",
    "lambdanodejsnodejsfunction": "AWS::Lambda::Function",
    "lambdapythonpythonfunction": "AWS::Lambda::Function",
    "lambdagogofunction": "AWS::Lambda::Function",
    "lambdaeventsourcemapping": "AWS::Lambda::EventSourceMapping",
    "kinesisfirehosedeliverystream": "AWS::KinesisFirehose::DeliveryStream",
    "iammanagedpolicy": "AWS::IAM::ManagedPolicy",
    "pipelinescodepipeline": "AWS::CodePipeline::Pipeline",
    "ecrassetsdockerimageasset": "AWS::ECR::Repository",
    "sagemakerendpointconfig": "AWS::SageMaker::EndpointConfig",
}
"""CDK's higher constructs whose name is not the resource's: service and class, folded."""
_WRAPPERS = frozenset(("kubernetes_manifest", "aws_cloudcontrolapi_resource", "azapi_resource"))
"""Terraform resources that take another system's type as an argument."""
_API_VERSION = regex(r"v\d+(?:(?:alpha|beta)\d+)?(?:p\d+(?:beta|alpha)\d+)?|v?\d{8}(?:preview)?", re.IGNORECASE)
_NAME_VERSION = regex(r"V\d+$|_v\d+$")


class Tables(Struct, frozen=True):
    """The canonical types of the resource packs; plain, so that they can be kept."""

    names: dict[str, str] = {}
    """By every name that the packs give, in lower case."""
    folded: dict[str, str] = {}
    leaves: dict[str, str | None] = {}
    """By provider and last part, folded; nothing where several have the same."""


def tables_of(types: Sequence[ResourceType]) -> Tables:
    """The tables of some packs' types."""
    tables = Tables()
    for resource_type in types:
        for name in (resource_type.type, *resource_type.terraform, *resource_type.kubernetes):
            tables.names.setdefault(name.lower(), resource_type.type)
    for resource_type in types:
        tables.folded.setdefault(_fold(resource_type.type.replace(".googleapis.com", "")), resource_type.type)
        if resource_type.type.startswith("Microsoft."):
            provider, *segments = resource_type.type.split("/")
            tables.folded.setdefault(_fold(provider + "".join(map(_singular, segments))), resource_type.type)
            leaf = _fold(provider + _singular(segments[-1]))
            tables.leaves[leaf] = None if leaf in tables.leaves else resource_type.type
    for resource_type in types:
        for name in (*resource_type.terraform, *resource_type.kubernetes):
            tables.folded.setdefault(_fold(name), resource_type.type)
    return tables


class Canonical:
    """Canonical names of infrastructure types, by the tables of the resource packs and by folding."""

    def __init__(self, tables: Tables) -> None:
        self._names, self._folded, self._leaves = tables.names, tables.folded, tables.leaves
        self._answers: dict[tuple[str, str], str] = {}

    def canonical(self, resource: Resource) -> str:
        """The canonical type of a resource; its own type's name when no canonical one is known."""
        if resource.dialect == "terraform":
            if resource.type == "module":
                return self._module(resource)
            if resource.type in _WRAPPERS:
                return self._known(*_wrapped(resource)) or resource.type
        key = (resource.type, resource.dialect)
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = self._known(*key) or resource.type.partition("@")[0]
        return found

    def _module(self, resource: Resource) -> str:
        """A module of a registry that stands for one resource: the tables list it by its source."""
        source = dict(resource.attributes).get("source", "").partition("?")[0].removeprefix("registry.terraform.io/").lower()
        return self._names.get("/".join(source.split("/")[:3])) or resource.type

    def _known(self, name: str, dialect: str) -> str:
        for candidate in _names_of(name, dialect):
            if found := self._names.get(candidate.lower()):
                return found
        for folded in _folds_of(name, dialect):
            if found := _CONSTRUCTS.get(folded) if dialect == "cdk" else None:
                return found
            if found := self._folded.get(folded) or self._leaves.get(folded):
                return found
        return _SAM.get(name, "")


def _wrapped(resource: Resource) -> tuple[str, str]:
    """The type and dialect of what a generic Terraform resource wraps."""
    attributes = dict(resource.attributes)
    if resource.type == "kubernetes_manifest":
        group, _, version = attributes.get("manifest.apiVersion", "").rpartition("/")
        return (f"{group or 'core'}/{attributes.get('manifest.kind', '')}" if version else "", "kubernetes")
    if resource.type == "aws_cloudcontrolapi_resource":
        return attributes.get("type_name", ""), "cloudformation"
    return attributes.get("type", "").partition("@")[0], "arm"


def _names_of(name: str, dialect: str) -> Iterator[str]:
    """Names under which a table may hold the type."""
    yield name.partition("@")[0]
    if name in _SAM:
        yield _SAM[name]
    if dialect == "terraform":
        yield _NAME_VERSION.sub("", name)
    elif dialect == "pulumi" and (parts := _pulumi(name)) and parts[0] == "kubernetes":
        _, *groups, kind = parts
        yield f"{groups[-1] if groups else 'core'}/{kind}"
        yield f"{groups[-1] if groups else 'core'}.k8s.io/{kind}"


def _folds_of(name: str, dialect: str) -> Iterator[str]:
    """Folded names under which the type may be known, the surest first."""
    if dialect == "terraform":
        if name.startswith("aws_"):
            yield _fold(name)
            yield _fold(_NAME_VERSION.sub("", name))
        elif name.startswith("awscc_"):
            yield _fold("aws_" + name.removeprefix("awscc_"))
    elif dialect == "cdk":
        yield from _cdk(name)
    elif dialect == "pulumi":
        if parts := _pulumi(name):
            yield from _pulumi_folds(*parts)
    elif dialect == "kubernetes":
        yield from _operator_folds(name)


def _cdk(name: str) -> Iterator[str]:
    """`aws_cdk.aws_s3.CfnBucket`, `aws-cdk-lib/aws-s3.Bucket`, and CDKTF's provider bindings."""
    *modules, kind = re.split(r"[./]", name.removeprefix("js:").replace("@", ""))
    service = next((module for module in reversed(modules) if re.match(r"aws[-_](?!cdk)", module)), "")
    if re.search(r"provider[-_]", name):
        provider = re.search(r"provider[-_]([a-z0-9]+)", name)
        if provider:
            yield _fold(provider[1]) + _fold(kind)
        return
    service = re.sub(r"[-_]alpha$", "", service)[4:]
    kind = re.sub(r"^Cfn(?=[A-Z])", "", kind)
    for given in (kind, _NAME_VERSION.sub("", kind)):
        yield _fold(service + given)
        yield "aws" + _fold(service + given)


def _pulumi(name: str) -> tuple[str, ...] | None:
    """Provider, modules and class of a Pulumi type, API versions left out."""
    plain = name.removeprefix("js:").removeprefix("@")
    if ":" in plain:
        provider, _, rest = plain.partition(":")
        module, _, kind = rest.rpartition(":")
        parts = [provider, *re.split(r"[/.]", module)[:1], kind]
    else:
        parts = re.split(r"[./]", plain.removeprefix("pulumi/").removeprefix("pulumi_"))
    kept = [part for part in parts if part and not _API_VERSION.fullmatch(part)]
    return (kept[0].replace("_", "-"), *(part.strip("_") for part in kept[1:])) if len(kept) > 1 else None


def _pulumi_folds(provider: str, *names: str) -> Iterator[str]:
    *modules, kind = names
    module = modules[-1] if modules else ""
    prefixes = {"aws": "aws", "aws-native": "aws", "gcp": "google", "google-native": "", "azure": "azurerm", "azure-native": "microsoft"}
    prefix = prefixes.get(provider, _fold(provider))
    for given in (kind, _NAME_VERSION.sub("", kind)):
        yield prefix + _fold(module + given)
        if provider != "azure-native":
            yield prefix + _fold(given)


def _operator_folds(name: str) -> Iterator[str]:
    """Cloud resources that operators declare as Kubernetes objects: ACK, Crossplane, Config Connector, Azure Service Operator."""
    group, _, kind = name.partition("/")
    service, _, domain = group.partition(".")
    if domain == "services.k8s.aws" or domain.startswith("aws."):
        yield "aws" + _fold(service + kind)
        yield "aws" + _fold(kind)
    elif domain == "cnrm.cloud.google.com":
        yield "google" + _fold(kind)
    elif domain.startswith("gcp."):
        yield "google" + _fold(service + kind)
    elif domain.startswith("azure.") and "azure.com" not in domain:
        yield "azurerm" + _fold(service + kind)
        yield "azurerm" + _fold(kind)
    elif group.endswith(".azure.com"):
        yield "microsoft" + _fold(service + kind)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    return word.removesuffix("s") if not word.endswith("ss") else word


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
