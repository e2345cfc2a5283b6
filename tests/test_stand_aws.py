"""What the AWS stand promises to the tests of live scans."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from tests import components, loopback
from tests.stands.aws import ACCOUNT, OTHER, SCENARIOS, Stand

components.module("boto3")
components.module("moto")

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError  # noqa: E402 - skipped without it
from botocore.parsers import ResponseParserError  # noqa: E402 - skipped without it

SCHEDULE = {
    "MonitoringScheduleName": "churn",
    "MonitoringScheduleArn": "arn:aws:sagemaker:eu-west-1:111111111111:monitoring-schedule/churn",
    "CreationTime": "3 days ago",
    "LastModifiedTime": "2 days ago",
    "MonitoringScheduleStatus": "Scheduled",
}
PIPELINES = {"many": {"count": 250, "item": {"PipelineName": "churn-{n:03}", "CreationTime": "9 days ago"}}}


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


def pipelines(aws: Stand, **where: Any) -> list[str]:
    return [item["PipelineName"] for item in aws.client("sagemaker", **where).list_pipelines()["PipelineSummaries"]]


def make_pipeline(aws: Stand, name: str, **where: str) -> None:
    more = {"PipelineDefinition": "{}", "ClientRequestToken": "0" * 32, "RoleArn": "arn:aws:iam::111111111111:role/training"}
    aws.make("sagemaker:CreatePipeline", PipelineName=name, **more, **where)


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("call", "answer", "reason"),
    [
        ("mwaa:ListEnvironments", {"Envs": ["prod"]}, 'Unknown parameter in input: "Envs"'),
        ("mwaa:ListEnvironments", {}, 'Missing required parameter in input: "Environments"'),
        ("sagemaker:ListEndpoints", {"Endpoints": "churn"}, "Invalid type for parameter Endpoints"),
        (
            "sagemaker:ListPipelines",
            {"many": {"count": 9, "item": {"Name": "churn"}}},
            r'Unknown parameter in PipelineSummaries\[0\]: "Name"',
        ),
        ("sagemaker:ListUnicorns", {}, "botocore knows no such operation"),
    ],
)
def test_an_answer_that_botocore_does_not_describe_is_refused(aws: Stand, call: str, answer: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        aws.answer(call, answer)


def test_what_moto_lacks_is_answered_as_put_in(aws: Stand) -> None:
    aws.answer("sagemaker:ListMonitoringSchedules", {"MonitoringScheduleSummaries": [SCHEDULE]})
    (found,) = aws.client("sagemaker").list_monitoring_schedules()["MonitoringScheduleSummaries"]
    assert found["MonitoringScheduleName"] == "churn"
    assert (time.time() - found["LastModifiedTime"].timestamp()) / 86400 == pytest.approx(2, abs=0.1)


def test_answers_go_by_what_is_asked_for(aws: Stand) -> None:
    versions = [{"with": {"Bucket": "lake"}, "answer": {"Status": "Enabled"}}, {"answer": {}}]
    aws.answer("s3:GetBucketVersioning", versions)
    aws.answer("s3:GetBucketReplication", {"error": {"code": "ReplicationConfigurationNotFoundError", "status": 404}})
    s3 = aws.client("s3")
    assert s3.get_bucket_versioning(Bucket="lake")["Status"] == "Enabled"
    assert "Status" not in s3.get_bucket_versioning(Bucket="files")
    with refused("ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket="lake")


@pytest.mark.parametrize(
    ("call", "answer", "method", "key"),
    [
        ("cloudwatch:DescribeAnomalyDetectors", {"AnomalyDetectors": [{"Namespace": "churn"}]}, "describe_anomaly_detectors", "AnomalyDetectors"),
        ("iam:ListRoles", {"Roles": []}, "list_roles", "Roles"),
        ("ec2:DescribeRegions", {"Regions": [{"RegionName": "eu-west-1"}]}, "describe_regions", "Regions"),
        ("s3:ListBuckets", {"Buckets": [{"Name": "lake"}]}, "list_buckets", "Buckets"),
        ("mwaa:ListEnvironments", {"Environments": ["airflow"]}, "list_environments", "Environments"),
        ("glue:ListDataQualityRulesets", {"Rulesets": [{"Name": "complete"}]}, "list_data_quality_rulesets", "Rulesets"),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" in value else "",
)  # fmt: skip
def test_every_protocol_carries_an_answer(aws: Stand, call: str, answer: Any, method: str, key: str) -> None:
    aws.answer(call, answer)
    assert getattr(aws.client(call.partition(":")[0]), method)()[key] == answer[key]
    assert [(heard.call, heard.by) for heard in aws.heard] == [(call, "answer")]


def test_what_nobody_made_is_not_there(aws: Stand) -> None:
    assert aws.client("devops-guru").list_notification_channels()["Channels"] == []
    assert pipelines(aws) == []
    assert [heard.by for heard in aws.heard] == ["empty", "moto"]


def test_paging_goes_on_to_the_end(aws: Stand) -> None:
    aws.answer("sagemaker:ListPipelines", PIPELINES)
    pages = list(aws.client("sagemaker").get_paginator("list_pipelines").paginate(PaginationConfig={"PageSize": 60}))
    assert [len(page["PipelineSummaries"]) for page in pages] == [60, 60, 60, 60, 10]
    names = [item["PipelineName"] for page in pages for item in page["PipelineSummaries"]]
    assert (names[0], names[-1], len(set(names))) == ("churn-000", "churn-249", 250)


@pytest.mark.parametrize(("kind", "seen", "different"), [("removed", 248, 248), ("added", 252, 250)])
def test_a_list_that_changes_while_it_is_read_skips_or_repeats_items(aws: Stand, kind: str, seen: int, different: int) -> None:
    aws.answer("sagemaker:ListPipelines", PIPELINES)
    aws.trouble(kind, "sagemaker:ListPipelines")
    pages = aws.client("sagemaker").get_paginator("list_pipelines").paginate()
    names = [item["PipelineName"] for page in pages for item in page["PipelineSummaries"]]
    assert (len(names), len(set(names))) == (seen, different)


# ── Who and where ────────────────────────────────────────────────────────────────────────────────────


def test_regions_and_accounts_are_apart(aws: Stand) -> None:
    make_pipeline(aws, "here")
    make_pipeline(aws, "there", region="us-east-1")
    make_pipeline(aws, "theirs", account=OTHER)
    assert pipelines(aws) == ["here"]
    assert pipelines(aws, region="us-east-1") == ["there"]
    assert pipelines(aws, account=OTHER) == ["theirs"]
    aws.answer("mwaa:ListEnvironments", {"Environments": ["airflow"]}, region="eu-west-1", account=ACCOUNT)
    asked = [("eu-west-1", ACCOUNT), ("us-east-1", ACCOUNT), ("eu-west-1", OTHER)]
    assert [aws.client("mwaa", account, region).list_environments()["Environments"] for region, account in asked] == [["airflow"], [], []]


def test_a_role_is_assumed_by_whom_it_trusts_with_what_it_asks_for(aws: Stand) -> None:
    aws.load("organization")
    sts, role = aws.client("sts"), "arn:aws:iam::222222222222:role/rung"
    known = {"RoleArn": role, "RoleSessionName": "nightly", "ExternalId": "rung-7", "Tags": [{"Key": "team", "Value": "ml"}]}
    wrongs: list[dict[str, Any]] = [{"ExternalId": "rung-8"}, {"Tags": []}, {"RoleArn": "arn:aws:iam::333333333333:role/rung"}]
    for wrong in wrongs:
        with refused("AccessDenied"):
            sts.assume_role(**known | wrong)
    given = sts.assume_role(**known)["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_session_token": given["SessionToken"]}
    assert aws.client("sts", **keys).get_caller_identity()["Arn"] == "arn:aws:sts::222222222222:assumed-role/rung/nightly"
    assert pipelines(aws, **keys) == ["churn-train"]
    assert pipelines(aws) == []


def test_clients_that_put_a_name_before_the_address_get_through(aws: Stand) -> None:
    aws.answer("s3control:GetPublicAccessBlock", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}})
    assert aws.client("s3control").get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"] == {"BlockPublicAcls": True}
    assert aws.heard[-1].permissions == ("s3:GetAccountPublicAccessBlock",)


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("service", "method", "code", "action"),
    [
        ("sagemaker", "list_pipelines", "AccessDeniedException", "sagemaker:ListPipelines"),
        ("s3", "list_buckets", "AccessDenied", "s3:ListAllMyBuckets"),
        ("ec2", "describe_vpcs", "UnauthorizedOperation", "ec2:DescribeVpcs"),
        ("iam", "list_roles", "AccessDenied", "iam:ListRoles"),
        ("lambda", "list_functions", "AccessDeniedException", "lambda:ListFunctions"),
        ("cloudwatch", "describe_alarms", "AccessDenied", "cloudwatch:DescribeAlarms"),
        ("mwaa", "list_environments", "AccessDeniedException", "airflow:ListEnvironments"),
    ],
)
def test_a_denied_call_raises_what_its_service_raises(aws: Stand, service: str, method: str, code: str, action: str) -> None:
    aws.deny(action)
    with pytest.raises(ClientError) as raised:
        getattr(aws.client(service), method)()
    error = raised.value.response["Error"]
    assert error["Code"] == code
    assert f"User: arn:aws:iam::{ACCOUNT}:user/scanner is not authorized to perform: {action}" in error["Message"]
    assert (aws.heard[-1].by, aws.heard[-1].permissions) == ("denied", (action,))


def test_a_policy_allows_what_it_names_and_nothing_else(aws: Stand) -> None:
    aws.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sagemaker:List*"], "Resource": "*"}]})
    assert pipelines(aws) == []
    with refused("AccessDenied"):
        aws.client("s3").list_buckets()


def test_throttling_ends_after_so_many_calls_or_so_long(aws: Stand) -> None:
    aws.trouble("throttled", "sagemaker:*", times=2)
    for _ in range(2):
        with refused("ThrottlingException"):
            pipelines(aws)
    assert pipelines(aws) == []
    aws.trouble("throttled", "s3:*", seconds=0.3)
    with refused("SlowDown"):
        aws.client("s3").list_buckets()
    time.sleep(0.4)
    assert aws.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("expired", refused("ExpiredTokenException")),
        ("disabled", refused("UnrecognizedClientException")),
        ("failing", refused("InternalServerException")),
        ("dropped", pytest.raises(ConnectionClosedError)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_trouble_of_a_region_stays_in_the_region(aws: Stand, kind: str, raised: Any) -> None:
    aws.trouble(kind, region="me-south-1")
    with raised:
        pipelines(aws, region="me-south-1")
    assert pipelines(aws) == []


def test_a_garbled_answer_is_no_answer(aws: Stand) -> None:
    aws.trouble("garbled")
    with pytest.raises(ResponseParserError):
        aws.client("iam").list_roles()
    assert (
        "PipelineSummaries" not in aws.client("sagemaker").list_pipelines()
    )  # botocore takes any text for an empty answer of a JSON protocol.


def test_a_region_that_hangs_answers_nothing_while_others_do(aws: Stand) -> None:
    aws.trouble("hanging", region="me-south-1")
    with pytest.raises(ReadTimeoutError):
        aws.client("sagemaker", region="me-south-1", patience=0.3).list_pipelines()
    assert pipelines(aws) == []


def test_a_token_that_went_stale_is_refused(aws: Stand) -> None:
    aws.answer("sagemaker:ListPipelines", PIPELINES)
    aws.trouble("stale", "sagemaker:ListPipelines")
    pages = iter(aws.client("sagemaker").get_paginator("list_pipelines").paginate())
    assert len(next(pages)["PipelineSummaries"]) == 100
    with refused("ValidationException"):
        next(pages)


def test_calls_under_way_at_once_are_counted(aws: Stand) -> None:
    from concurrent.futures import ThreadPoolExecutor

    aws.trouble("slow", milliseconds=100)
    client, start = aws.client("sagemaker"), time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.list_pipelines(), range(8)))
    assert time.monotonic() - start >= 0.1
    assert aws.most > 1


# ── Scenarios and the machine ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(file.stem for file in SCENARIOS.glob("*.yaml")))
def test_every_scenario_is_what_moto_and_botocore_take(aws: Stand, name: str) -> None:
    aws.load(name)
    assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_a_test_that_reaches_past_this_machine_is_caught() -> None:
    with pytest.raises(loopback.ReachedOutError), socket.socket() as sock:
        sock.connect(("198.51.100.7", 80))
    with pytest.raises(loopback.ReachedOutError):
        socket.create_connection(("sagemaker.eu-west-1.amazonaws.com", 443))
    assert loopback.reached == ["198.51.100.7", "sagemaker.eu-west-1.amazonaws.com"]
    loopback.reached.clear()


def test_no_client_finds_an_account_by_itself() -> None:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import EndpointConnectionError

    config = Config(retries={"total_max_attempts": 1})
    with pytest.raises(EndpointConnectionError, match=loopback.DEAD):
        boto3.Session(region_name="eu-west-1").client("sts", config=config).get_caller_identity()
