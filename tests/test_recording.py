"""What recordings must not hold, and what they must."""

from __future__ import annotations

from typing import Any

import pytest

from rung.targets.live.recording import Scrubber

OTHER = "111111111111"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"Environment": {"Variables": {"STAGE": "test"}}}, {"Environment": {"Variables": {"STAGE": "***"}}}),
        ({"Environment": {"STAGE": "test"}}, {"Environment": {"STAGE": "***"}}),
        ({"environmentVariables": [{"name": "STAGE", "value": "test"}]}, {"environmentVariables": [{"name": "***", "value": "***"}]}),
        ({"Environment": {"Name": "airflow", "Schedulers": 2}}, {"Environment": {"Name": "airflow", "Schedulers": 2}}),
        ({"Tags": [{"Key": "api-token", "Value": "hush"}]}, {"Tags": [{"Key": "api-token", "Value": "***"}]}),
        ({"Tags": [{"Key": "team", "Value": "churn"}]}, {"Tags": [{"Key": "team", "Value": "churn"}]}),
        ({"MasterUserPassword": "hush", "Data": b"bytes"}, {"MasterUserPassword": "***", "Data": "***"}),
    ],
)
def test_what_may_be_secret_is_masked_and_what_describes_is_kept(value: Any, written: Any) -> None:
    assert Scrubber().value(value) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("arn:aws:iam::736184205917:role/x", f"arn:aws:iam::{OTHER}:role/x"),
        ("736184205917.dkr.ecr.eu-west-1.amazonaws.com/churn:2", f"{OTHER}.dkr.ecr.eu-west-1.amazonaws.com/churn:2"),
        ("logs-736184205917-eu", f"logs-{OTHER}-eu"),
        ("0.736184205917", "0.736184205917"),
        ("736184205917.25", "736184205917.25"),
        ("7361842059170", "7361842059170"),
        ("ask alice@churn.dev", "ask someone@example.com"),
    ],
)
def test_numbers_of_accounts_become_others_and_other_numbers_stay(text: str, written: str) -> None:
    assert Scrubber().text(text) == written


def test_an_account_has_the_same_other_number_wherever_it_is_named() -> None:
    scrub = Scrubber()

    assert [scrub.text(text) for text in ("736184205917", "905917736184", "736184205917")] == [OTHER, "222222222222", OTHER]
