"""What the AWS stand promises to the tests of live scans."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests import components, loopback
from tests.stands.aws import ACCOUNT, OTHER, Stand

components.module("boto3")

from botocore.exceptions import ClientError, ReadTimeoutError  # noqa: E402 - skipped without it

SCHEDULE = {
    "MonitoringScheduleName": "churn",
    "MonitoringScheduleArn": "arn:aws:sagemaker:eu-west-1:111111111111:monitoring-schedule/churn",
    "CreationTime": "3 days ago",
    "LastModifiedTime": "2 days ago",
    "MonitoringScheduleStatus": "Scheduled",
}


def denied(code: str = "AccessDeniedException") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


def test_an_answer_that_botocore_does_not_describe_is_refused(aws: Stand) -> None:
    with pytest.raises(ValueError, match='mwaa:ListEnvironments: Missing required parameter in input: "Environments"'):
        aws.answer("mwaa:ListEnvironments", {"Envs": ["prod"]})


def test_what_moto_lacks_is_answered_as_put_in(aws: Stand) -> None:
    aws.answer("sagemaker:ListMonitoringSchedules", {"MonitoringScheduleSummaries": [SCHEDULE]})
    (found,) = aws.client("sagemaker").list_monitoring_schedules()["MonitoringScheduleSummaries"]
    assert found["MonitoringScheduleName"] == "churn"
    assert (time.time() - found["LastModifiedTime"].timestamp()) / 86400 == pytest.approx(2, abs=0.1)


def test_what_nobody_put_in_is_not_there(aws: Stand) -> None:
    assert aws.client("devops-guru").list_notification_channels()["Channels"] == []
    assert aws.client("sagemaker").list_pipelines()["PipelineSummaries"] == []
    assert [heard.by for heard in aws.heard] == ["empty", "moto"]
