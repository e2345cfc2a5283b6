"""Systems of repositories and of what is live: which targets are named, and what becomes of those that can't be asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rung.cli import DONE, GATE_FAILED, UNREADABLE, USAGE, main
from rung.config import load_config
from rung.packs import load_packs
from rung.records import Config, ConfigError, RungError, TargetRule
from rung.review import Request, assessments, completed
from tests.cases import FIXTURES
from tests.repositories import commit

RECORDING = FIXTURES / "github-runs" / "seen" / "github.recording.jsonl"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(FIXTURES / "scenarios" / "tracked-experiments", tmp_path / "churn")
    monkeypatch.chdir(commit(tmp_path / "churn"))
    return tmp_path / "churn"


def scanned(*arguments: str, capsys: pytest.CaptureFixture[str], code: int = DONE) -> dict[str, Any]:
    assert main(["scan", *arguments, "--format", "json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def loaded(text: str) -> Config:
    return load_config(text.encode(), "systems/system.yaml", load_packs())


def test_each_provider_of_the_packs_is_an_option_of_a_scan(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scan", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for provider in load_packs().providers:
        assert f"--{provider.id} [{provider.value}]" in told
        assert " ".join(provider.help.split()[:6]) in told


# ── What is scanned ──────────────────────────────────────────────────────────────────────────────────


def test_a_repository_and_its_record_are_one_system(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = scanned(".", capsys=capsys)
    both = scanned(".", "--replay", str(RECORDING), capsys=capsys)

    assert [target["kind"] for target in both["targets"]] == ["worktree", "host"]
    assert both["scope"]["system"] == "churn"
    assert len(both["evidence"]) > len(alone["evidence"])
    assert alone["capabilities"]["code.ci"]["strength"] != "operating"
    assert both["capabilities"]["code.ci"]["strength"] == "operating"
    assert not any(entry["what"] == "the repository" for entry in both["coverage"])


def test_what_is_live_alone_leaves_what_files_show_unknown(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = scanned("--replay", str(RECORDING), capsys=capsys)

    assert [target["kind"] for target in document["targets"]] == ["host"]
    assert document["dimensions"]["model"]["reason"].startswith("Whether it applies was not seen.")
    by_status = {criterion["status"] for criterion in document["dimensions"]["code"]["criteria"] if "the repository" in criterion["reason"]}
    assert by_status == {"unknown"}


def test_without_any_target_this_folder_is_scanned(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [target["kind"] for target in scanned(capsys=capsys)["targets"]] == ["worktree"]


def test_several_repositories_of_a_file_are_one_system(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(repository, tmp_path / "again")
    (tmp_path / "system.yaml").write_text("system: both\ntargets:\n  - path: churn\n  - path: again\n")
    document = scanned("--system", str(tmp_path / "system.yaml"), capsys=capsys)

    first, second = (target["id"] for target in document["targets"])
    assert document["scope"] == {"system": "both"}
    assert len({item["id"] for item in document["evidence"]}) == len(document["evidence"])
    places = [{item["location"]["path"] for item in document["evidence"] if item["location"]["target"] == name} for name in (first, second)]
    assert places[0] == places[1] != set()


def test_a_scanned_repository_sends_nobody_to_an_account(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "rung.yaml").write_text("targets:\n  - mlflow: {url: 'http://127.0.0.1:9'}\n")

    document = scanned(capsys=capsys)

    assert [target["kind"] for target in document["targets"]] == ["worktree"]
    assert "are not gone by" in document["policy"]["notes"][0]


@pytest.mark.parametrize("optional", [False, True])
def test_a_server_that_does_not_answer_ends_with_4_after_the_report_unless_it_is_optional(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, optional: bool
) -> None:
    monkeypatch.setattr("rung.targets.live.rest.Server._sleep", lambda *_: None)
    more = "\n    optional: true" if optional else ""
    (tmp_path / "system.yaml").write_text(f"targets:\n  - path: churn\n  - mlflow: {{url: 'http://127.0.0.1:9'}}{more}\n")
    document = scanned("--system", str(tmp_path / "system.yaml"), capsys=capsys, code=DONE if optional else UNREADABLE)

    repository_, server = document["targets"]
    assert repository_["files"] > 0
    assert ("unread" in server) is not optional
    gaps = [entry for entry in document["coverage"] if entry["target"] == "mlflow:127.0.0.1:9" and not entry["searched"]]
    hidden = {name for gap in gaps for name in gap["capabilities"]}
    assert {"model.experiment-tracking", "model.registry"} <= hidden
    assert "code.review" not in hidden


def test_the_window_tells_what_is_recent(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strengths = []
    for days in (4000, 1):
        (tmp_path / "system.yaml").write_text(f"window: {days}\ntargets:\n  - path: churn\n")
        found = scanned("--system", str(tmp_path / "system.yaml"), "--replay", str(RECORDING), capsys=capsys)
        strengths.append(found["capabilities"]["code.ci"]["strength"])

    assert strengths == ["operating", "automated"]


# ── What is named ────────────────────────────────────────────────────────────────────────────────────


def test_targets_of_a_file_are_read_with_folders_from_where_it_lies() -> None:
    found = loaded(
        "targets:\n"
        "  - path: ../churn\n"
        "  - path: https://github.com/acme/churn@v1\n"
        "  - aws: {profile: prod, regions: [eu-west-1], roles: [{arn: 'arn:aws:iam::222222222222:role/rung', external_id: x}]}\n"
        "  - github: acme/churn\n"
        "  - github: {repository: acme/other, url: 'https://github.example.com/api/v3'}\n"
        "  - mlflow:\n"
        "    optional: true\n"
    )

    assert [(rule.kind, rule.value, rule.optional) for rule in found.targets] == [
        ("path", "churn", False),
        ("path", "https://github.com/acme/churn@v1", False),
        ("aws", "prod", False),
        ("github", "acme/churn", False),
        ("github", "acme/other", False),
        ("mlflow", "", True),
    ]
    assert found.targets[2].settings == {
        "regions": ["eu-west-1"],
        "roles": [{"arn": "arn:aws:iam::222222222222:role/rung", "external_id": "x"}],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("targets:\n  - awz: prod\n", "`awz` names no target, did you mean `aws`?"),
        ("targets:\n  - aws: prod\n    mlflow: x\n", "a target has one key"),
        ("targets:\n  - aws: {region: eu-west-1}\n", "targets.0.aws"),
        ("targets:\n  - aws: {roles: [{arn: rung}]}\n", "targets.0.aws"),
        ("window: soon\n", "`window`"),
        ("targets:\n  - path: a\n  - path: b\nsystems:\n  - {name: x, paths: {in: [x]}}\n", "several repositories are one system"),
    ],
)
def test_a_mistake_in_the_targets_names_line_and_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"systems/system.yaml:\d+: ") as told:
        loaded(text)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("remote", "name", "url"),
    [
        ("https://github.com/acme/churn", "acme/churn", None),
        ("https://github.example.com/acme/churn", "acme/churn", "https://github.example.com/api/v3"),
    ],
)
def test_a_code_host_without_a_name_is_asked_for_the_repository_that_was_cloned(remote: str, name: str, url: str | None) -> None:
    rule = completed(TargetRule(kind="github"), remote, load_packs())

    assert rule.value == name
    assert rule.settings.get("url") == url


def test_a_repository_without_a_remote_needs_the_name_said(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RungError, match="has no remote that tells its name"):
        assessments(Request(target=".", live=(TargetRule(kind="github"),)))
    assert main(["scan", ".", "--github"]) == USAGE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--region", "eu-west-1"], "give --aws too"),
        (["--system", "a.yaml", "--config", "b.yaml"], "two configurations"),
        (["--github", "churn"], "write OWNER/NAME"),
        (["--replay", "nowhere"], "nowhere: can't be read"),
        (["--aws", "no-such-profile"], "there is no AWS profile `no-such-profile`"),
    ],
)
def test_what_can_not_be_meant_is_told(repository: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "--aws" in arguments:
        pytest.importorskip("boto3")
    assert main(["scan", *arguments]) in (USAGE, UNREADABLE)
    assert message in capsys.readouterr().err


def test_without_boto3_an_account_is_answered_with_what_to_install(repository: Path) -> None:
    code = "import sys; sys.modules['boto3'] = None\nfrom rung.cli import main\nsys.exit(main(['scan', '--aws']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "install rung[aws]" in done.stderr
    assert done.returncode == UNREADABLE


@pytest.mark.parametrize("denied", [True, False], ids=["denied", "gone"])
def test_what_may_not_be_asked_any_more_did_not_fall(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], denied: bool
) -> None:
    head, *answers = RECORDING.read_text().splitlines()
    error = {"error": {"code": "403", "reason": "access denied", "needs": "Actions: read"}}
    runs = [json.dumps({"call": json.loads(line)["call"], **error}) for line in answers if "/actions/" in line]
    kept = [line for line in answers if "/actions/" not in line]
    later = tmp_path / "later.recording.jsonl"
    later.write_text("\n".join((head, *kept, *(runs if denied else ()))))
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(scanned(".", "--replay", str(RECORDING), capsys=capsys)))

    arguments = (".", "--replay", str(later), "--against", str(earlier), "--fail-on", "regression")
    found = scanned(*arguments, capsys=capsys, code=DONE if denied else GATE_FAILED)
    went = {item["reason"] for item in found["comparison"]["evidence"] if item["change"] == "went"}
    assert ("could not be asked: access denied; needs Actions: read" in went) is denied
    assert bool(found["comparison"]["regressions"]) is not denied


def test_what_is_live_explains_a_capability(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "code.ci", "--replay", str(RECORDING)]) == DONE
    assert "github/WorkflowRun/.github/workflows/ci.yml  operating" in capsys.readouterr().out
