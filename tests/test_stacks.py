"""What the readers of CloudFormation, SAM, Serverless, ARM and Pulumi templates see."""

from __future__ import annotations

import pytest

from rung.readers.stacks import READINGS, read_arm, read_cloudformation, read_pulumi, read_serverless
from rung.records import Fact, Image, Problem, Resource


def resources(facts: list[Fact]) -> list[Resource]:
    return [fact for fact in facts if isinstance(fact, Resource)]


def stack(source: str, path: str = "stack.yaml") -> list[Resource]:
    return resources(list(read_cloudformation(path, source.encode())))


CLOUDFORMATION = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stage: {Type: String, Default: prod}
  Role: {Type: String}
Resources:
  Data:
    Type: AWS::S3::Bucket
    Condition: IsProd
    DeletionPolicy: Retain
    Properties:
      BucketName: !Sub "data-${Stage}-${AWS::AccountId}"
      VersioningConfiguration:
        Status: !If [IsProd, Enabled, !Ref AWS::NoValue]
      Tags:
        - {Key: stage, Value: !Ref Stage}
  Model:
    Type: AWS::SageMaker::Model
    DependsOn: Data
    Properties:
      ExecutionRoleArn: !Ref Role
      PrimaryContainer:
        Image: 1234.dkr.ecr.eu-west-1.amazonaws.com/model:1
        ModelDataUrl: !Join ["/", ["s3:/", !GetAtt Data.Arn, model.tar.gz]]
"""


def test_a_template_gives_its_resources_with_functions_as_text() -> None:
    data, model = stack(CLOUDFORMATION)
    assert (data.line, data.type, data.name, data.conditional) == (7, "AWS::S3::Bucket", "Data", "IsProd")
    assert data.attributes == (
        ("BucketName", "data-prod-${AWS::AccountId}"),
        ("VersioningConfiguration.Status", "Enabled"),
        ("Tags.Key", "stage"),
        ("Tags.Value", "prod"),
        ("DeletionPolicy", "Retain"),
    )
    assert dict(model.attributes)["ExecutionRoleArn"] == "${Role}"
    assert dict(model.attributes)["PrimaryContainer.ModelDataUrl"] == "s3://${Data.Arn}/model.tar.gz"
    assert model.references == ("Data",)


def test_images_of_a_template_are_images() -> None:
    facts = list(read_cloudformation("a.yaml", CLOUDFORMATION.encode()))
    assert [fact.name for fact in facts if isinstance(fact, Image)] == ["1234.dkr.ecr.eu-west-1.amazonaws.com/model:1"]


def test_json_templates_and_templates_without_a_version_are_read() -> None:
    source = '{\n "Resources": {\n  "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "X"}}}\n }\n}'
    (queue,) = stack(source, "cdk.out/app.template.json")
    assert (queue.line, queue.type, queue.attributes) == (3, "AWS::SQS::Queue", (("QueueName", "${X}"),))
    assert stack(source, "app.template") == [queue]


@pytest.mark.parametrize(
    "source", ["Resources: {A: {Type: Kitchen}}\n# AWS::", "a: AWS::S3::Bucket\nResources: text", "- AWS::S3::Bucket\n- Resources"]
)
def test_yaml_that_only_mentions_types_is_no_template(source: str) -> None:
    assert stack(source) == []


def test_json_that_quotes_a_template_is_none() -> None:
    assert (
        stack('{"fix": "Resources:\\n  A:\\n    Type: AWS::S3::Bucket", "old": "{\\"Resources\\": {}}", "Resources": {}}', "a.json") == []
    )
    assert not list(read_cloudformation("a.json", b'{"fix": "Resources: AWS::S3::Bucket", "old": [}'))


def test_what_starts_a_sam_function_is_a_resource_of_its_own() -> None:
    function, rule = stack("""
Transform: AWS::Serverless-2016-10-31
Resources:
  Train:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Events:
        Nightly:
          Type: Schedule
          Properties: {Schedule: rate(1 day), Enabled: false}
        Other: {Type: Api}
