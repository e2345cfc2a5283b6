"""Which canonical type a declared resource has, by the product's own tables."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from rung.canonical import Canonical, tables_of
from rung.records import Resource, ResourceType

PACKS = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted((Path(__file__).parents[1] / "detectors" / "resources").glob("*.yaml"))
}
TYPES = tuple(
    ResourceType(type=entry["type"], terraform=tuple(entry.get("terraform", ())), kubernetes=tuple(entry.get("kubernetes", ())))
    for pack in PACKS.values()
    for entry in pack["types"]
)
CANONICAL = Canonical(tables_of(TYPES))


def canonical(dialect: str, name: str, **attributes: str) -> str:
    return CANONICAL.canonical(Resource(line=1, dialect=dialect, type=name, attributes=tuple(attributes.items())))


@pytest.mark.parametrize(
    ("dialect", "name", "expected"),
    [
        ("cloudformation", "AWS::S3::Bucket", "AWS::S3::Bucket"),
        ("cloudformation", "AWS::Serverless::Function", "AWS::Lambda::Function"),
        ("cloudformation", "AWS::Unheard::Of", "AWS::Unheard::Of"),
        ("arm", "microsoft.machinelearningservices/Workspaces", "Microsoft.MachineLearningServices/workspaces"),
        ("bicep", "Microsoft.Storage/storageAccounts@2022-09-01", "Microsoft.Storage/storageAccounts"),
        ("terraform", "aws_s3_bucket", "AWS::S3::Bucket"),
        ("terraform", "aws_sfn_state_machine", "AWS::StepFunctions::StateMachine"),
        ("terraform", "aws_sagemaker_inference_component", "AWS::SageMaker::InferenceComponent"),
        ("terraform", "awscc_sagemaker_model_package_group", "AWS::SageMaker::ModelPackageGroup"),
        ("terraform", "google_cloud_run_v2_service", "run.googleapis.com/Service"),
        ("terraform", "azurerm_linux_function_app", "Microsoft.Web/sites"),
        ("terraform", "kubernetes_deployment_v1", "apps/Deployment"),
        ("terraform", "databricks_mlflow_model", "databricks/Model"),
        ("terraform", "random_password", "random_password"),
        ("cdk", "aws_cdk.aws_s3.Bucket", "AWS::S3::Bucket"),
        ("cdk", "aws_cdk.aws_sagemaker.CfnEndpoint", "AWS::SageMaker::Endpoint"),
        ("cdk", "aws_cdk.aws_dynamodb.TableV2", "AWS::DynamoDB::Table"),
        ("cdk", "aws_cdk.aws_lambda_python_alpha.PythonFunction", "AWS::Lambda::Function"),
        ("cdk", "aws_cdk.aws_rds.DatabaseInstance", "AWS::RDS::DBInstance"),
        ("cdk", "js:@aws-cdk/aws-s3.CfnBucket", "AWS::S3::Bucket"),
        ("cdk", "js:aws-cdk-lib/aws-events.Rule", "AWS::Events::Rule"),
        ("cdk", "cdktf_cdktf_provider_aws.s3_bucket.S3Bucket", "AWS::S3::Bucket"),
        ("cdk", "js:@cdktf/provider-google/lib/storage-bucket.StorageBucket", "storage.googleapis.com/Bucket"),
        ("pulumi", "pulumi_aws.s3.BucketV2", "AWS::S3::Bucket"),
        ("pulumi", "js:@pulumi/aws.cloudwatch.MetricAlarm", "AWS::CloudWatch::Alarm"),
        ("pulumi", "aws:s3/bucket:Bucket", "AWS::S3::Bucket"),
        ("pulumi", "pulumi_gcp.vertex.AiEndpoint", "aiplatform.googleapis.com/Endpoint"),
        ("pulumi", "pulumi_google_native.storage.v1.Bucket", "storage.googleapis.com/Bucket"),
        (
            "pulumi",
            "pulumi_azure_native.machinelearningservices.v20230401.OnlineEndpoint",
            "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        ),
        ("pulumi", "pulumi_azure.core.ResourceGroup", "Microsoft.Resources/resourceGroups"),
        ("pulumi", "js:@pulumi/kubernetes/networking/v1.Ingress", "networking.k8s.io/Ingress"),
        ("pulumi", "pulumi_kubernetes.apps.v1.Deployment", "apps/Deployment"),
        ("kubernetes", "argoproj.io/Rollout", "argoproj.io/Rollout"),
        ("kubernetes", "extensions/Deployment", "apps/Deployment"),
        ("kubernetes", "serving.kubeflow.org/InferenceService", "serving.kserve.io/InferenceService"),
        ("kubernetes", "sagemaker.services.k8s.aws/Endpoint", "AWS::SageMaker::Endpoint"),
        ("kubernetes", "s3.aws.upbound.io/Bucket", "AWS::S3::Bucket"),
        ("kubernetes", "storage.cnrm.cloud.google.com/StorageBucket", "storage.googleapis.com/Bucket"),
        ("kubernetes", "example.org/Bucket", "example.org/Bucket"),
        ("databricks", "databricks/Job", "databricks/Job"),
    ],
)
def test_every_dialects_name_leads_to_the_canonical_type(dialect: str, name: str, expected: str) -> None:
    assert canonical(dialect, name) == expected


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("module", {"source": "terraform-aws-modules/eks/aws"}, "AWS::EKS::Cluster"),
        ("module", {"source": "terraform-aws-modules/eks/aws//modules/karpenter?ref=v1"}, "AWS::EKS::Cluster"),
        ("module", {"source": "./eks"}, "module"),
        (
            "azapi_resource",
            {"type": "Microsoft.MachineLearningServices/registries@2023-04-01"},
            "Microsoft.MachineLearningServices/registries",
        ),
        ("azapi_resource", {"type": "var.type"}, "azapi_resource"),
        ("kubernetes_manifest", {"manifest.apiVersion": "argoproj.io/v1alpha1", "manifest.kind": "Rollout"}, "argoproj.io/Rollout"),
    ],
)
def test_modules_and_wrappers_stand_for_what_they_declare(name: str, attributes: dict[str, str], expected: str) -> None:
    assert canonical("terraform", name, **attributes) == expected


def test_a_name_leads_to_one_type_only() -> None:
    names = Counter(name.lower() for entry in TYPES for name in (entry.type, *entry.terraform, *entry.kubernetes))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("pack", "pattern"),
    [
        ("aws", r"AWS::\w+::\w+"),
        ("gcp", r"[a-z]+\.googleapis\.com/[A-Z]\w+"),
        ("azure", r"Microsoft\.\w+(?:/\w+)+"),
        ("kubernetes", r"[a-z0-9.-]+/[A-Z]\w+"),
        ("services", r"[a-z0-9]+/[A-Z]\w+"),
    ],
)
def test_types_are_written_the_way_their_provider_does(pack: str, pattern: str) -> None:
    assert [entry["type"] for entry in PACKS[pack]["types"] if not re.fullmatch(pattern, entry["type"])] == []
    assert (PACKS[pack]["schema"], PACKS[pack]["provider"]) == ("resources/1", pack)
