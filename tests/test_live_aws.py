"""Whole scans of AWS accounts over the wire: what accounts show, what goes wrong while they are asked, and what can never be asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from rung.cli import DONE, UNREADABLE, main
from rung.collect import Live, Terms, collect
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.permissions import policy
from rung.records import Coverage, Strength, TargetRule
from rung.report import Document, document_of, schema
from rung.report.document import read_document
from rung.review import Request, review
from rung.targets.live.aws import OWN, Account, Login, Role, open_accounts
from rung.targets.live.driver import DENIED, CallError, Driver, Through, calls_of
from rung.targets.live.recording import SUFFIX, Recording
from tests import components
from tests.stands.aws import ACCOUNT, OTHER, REGION, Stand, scenario_of

components.module("boto3")
components.module("moto")

PACKS = load_packs()
TYPES = tuple(resource for resource in PACKS.resources if resource.provider == "aws" and resource.live)
TERMS = Terms(types=PACKS.resources, matchers=Matchers(PACKS), tellers=8)
CALLS = sorted({call for resource in TYPES if resource.live for call in calls_of(resource.live)})
REGIONS = (REGION, "us-east-1")
NUMBER = "736184205917"
"""An account's number that is not the one which recordings put in its place."""


def account(stop: Event | None = None, **login: Any) -> Account:
    """The one account of a login."""
    (found,) = open_accounts(Login(**{"regions": (REGION,), **login}), TYPES, stop=stop)
    assert isinstance(found, Account)
    return found


def look(*types: str, stop: Event | None = None, **login: Any) -> Live:
    """What an account shows of a few types."""
    chosen = tuple(resource for resource in TYPES if resource.type in {f"AWS::{name}" for name in types})
    stop = stop or Event()
    return collect(account(stop, **login), replace(TERMS, types=chosen, stop=stop))


def of(*services: str) -> list[str]:
    """All types of services, as `look` takes them."""
    return [resource.type.removeprefix("AWS::") for resource in TYPES if resource.type.split("::")[1] in services]


def gaps(live: Live) -> list[tuple[str, str, str]]:
    return [(entry.what, entry.reason, entry.needs) for entry in live.coverage if not entry.searched]


def found(live: Live, signal_id: str) -> list[str]:
    return [item.location.resource.partition("/")[2] for item in live.evidence if item.signal == signal_id]


def elsewhere(name: str, number: str) -> list[Mapping[str, Any]]:
    """A scenario, and those that it is like, in an account of another number."""
    written = scenario_of(name)
    text = json.dumps({**written, "like": []}, default=str).replace(ACCOUNT, number)
    return [*(part for other in written.get("like", ()) for part in elsewhere(other, number)), json.loads(text)]


def regions_are(aws: Stand, *names: str, number: str = ACCOUNT) -> None:
    aws.answer("ec2:DescribeRegions", {"Regions": [{"RegionName": name, "OptInStatus": "opted-in"} for name in names]}, account=number)


def scanned(**request: Any) -> Document:
    (document,) = review(Request(**{"target": "", "live": (TargetRule(kind="aws", value="", settings={"regions": [REGION]}),), **request}))
    return document


def statuses(document: Document) -> dict[str, str]:
    return {criterion["id"]: criterion["status"] for dimension in document["dimensions"].values() for criterion in dimension["criteria"]}


def levels(document: Document) -> dict[str, tuple[int | None, int | None, int | None]]:
    return {key: (one["level"], one["confirmed"], one["ceiling"]) for key, one in document["dimensions"].items()}


# ── Accounts of every level ──────────────────────────────────────────────────────────────────────────

LEVELS: dict[str, dict[str, tuple[int | None, int | None, int | None]]] = {
    "empty": {"data": (None, None, None), "model": (None, None, None), "code": (None, None, None)},
    "level-1": {"data": (1, 1, 4), "model": (1, 1, 4), "code": (None, None, None)},
    "level-2": {"data": (2, 2, 4), "model": (1, 1, 4), "code": (1, 1, 4)},
    "level-3": {"data": (3, 3, 4), "model": (3, 2, 4), "code": (1, 1, 4)},
    "level-4": {"data": (4, 4, 4), "model": (3, 2, 4), "code": (1, 1, 4)},
}
"""Level, what is confirmed of it, and ceiling: what an account alone shows. Tests, reviews, training code and what deploys a model are the
repository's to show, so that models of the second and fourth level and all of Code wait for it."""