""")
    assert (function.type, rule.type, rule.name, rule.references) == (
        "AWS::Serverless::Function",
        "AWS::Events::Rule",
        "TrainNightly",
        ("Train",),
    )
    assert ("ScheduleExpression", "rate(1 day)") in rule.attributes
    assert ("State", "DISABLED") in rule.attributes


def test_an_alias_bomb_in_a_template_ends() -> None:
    lines = [f"x{i}: &x{i} {{'Fn::Join': ['', [{', '.join([f'*x{i - 1}'] * 9) if i else 'a'}]]}}" for i in range(20)]
    assert len(stack("\n".join([*lines, "Resources: {A: {Type: 'AWS::S3::Bucket', Properties: {N: *x19}}}"]))) == 1


def test_a_broken_template_is_a_problem() -> None:
    (problem,) = read_cloudformation("a.yaml", b"Resources:\n  A: [AWS::S3::Bucket\n")
    assert isinstance(problem, Problem)


def test_serverless_functions_and_their_events_are_resources() -> None:
    source = b"""
service: score
provider: {name: aws}
functions:
  score:
    handler: app.score
    events:
      - schedule: cron(0 3 * * ? *)
      - sqs: {arn: some:arn}
      - unknown: 1
resources:
  Resources:
    Jobs: {Type: AWS::SQS::Queue}
"""
    assert [
        (found.dialect, found.type, found.name, found.line) for found in resources(list(read_serverless("serverless.yml", source)))
    ] == [
        ("serverless", "AWS::Lambda::Function", "score", 5),
        ("serverless", "AWS::Events::Rule", "score", 8),
        ("serverless", "AWS::Lambda::EventSourceMapping", "score", 9),
        ("serverless", "AWS::SQS::Queue", "Jobs", 13),
    ]
    rule = resources(list(read_serverless("serverless.yml", source)))[1]
    assert ("ScheduleExpression", "cron(0 3 * * ? *)") in rule.attributes
    assert not list(read_cloudformation("serverless.yml", source))


ARM = b"""{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "parameters": {"kind": {"type": "string", "defaultValue": "StorageV2"}},
  "variables": {"where": "westeurope"},
  "resources": [
    {
      "condition": "[parameters('on')]",
      "type": "Microsoft.Storage/storageAccounts",
      "apiVersion": "2022-09-01",
      "name": "st",
      "kind": "[parameters('kind')]",
      "location": "[variables('where')]",
      "resources": [{"type": "blobServices", "apiVersion": "2022-09-01", "name": "default"}]
    },
    {
      "type": "Microsoft.Resources/deployments",
      "apiVersion": "2021-04-01",
      "name": "inner",
      "dependsOn": ["[resourceId('Microsoft.Storage/storageAccounts', 'st')]"],
      "properties": {"template": {"resources": [
        {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2022-07-01", "name": "kv", "properties": {"enablePurgeProtection": true}}
      ]}}
    }
  ]
}"""


def test_arm_resources_children_and_nested_deployments_are_read() -> None:
    found = resources(list(read_arm("azuredeploy.json", ARM)))
    assert [(resource.type, resource.name, resource.conditional) for resource in found] == [
        ("Microsoft.Storage/storageAccounts", "st", "parameters('on')"),
        ("Microsoft.Storage/storageAccounts/blobServices", "default", ""),
        ("Microsoft.Resources/deployments", "inner", ""),
        ("Microsoft.KeyVault/vaults", "kv", ""),
    ]
    assert found[0].attributes == (("apiVersion", "2022-09-01"), ("kind", "StorageV2"), ("location", "westeurope"))
    assert found[0].line == 8
    assert found[2].references == ("Microsoft.Storage/storageAccounts",)
    assert ("properties.enablePurgeProtection", "true") in found[3].attributes


def test_json_with_resources_of_another_kind_is_no_arm_template() -> None:
    assert not list(read_arm("a.json", b'{"resources": [{"type": "text", "apiVersion": "1"}]}'))


def test_pulumi_programs_in_yaml_give_resources() -> None:
    (bucket,) = read_pulumi(
        "Pulumi.yaml", b"name: x\nruntime: yaml\nresources:\n  data:\n    type: aws:s3:Bucket\n    properties: {acl: private}\n"
    )
    assert bucket == Resource(line=4, dialect="pulumi", type="aws:s3:Bucket", name="data", attributes=(("acl", "private"),))


@pytest.mark.parametrize(("path", "claimed"), [("a/serverless.yml", True), ("a/serverless.dev.yml", True), ("my-serverless.yml", False)])
def test_serverless_files_are_known_by_name(path: str, claimed: bool) -> None:
    assert any(reading.name == "serverless" and reading.claims(path) for reading in READINGS) is claimed
