"""Which calls of source code are resources."""

from __future__ import annotations

import pytest

from rung.readers.constructs import resources_of
from rung.records import Call, Resource


def call(name: str, **fields: object) -> Call:
    return Call(line=1, name=name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("aws_cdk.aws_s3.Bucket", "cdk"),
        ("aws_cdk.aws_sagemaker.CfnEndpoint", "cdk"),
        ("aws_cdk.aws_sagemaker.CfnEndpointConfig", "cdk"),
        ("aws_cdk.aws_glue_alpha.Job", "cdk"),
        ("js:aws-cdk-lib/aws-s3.Bucket", "cdk"),
        ("js:aws-cdk-lib.aws_s3.Bucket", "cdk"),
        ("js:@aws-cdk/aws-s3.Bucket", "cdk"),
        ("cdktf_cdktf_provider_aws.s3_bucket.S3Bucket", "cdk"),
        ("js:@cdktf/provider-aws/lib/s3-bucket.S3Bucket", "cdk"),
        ("pulumi_aws.s3.BucketV2", "pulumi"),
        ("js:@pulumi/aws.s3.Bucket", "pulumi"),
        ("js:@pulumi/aws/s3.Bucket", "pulumi"),
        ("pulumi_gcp.storage.Bucket", "pulumi"),
        ("pulumi_azure_native.machinelearningservices.Workspace", "pulumi"),
    ],
)
def test_a_constructor_of_a_construct_is_a_resource(name: str, dialect: str) -> None:
    (found,) = resources_of([call(name, arguments=("Data",), keywords=(("versioned", "True"),))])
    assert found == Resource(line=1, dialect=dialect, type=name, name="Data", attributes=(("versioned", "True"),))


@pytest.mark.parametrize(
    "name",
    [
        "aws_cdk.aws_s3.Bucket.from_bucket_name",
        "aws_cdk.aws_iam.PolicyStatement",
        "aws_cdk.aws_iam.ServicePrincipal",
        "aws_cdk.aws_sagemaker.CfnModel.ContainerDefinitionProperty",
        "aws_cdk.aws_events_targets.LambdaFunction",
        "aws_cdk.aws_codebuild.BuildEnvironment",
        "aws_cdk.Duration.days",
        "aws_cdk.aws_ec2.InstanceType",
        "aws_cdk.aws_cloudwatch.Metric",
        "js:aws-cdk-lib.aws_ec2.InterfaceVpcEndpointAwsService",
        "aws_cdk.App",
        "pulumi_aws.s3.BucketArgs",
        "pulumi_aws.get_region",
        "js:@cdktf/provider-aws/lib/provider.AwsProvider",
        "myapp.aws_s3.Bucket",
        "boto3.client[s3].create_bucket",
    ],
)
def test_other_calls_are_none(name: str) -> None:
    assert resources_of([call(name)]) == []


def test_a_base_class_is_no_resource() -> None:
    assert resources_of([call("aws_cdk.aws_s3.Bucket", kind="base")]) == []


@pytest.mark.parametrize("name", ["shop.make_lambda", "shop.nightly_lambda_fn", "js:./constructs.ShopLambda", "shop.LambdaFunction"])
def test_a_construct_of_ones_own_called_like_a_lambda_is_the_function_of_its_handler(name: str) -> None:
    own = call(name, keywords=(("handler", "src/jobs.main"),))
    assert [one.type for one in resources_of([call("aws_cdk.aws_s3.Bucket"), own])] == [
        "aws_cdk.aws_s3.Bucket",
        "aws_cdk.aws_lambda.Function",
    ]


@pytest.mark.parametrize(
    "own",
    [
        call("shop.LambdaRole", keywords=(("handler", "src/jobs.main"),)),
        call("shop.lambda_logger", keywords=(("handler", "src/jobs.main"),)),
        call("shop.make_lambda", keywords=(("handler", "main"),)),
        call("shop.make_lambda", keywords=(("memory", "512"),)),
        call("shop.BaseLambda", kind="base", keywords=(("handler", "src/jobs.main"),)),
    ],
)
def test_one_of_another_name_or_without_a_handler_is_none(own: Call) -> None:
    assert [one.type for one in resources_of([call("aws_cdk.aws_s3.Bucket"), own])] == ["aws_cdk.aws_s3.Bucket"]


def test_what_is_called_like_a_lambda_where_nothing_is_of_cdk_is_none() -> None:
    assert resources_of([call("shop.make_lambda", keywords=(("handler", "src/jobs.main"),))]) == []


def test_property_objects_and_schedules_among_the_arguments_are_attributes_of_the_innermost_resource() -> None:
    found = resources_of(
        [
            Call(line=3, end_line=3, name="aws_cdk.aws_events.Schedule.rate", arguments=("1 day",)),
            Call(line=1, end_line=9, name="aws_cdk.aws_sagemaker.CfnEndpointConfig", keywords=(("data_capture_config", ""),)),
            Call(line=2, end_line=4, name="aws_cdk.aws_events.Rule"),
            Call(
                line=5,
                end_line=6,
                name="aws_cdk.aws_sagemaker.CfnEndpointConfig.DataCaptureConfigProperty",
                keywords=(("enable_capture", "True"),),
            ),
            Call(line=12, end_line=12, name="aws_cdk.aws_sagemaker.CfnModel.VpcConfigProperty", keywords=(("subnets", ""),)),
        ]
    )
    assert [(resource.type, resource.attributes) for resource in found] == [
        ("aws_cdk.aws_sagemaker.CfnEndpointConfig", (("data_capture_config", ""), ("DataCaptureConfig.enable_capture", "True"))),
        ("aws_cdk.aws_events.Rule", (("ScheduleExpression", "rate(1 day)"),)),
    ]


@pytest.mark.parametrize(
    ("inner", "attributes"),
    [
        (call("js:aws-cdk-lib.Duration.days", arguments=("21",)), (("Duration.days", "21"),)),
        (call("aws_cdk.aws_cloudwatch.Metric", keywords=(("metric_name", "Age"),)), (("metric_name", "Age"),)),
        (call("js:aws-cdk-lib/aws-sqs.Queue.metricOldAge", keywords=(("period", ""),)), (("MetricName", "OldAge"), ("period", ""))),
        (call("aws_cdk.aws_sqs.Queue.metric_old_age"), (("MetricName", "oldage"),)),
        (call("js:aws-cdk-lib.aws_sqs.Queue.grant"), ()),
    ],
)
def test_durations_and_metrics_among_the_arguments_are_attributes(inner: Call, attributes: tuple[tuple[str, str], ...]) -> None:
    (found,) = resources_of([Call(line=1, end_line=3, name="aws_cdk.aws_cloudwatch.Alarm"), inner])
    assert found.attributes == attributes