@pytest.fixture(scope="module")
def documents(_aws: Stand) -> dict[str, Document]:
    """The document of each account that stands for a level."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _aws.environment().items():
            patch.setenv(name, value)
        made = {}
        for name in LEVELS:
            _aws.reset()
            _aws.load(name)
            made[name] = scanned()
    _aws.reset()
    return made


@pytest.mark.parametrize("name", LEVELS)
def test_an_account_has_the_level_that_it_stands_for_and_all_of_it_is_searched(documents: dict[str, Document], name: str) -> None:
    document = documents[name]

    assert levels(document) == LEVELS[name]
    assert [entry["what"] for entry in document["coverage"] if not entry["searched"]] == ["the repository"]
    assert [entry["what"] for entry in document["coverage"] if entry["searched"]] == [f"{len(TYPES)} types of resources in {REGION}"]


def test_an_account_in_which_nobody_made_anything_shows_nothing(documents: dict[str, Document]) -> None:
    assert documents["empty"]["evidence"] == []
    assert documents["empty"]["dead_ends"] == []


def test_an_account_of_a_higher_level_shows_all_that_one_of_a_lower_level_does_and_more(documents: dict[str, Document]) -> None:
    proved = [
        {
            name: Strength[body["strength"].upper()]
            for name, body in documents[level]["capabilities"].items()
            if body["strength"] != "absent"
        }
        for level in LEVELS
    ]
    for lower, higher in pairwise(proved):
        assert {name: max(strength, lower.get(name, strength)) for name, strength in higher.items()} == higher
        assert len(higher) > len(lower)


# ── Everything that can be listed ────────────────────────────────────────────────────────────────────

SECRETS = {
    "lambda:ListFunctions": {
        "Functions": [
            {
                "FunctionName": "score",
                "FunctionArn": f"arn:aws:lambda:eu-west-1:{NUMBER}:function:score",
                "Environment": {"Variables": {"DATABASE": "hush-variable"}},
                "Description": f"calls {NUMBER}.dkr.ecr.eu-west-1.amazonaws.com/churn, ask alice@churn.dev",
                "TracingConfig": {"Mode": "Active"},
            }
        ]
    },
    "codebuild:BatchGetProjects": {
        "projects": [{"name": "churn", "environment": {"type": "LINUX_CONTAINER", "image": "standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
                      "environmentVariables": [{"name": "STAGE", "value": "hush-build"}]},
                      "tags": [{"key": "api-token", "value": "hush-tag"}]}]
    },
    "glue:GetJobs": {"Jobs": [{"Name": "features", "DefaultArguments": {"--password": "hush-argument", "--url": "postgres://churn:hush-url@db/churn"}}]},
}  # fmt: skip


class Full:
    """The account with something of everything: scanned under the printed policy and recorded."""

    def __init__(self, aws: Stand, folder: Path) -> None:
        for part in elsewhere("full", NUMBER):
            aws.load(part)
        for call, answer in SECRETS.items():
            aws.answer(call, answer, region=REGION, account=NUMBER)
        regions_are(aws, *REGIONS, number=NUMBER)
        self.policy = policy("aws", PACKS)
        aws.allow(self.policy, account=NUMBER)
        self.document = scanned(live=(TargetRule(kind="aws", value=""),), record=str(folder))
        list(open_accounts(Login(organization="true"), TYPES))
        self.heard = aws.heard
        (self.recording,) = folder.glob("*" + SUFFIX)


@pytest.fixture(scope="module")
def full(_aws: Stand, tmp_path_factory: pytest.TempPathFactory) -> Full:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _aws.environment(account=NUMBER).items():
            patch.setenv(name, value)
        _aws.reset()
        found = Full(_aws, tmp_path_factory.mktemp("full"))
    _aws.reset()
    return found


def test_the_printed_policy_allows_what_the_calls_need_and_nothing_else(full: Full) -> None:
    allowed = {action for statement in full.policy["Statement"] for action in statement["Action"]}

    assert {action for heard in full.heard for action in heard.permissions} == allowed
    assert [heard.call for heard in full.heard if heard.by == "denied"] == []
    assert [entry["what"] for entry in full.document["coverage"] if not entry["searched"]] == ["the repository"]


def test_the_account_with_something_of_everything_operates_in_full(full: Full) -> None:
    assert levels(full.document) == LEVELS["level-4"]
    assert len(full.document["evidence"]) > 150


def test_everything_that_the_packs_name_is_asked(full: Full) -> None:
    # The databases of two engines are asked for with the same words as all others.
    asked = {heard.call for heard in full.heard} | {"docdb:DescribeDBClusters", "neptune:DescribeDBClusters"}

    assert asked - set(OWN) == set(CALLS)


def test_a_recording_gives_the_same_document_without_asking_anyone(full: Full) -> None:
    again = scanned(live=(), replay=str(full.recording))

    assert like(again) == like(full.document)


def like(document: Document) -> Any:
    """A document without dates and numbers of accounts, which stand in ids too."""
    text = json.dumps({key: value for key, value in document.items() if key != "generated_at"})
    for item in (*document["evidence"], *document["dead_ends"]):
        place = item["location"]
        text = text.replace(
            item["id"], f"{item.get('detector')}/{item.get('signal')} {item.get('kind')} {place['resource']} {place['region']}"
        )
    return unordered(json.loads(text.replace(NUMBER, ACCOUNT)))


def unordered(value: Any) -> Any:
    """A value whose lists are in the order of their texts."""
    if isinstance(value, dict):
        return {key: unordered(child) for key, child in value.items()}
    return sorted(map(unordered, value), key=str) if isinstance(value, list) else value


def test_a_recording_holds_neither_numbers_of_accounts_nor_secrets(full: Full) -> None:
    text = full.recording.read_text()

    assert "hush" not in text
    assert "not-a-secret" not in text.lower()
    assert NUMBER not in text
    assert "alice@churn.dev" not in text
    assert f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/churn" in text


# ── What is not allowed ──────────────────────────────────────────────────────────────────────────────


class Refusing(Through):
    """An account that refuses one call."""

    def __init__(self, driver: Driver, refused: str) -> None:
        super().__init__(driver)
        self._refused = refused

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        if call == self._refused:
            raise CallError(DENIED, code="AccessDeniedException")
        return super().pages(call, parameters, region)


class Only:
    """What is live of a system, already looked at; in place of accounts."""

    def __init__(self, driver: Driver, terms: Terms) -> None:
        self._live = collect(driver, terms)

    def look(self, *_: object) -> tuple[Live, ...]:
        return (self._live,)


def test_no_criterion_is_unmet_for_want_of_a_permission_and_each_missing_one_is_named(full: Full) -> None:
    from rung.records import Config
    from rung.scan import scan_systems

    recording = Recording(str(full.recording))
    terms = replace(TERMS, now=recording.recorded_at, tellers=1)
    permissions = {
        read.call: set(read.permission)
        for resource in TYPES
        if (live := resource.live)
        for read in (live.read, *(one.read for one in live.details))
    }

    def rated(refused: str) -> tuple[dict[str, str], set[str]]:
        (one,) = scan_systems((), PACKS, Config(), accounts=Only(Refusing(recording, refused), terms))  # type: ignore[arg-type]
        document = document_of(one)
        return statuses(document), {part for entry in one.coverage if not entry.searched for part in entry.needs.split(", ")}

    known, _ = rated("")
    for call in CALLS:
        now, missing = rated(call)
        fallen = {name: known[name] for name, status in now.items() if status == "unmet" and known[name] != "unmet"}
        assert (call, fallen) == (call, {})
        assert permissions[call] <= missing, f"{call}: {permissions[call]} is not named"


@pytest.mark.parametrize(
    ("call", "types", "action"),
    [
        ("s3:ListBuckets", ("S3::Bucket",), "s3:ListAllMyBuckets"),
        ("s3:GetBucketEncryption", ("S3::Bucket",), "s3:GetEncryptionConfiguration"),
        ("sagemaker:ListPipelineExecutions", ("SageMaker::Pipeline",), "sagemaker:ListPipelineExecutions"),
        ("glue:GetTables", ("Glue::Database", "Glue::Table"), "glue:GetTables"),
        ("cloudwatch:DescribeAlarms", ("CloudWatch::Alarm",), "cloudwatch:DescribeAlarms"),
        ("rds:DescribeDBInstances", ("RDS::DBInstance",), "rds:DescribeDBInstances"),
    ],
)
def test_a_denied_call_is_a_gap_that_names_the_permission(aws: Stand, call: str, types: tuple[str, ...], action: str) -> None:
    aws.load("level-3")
    before = look(*types)
    aws.deny(call)
    live = look(*types)

    assert gaps(before) == []
    assert {(reason, needs) for _, reason, needs in gaps(live)} == {("access denied", action)}
    assert len(live.evidence) <= len(before.evidence)


def test_a_service_that_is_denied_leaves_the_others_as_they_are(aws: Stand) -> None:
    aws.load("level-3")
    aws.deny("sagemaker:*")
    live = look("S3::Bucket", "SageMaker::Pipeline", "SageMaker::ModelPackageGroup", "SageMaker::ModelPackage")

    assert found(live, "s3-live") == ["churn-lake"]
    assert {needs for _, reason, needs in gaps(live) if reason == "access denied"} == {
        "sagemaker:ListModelPackageGroups",
        "sagemaker:ListModelPackages",
        "sagemaker:ListPipelines",
    }


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────

PIPELINES = {"many": {"count": 250, "item": {"PipelineName": "churn-{n:03}", "CreationTime": "9 days ago"}}}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits a hundredth of what it would between tries."""
    from botocore import endpoint

    monkeypatch.setattr(endpoint.time, "sleep", lambda seconds, sleep=time.sleep: sleep(seconds / 100))


