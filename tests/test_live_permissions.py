"""What is printed lets a scan do all that it does, and nothing else; what is missing is found by trying."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rung.cli import DONE, GATE_FAILED, main
from rung.packs import load_packs
from rung.permissions import policy
from rung.records import Coverage, Packs
from rung.targets.live.aws import OWN, Login, open_accounts
from tests import components
from tests.stands.aws import Stand
from tests.stands.github import TOKEN, github

components.module("boto3")
components.module("moto")

CHECK = ["permissions", "aws", "--check", "--region", "eu-west-1"]


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs()


def actions(document: dict[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_the_policy_is_what_a_scan_of_everything_needs_and_no_more(aws: Stand, packs: Packs) -> None:
    """The stand tells which actions each call needs, and denies all that the policy does not allow."""
    aws.load("full")
    aws.allow(policy("aws", packs))

    assert main(["scan", "--aws", "--region", "eu-west-1", "-q"]) == DONE
    account = next(open_accounts(Login(), packs.resources))
    assert not isinstance(account, Coverage)
    account.regions()
    list(account.pages("organizations:ListAccounts", {}, "us-east-1"))

    heard = aws.heard
    assert {one.call for one in heard if one.by == "denied"} == set()
    assert {one.call for one in heard} >= set(OWN)
    assert {action for one in heard for action in one.permissions} == actions(policy("aws", packs))


def test_trying_finds_all_allowed_where_the_policy_is_given(aws: Stand, packs: Packs, capsys: pytest.CaptureFixture[str]) -> None:
    aws.load("full")
    aws.allow(policy("aws", packs))

    assert main(CHECK) == DONE
    out = capsys.readouterr().out
    assert " calls are allowed, 0 are not" in out
    assert "missing" not in out


def test_trying_names_the_permissions_that_are_missing(aws: Stand, packs: Packs, capsys: pytest.CaptureFixture[str]) -> None:
    missing = {
        "airflow:ListEnvironments": "mwaa:ListEnvironments",
        "s3:GetReplicationConfiguration": "s3:GetBucketReplication",
        "sagemaker:ListPipelines": "sagemaker:ListPipelines",
    }
    aws.load("level-4")
    aws.allow([action for action in actions(policy("aws", packs)) if action not in missing])

    assert main(CHECK) == GATE_FAILED
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("missing")]
    assert {line[1]: line[2] for line in lines} == missing


def test_trying_a_repository_of_a_code_host_names_what_its_token_may_not_see(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code host says of what may not be seen that it is not there: what must always be there is known to be kept back."""
    with github("practising") as stand:
        monkeypatch.setenv("GITHUB_API_URL", stand.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        assert main(["permissions", "github", "--check", "acme/churn"]) == DONE
        assert "0 are not" in capsys.readouterr().out
        stand.tokens = {TOKEN: {"Metadata", "Contents", "Actions", "Pull requests", "Deployments"}}

        assert main(["permissions", "github", "--check", "acme/churn"]) == GATE_FAILED
    missing = {re.split(r" {2,}", line)[1] for line in capsys.readouterr().out.splitlines() if line.startswith("missing")}
    assert missing == {"Administration: read", "Code scanning alerts: read", "Dependabot alerts: read", "Secret scanning alerts: read"}


def test_credentials_that_have_expired_are_told_and_nothing_is_called_missing(aws: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    aws.trouble("expired")

    assert main(CHECK) != DONE
    out, err = capsys.readouterr()
    assert "missing" not in out
    assert "expired" in out + err