@pytest.mark.usefixtures("hasty")
def test_throttling_for_a_while_is_waited_for(aws: Stand) -> None:
    aws.load("level-3")
    for service in ("s3", "sagemaker", "cloudwatch"):
        aws.trouble("throttled", f"{service}:*", times=5)
    live = look("S3::Bucket", "SageMaker::Pipeline", "CloudWatch::Alarm")

    assert gaps(live) == []
    assert found(live, "pipeline-executed") == ["churn-train"]


@pytest.mark.usefixtures("hasty")
def test_throttling_for_ever_is_a_gap(aws: Stand) -> None:
    aws.load("level-3")
    aws.trouble("throttled", "sagemaker:*")
    live = look("S3::Bucket", "SageMaker::Pipeline")

    assert gaps(live) == [("AWS::SageMaker::Pipeline in eu-west-1", "throttled", "a scan when less is asked of the service")]
    assert found(live, "s3-live") == ["churn-lake"]
    assert [heard.call for heard in aws.heard].count("sagemaker:ListPipelines") == 6


def test_a_region_that_hangs_costs_little_time_and_the_others_are_read(aws: Stand) -> None:
    aws.load("regions")
    aws.calm()
    aws.trouble("hanging", region="me-south-1")
    start = time.monotonic()
    live = look(*of("SageMaker", "Glue", "Backup", "Kinesis", "Lambda"), regions=(), seconds=2)

    assert time.monotonic() - start < 40
    assert {reason for _, reason, _ in gaps(live)} - {"the service does not answer"} == {
        "no answer within 2 s",
        "the region does not answer",
    }
    assert all(what.endswith(" in me-south-1") for what, _, _ in gaps(live))
    assert found(live, "pipeline-executed") == ["churn-train"]


def test_a_service_that_hangs_costs_little_time_and_the_others_are_read(aws: Stand) -> None:
    aws.load("level-3")
    aws.trouble("hanging", "sagemaker:*")
    start = time.monotonic()
    live = look(*of("SageMaker", "Glue"), seconds=2)

    assert time.monotonic() - start < 40
    assert {reason for _, reason, _ in gaps(live)} == {"no answer within 2 s", "the service does not answer"}
    assert {item.capability for item in live.evidence} >= {"data.catalog", "data.transformation"}
    assert "AWS::Glue::Job" in live.listed


def test_a_region_that_is_switched_off_is_a_gap_and_mixed_regions_are_told_apart(aws: Stand) -> None:
    aws.load("regions")
    live = look("SageMaker::Pipeline", "SageMaker::ModelPackageGroup", "SageMaker::ModelPackage", "Kinesis::Stream", regions=())

    assert gaps(live) == [
        (
            "AWS::Kinesis::Stream, AWS::SageMaker::ModelPackage, AWS::SageMaker::ModelPackageGroup and 1 more in me-south-1",
            "the credentials are not known there: the region is disabled, or they are wrong",
            "the region enabled",
        )
    ]
    assert {(item.signal, item.location.region) for item in live.evidence} >= {
        ("pipeline-executed", "eu-west-1"),
        ("versions-registered", "us-east-1"),
        ("stream-active", "ap-southeast-1"),
    }


def test_expired_credentials_are_told_and_all_is_unknown(aws: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aws.load("level-2")
    aws.trouble("expired")
    output = tmp_path / "report.json"

    assert main(["scan", "--aws", "--quiet", "--output", str(output)]) == UNREADABLE
    assert "the credentials are expired; needs fresh credentials" in capsys.readouterr().err
    document = read_document(output.read_text(), str(output))
    assert set(statuses(document).values()) <= {"unknown", "not_applicable"}
    assert [dimension["reason"] for dimension in document["dimensions"].values() if not dimension["reason"]] == []


def test_credentials_that_expire_midway_leave_what_was_seen(aws: Stand) -> None:
    aws.load("level-3")
    aws.trouble("expired", "sagemaker:*")
    live = look("S3::Bucket", "SageMaker::Pipeline")

    assert gaps(live) == [("AWS::SageMaker::Pipeline in eu-west-1", "the credentials are expired", "fresh credentials")]
    assert found(live, "s3-live") == ["churn-lake"]


@pytest.mark.parametrize("name", ["SageMaker::Pipeline", "Lambda::Function", "RDS::DBInstance", "CloudWatch::Alarm", "EC2::VPCEndpoint"])
@pytest.mark.usefixtures("hasty")
def test_an_answer_that_can_not_be_read_is_a_gap_in_every_protocol(aws: Stand, name: str) -> None:
    aws.trouble("garbled", "[!s]*")
    aws.trouble("garbled", "sagemaker:*")
    live = look(name)

    assert gaps(live) == [(f"AWS::{name} in eu-west-1", "an answer that can't be read", "a service that answers")]
    assert live.listed == frozenset()


@pytest.mark.parametrize(
    ("content", "readable"),
    [
        (b"{}", True),
        (b"{ }\n", True),
        (b'{"PipelineSummaries": []}', True),
        (b'{"PipelineSummaries": [', False),
        (b'{"error": "try later"}', False),
        (b'{"PipelineSummaries": {"PipelineName": "x"}}', False),
        (b"[]", False),
        (b"", False),
    ],
)
def test_only_what_says_that_there_is_nothing_is_an_empty_list(content: bytes, readable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session

    identity = b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account><Arn>arn:aws:iam::1:user/x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"

    def send(_: object, request: Any) -> AWSResponse:
        response = AWSResponse(request.url, 200, {}, None)
        response._content = identity if "GetCallerIdentity" in str(request.body) else content
        return response

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(URLLib3Session, "send", send)

    assert (gaps(look("SageMaker::Pipeline")) == []) == readable


@pytest.mark.parametrize(("kind", "seen"), [("removed", 248), ("added", 250)])
def test_pages_that_change_while_they_are_read_are_read_to_the_end(aws: Stand, kind: str, seen: int) -> None:
    aws.answer("sagemaker:ListPipelines", PIPELINES)
    aws.answer("sagemaker:ListPipelineExecutions", {"PipelineExecutionSummaries": []})
    aws.trouble(kind, "sagemaker:ListPipelines")
    live = look("SageMaker::Pipeline")

    assert sum(item.occurrences for item in live.evidence if item.signal == "pipeline-live") >= seen
    assert gaps(live) == []


def test_a_page_that_is_gone_keeps_those_before_it_and_is_a_gap(aws: Stand) -> None:
    aws.answer("sagemaker:ListPipelines", PIPELINES)
    aws.answer("sagemaker:ListPipelineExecutions", {"PipelineExecutionSummaries": []})
    aws.trouble("stale", "sagemaker:ListPipelines")
    live = look("SageMaker::Pipeline")

    assert live.info.resources == 100
    assert gaps(live) == [("AWS::SageMaker::Pipeline in eu-west-1", "failed (ValidationException)", "a service that answers")]
    assert live.listed == frozenset()


def test_clients_of_services_in_many_regions_are_let_go_of(aws: Stand) -> None:
    asked = account()
    first = asked._client("sqs", REGION)
    for number in range(80):
        asked._client("sqs", f"xx-test-{number}")

    assert len(asked._clients) == 64
    assert asked._client("sqs", REGION) is not first
    assert asked._client("sqs", "xx-test-79") is asked._client("sqs", "xx-test-79")
    assert {heard.call for heard in aws.heard} == {"sts:GetCallerIdentity"}


@pytest.mark.usefixtures("hasty")
def test_a_service_that_a_region_does_not_have_is_no_gap_and_one_that_can_not_be_reached_is(
    aws: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_DEVOPS_GURU", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        offered = boto3.Session().get_available_regions("devops-guru")
        other = next(name for name in boto3.Session().get_available_regions("s3") if name not in offered)

        assert gaps(look("DevOpsGuru::NotificationChannel", regions=(other,))) == []
        assert [reason for _, reason, _ in gaps(look("DevOpsGuru::NotificationChannel", regions=(offered[0],)))] == ["no connection"]
    assert {heard.service for heard in aws.heard} == {"sts"}


# ── Several accounts ─────────────────────────────────────────────────────────────────────────────────


def opened(**login: Any) -> list[str | tuple[str, str, str]]:
    """The numbers of the accounts that a login opens, and what is said of those that it can't."""
    accounts = open_accounts(Login(regions=(REGION,), **login), TYPES)
    return [(one.what, one.reason, one.needs) if isinstance(one, Coverage) else one.info.name for one in accounts]


def test_accounts_are_come_by_through_roles_with_their_conditions(aws: Stand) -> None:
    aws.load("organization")
    right = Role(arn=f"arn:aws:iam::{OTHER}:role/rung", external_id="rung-7", tags=(("team", "ml"),))
    locked = "arn:aws:iam::333333333333:role/rung"

    assert opened(roles=(right, Role(arn=locked, external_id="rung-7"))) == [OTHER, (locked, "access denied", "sts:AssumeRole")]
    assert opened(roles=(replace(right, external_id="guessed"),)) == [(right.arn, "access denied", "sts:AssumeRole")]
    assert opened(roles=(replace(right, tags=(("team", "other"),)),)) == [(right.arn, "access denied", "sts:TagSession")]


def test_of_an_organization_each_active_account_is_scanned_and_one_that_refuses_is_a_gap(aws: Stand) -> None:
    aws.load("organization")
    role = "role/OrganizationAccountAccessRole"

    assert opened(organization="true") == [
        (f"arn:aws:iam::{ACCOUNT}:{role}", "access denied", "sts:AssumeRole"),
        OTHER,
        (f"arn:aws:iam::333333333333:{role}", "access denied", "sts:AssumeRole"),
    ]


def test_each_account_of_a_system_has_its_evidence_its_coverage_and_its_error(aws: Stand, tmp_path: Path) -> None:
    aws.load("organization")
    system = tmp_path / "system.yaml"
    roles = [
        f"{{arn: 'arn:aws:iam::{OTHER}:role/rung', external_id: rung-7, session_tags: {{team: ml}}}}",
        "{arn: 'arn:aws:iam::333333333333:role/rung'}",
    ]
    system.write_text(f"targets:\n  - aws: {{regions: [{REGION}]}}\n  - aws: {{regions: [{REGION}], roles: [{', '.join(roles)}]}}\n")
    output = tmp_path / "report.json"

    assert main(["scan", "--system", str(system), "--quiet", "--output", str(output)]) == UNREADABLE
    document = read_document(output.read_text(), str(output))
    assert [(target["name"], target.get("unread", "")) for target in document["targets"]] == [
        (ACCOUNT, ""),
        (OTHER, ""),
        ("arn:aws:iam::333333333333:role/rung", "access denied; needs sts:AssumeRole"),
    ]
    places = {(item["signal"], item["location"]["target"]) for item in document["evidence"]}
    assert places >= {("bucket-live", f"aws:{ACCOUNT}"), ("pipeline-executed", f"aws:{OTHER}")}


# ── Nothing is written ───────────────────────────────────────────────────────────────────────────────


def test_no_operation_of_any_service_but_those_of_the_packs_passes_the_last_look(aws: Stand) -> None:
    asked = account()
    passed = set()
    for service in sorted({call.partition(":")[0] for call in CALLS}):
        model = asked._client(service, REGION).meta.service_model
        for name in model.operation_names:
            with suppress(CallError):
                asked._guard(model.operation_model(name))
                passed.add(f"{service}:{name}")

    assert passed == set(CALLS) | {call for call in OWN if call.partition(":")[0] in {one.partition(":")[0] for one in CALLS}}
    assert [heard.call for heard in aws.heard] == ["sts:GetCallerIdentity"]


@pytest.mark.parametrize(
    ("service", "method", "parameters"),
    [
        ("s3", "create_bucket", {"Bucket": "mine"}),
        ("s3", "get_object", {"Bucket": "churn-lake", "Key": "train.csv"}),
        ("sagemaker", "delete_endpoint", {"EndpointName": "churn"}),
        ("sagemaker", "start_pipeline_execution", {"PipelineName": "churn"}),
        ("sts", "get_session_token", {}),
        ("secretsmanager", "get_secret_value", {"SecretId": "warehouse"}),
        ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1}),
        ("rds", "delete_db_instance", {"DBInstanceIdentifier": "orders"}),
        ("lambda", "invoke", {"FunctionName": "score"}),
        ("cloudformation", "delete_stack", {"StackName": "churn"}),
    ],
)  # fmt: skip
def test_what_writes_or_reveals_is_refused_before_a_request_leaves(
    aws: Stand, service: str, method: str, parameters: dict[str, Any]
) -> None:
    asked = account()
    aws.forget()
    with pytest.raises(CallError, match="Rung does not make this call"):
        getattr(asked._client(service, REGION), method)(**parameters)
    operation = asked._client(service, REGION).meta.method_to_api_mapping[method]
    with pytest.raises(CallError, match="Rung does not make this call"):
        next(asked.pages(f"{service}:{operation}", parameters, REGION))
    assert aws.heard == []


# ── Interrupted ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_scan_tells_what_it_saw_and_harms_nothing_that_is_kept(aws: Stand, tmp_path: Path, number: signal.Signals) -> None:
    aws.load("level-2")
    aws.trouble("slow", milliseconds=200)
    store, output = tmp_path / "results.db", tmp_path / "report.json"
    command = [sys.executable, "-m", "rung", "scan", "--aws", "--region", REGION, "--quiet", "--store", str(store), "--output", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        until = time.monotonic() + 60
        while len(aws.heard) < 20 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]

    assert process.returncode == 128 + number, said
    document = read_document(output.read_text(), str(output))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["partial"] is True
    assert "interrupted" in {entry["reason"] for entry in document["coverage"]}
    assert set(statuses(document).values()) & {"unknown", "not_applicable"}
    assert kept(store) == 0

    aws.calm()
    assert main(["scan", "--aws", "--region", REGION, "--quiet", "--store", str(store), "--output", str(output)]) == DONE
    assert kept(store) == 1


def kept(store: Path) -> int:
    """The number of results in a store that is whole."""
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT count(*) FROM result").fetchone()[0])


def test_an_end_asked_for_is_not_held_up_by_what_does_not_answer(aws: Stand) -> None:
    aws.trouble("hanging", "sagemaker:*")
    stop = Event()
    start = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(look, "SageMaker::Pipeline", "SageMaker::Endpoint", stop=stop, seconds=1)
        while "sagemaker:ListPipelines" not in {heard.call for heard in aws.heard}:
            time.sleep(0.05)
        stop.set()
        live = job.result()

    assert time.monotonic() - start < 15
    assert live.stopped
    assert {reason for _, reason, _ in gaps(live)} == {"interrupted"}


def test_after_an_end_is_asked_for_no_account_of_an_organization_is_logged_into(aws: Stand) -> None:
    aws.load("organization")
    stop = Event()
    accounts = open_accounts(Login(regions=(REGION,), organization="true"), TYPES, stop=stop)
    assert isinstance(next(accounts), Coverage)
    logins = [heard.call for heard in aws.heard].count("sts:AssumeRole")
    stop.set()

    assert [(type(one), getattr(one, "reason", "")) for one in accounts] == [(Coverage, "interrupted")] * 2
    assert [heard.call for heard in aws.heard].count("sts:AssumeRole") == logins


# ── Declared and live ────────────────────────────────────────────────────────────────────────────────

TERRAFORM = """
resource "aws_sagemaker_model_package_group" "churn" {
  model_package_group_name = "churn"
}

resource "aws_sagemaker_endpoint" "churn" {
  name                 = var.endpoint
  endpoint_config_name = "churn-3"
}

resource "aws_sagemaker_notebook_instance" "bob" {
  name          = "bobs-notebook"
  role_arn      = var.role
  instance_type = "ml.t3.medium"
}
"""
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Train:
    Type: AWS::SageMaker::Pipeline
    Properties: {PipelineName: !Sub "${AWS::StackName}-train", RoleArn: !Ref Role, PipelineDefinition: {PipelineDefinitionBody: "{}"}}
"""


def test_what_code_declares_is_compared_with_what_is_live(aws: Stand, tmp_path: Path) -> None:
    aws.load("level-3")
    (tmp_path / "main.tf").write_text(TERRAFORM)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    document = scanned(target=str(tmp_path))
    inventory = document["inventory"]

    assert {item["location"]["resource"] for item in document["evidence"] if item["signal"] == "live-as-declared"} == {
        "AWS::SageMaker::ModelPackageGroup/churn",
        "AWS::SageMaker::Pipeline/churn-train",
    }
    assert (inventory["declared"], inventory["uncertain"]) == (2, 1)
    assert inventory["live"] == inventory["declared"] + inventory["uncertain"] + len(inventory["by_hand"])
    assert {one["what"] for one in inventory["by_hand"]} >= {"AWS::SageMaker::Model/churn-3", "AWS::SageMaker::NotebookInstance/alice"}
    assert [(one["what"], one["location"]["path"]) for one in inventory["not_live"]] == [
        ("AWS::SageMaker::NotebookInstance/bobs-notebook", "main.tf")
    ]
    assert document["capabilities"]["code.iac"]["strength"] == "operating"


def test_what_could_not_be_listed_is_not_missed(aws: Stand, tmp_path: Path) -> None:
    aws.load("level-3")
    aws.deny("sagemaker:ListNotebookInstances")
    (tmp_path / "main.tf").write_text(TERRAFORM)

    assert scanned(target=str(tmp_path))["inventory"]["not_live"] == []
