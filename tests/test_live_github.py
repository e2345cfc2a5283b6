"""Whole scans of a repository's record on GitHub, against the stand-in that answers as GitHub's description says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rung.collect import Live, Terms, collect
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.records import Coverage, Strength, TargetError
from rung.targets.live import rest
from rung.targets.live.recording import Recorder, Recording
from rung.targets.live.rest import Address, Server
from tests.stands.github import PERMISSIONS, TOKEN, Stand, github

PACKS = load_packs()
TERMS = Terms(types=PACKS.resources, matchers=Matchers(PACKS), tellers=4)
PROVIDER = next(provider for provider in PACKS.providers if provider.id == "github")


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", TOKEN)


@pytest.fixture
def stand() -> Iterator[Stand]:
    with github("practising") as running:
        yield running


def driver(stand: Stand, name: str = "acme/churn", **settings: Any) -> Server:
    types = tuple(resource for resource in PACKS.resources if resource.provider == "github")
    return Server(PROVIDER, Address(url=stand.url, name=name, **settings), types)


def scan(stand: Stand, name: str = "acme/churn", **settings: Any) -> Live:
    return collect(driver(stand, name, **settings), TERMS)


def strengths(live: Live) -> dict[str, Strength]:
    """The best strength of each capability."""
    found: dict[str, Strength] = {}
    for item in live.evidence:
        found[item.capability] = max(item.strength, found.get(item.capability, Strength.ABSENT))
    return found


def gaps(live: Live) -> list[Coverage]:
    return [item for item in live.coverage if not item.searched]


def test_a_practising_repository_operates_what_its_record_shows(stand: Stand) -> None:
    live = scan(stand)

    assert sorted(name for name, strength in strengths(live).items() if strength == Strength.OPERATING) == [
        "code.cd",
        "code.ci",
        "code.ci-tests",
        "code.quality-gates",
        "code.release-management",
        "code.review",
        "code.security-scanning",
        "model.continuous-training",
        "model.deployment",
    ]
    assert (gaps(live), live.dead_ends, live.info.id) == ([], (), "github:acme/churn")


def test_what_is_set_up_and_leads_nowhere_is_a_dead_end_and_proves_nothing() -> None:
    with github("neglected") as stand:
        live = scan(stand, "acme/attic")

    assert sorted((end.kind, end.location.resource.rpartition("/")[2]) for end in live.dead_ends) == [
        ("owners-with-errors", "attic"),
        ("production-unprotected", "production"),
        ("ruleset-not-enforced", "main"),
        ("security-updates-paused", "attic"),
        ("workflow-always-fails", "ci.yml"),
        ("workflow-disabled-by-hand", "old.yml"),
        ("workflow-disabled-by-inactivity", "retrain.yml"),
    ]
    assert {capability: strength for capability, strength in strengths(live).items() if strength > Strength.IMPLEMENTED} == {
        "model.continuous-training": Strength.AUTOMATED
    }
    assert [item.note[:9] for item in live.evidence if item.capability == "model.continuous-training"] == ["last used"]


def test_where_there_is_nothing_it_was_searched_and_not_missed() -> None:
    with github("neglected") as stand:
        live = scan(stand, "acme/attic")

    assert gaps(live) == []
    assert {"code.review", "code.security-scanning"} <= {name for item in live.coverage if item.searched for name in item.capabilities}


@pytest.mark.parametrize("classic", [False, True])
def test_what_the_token_may_not_see_is_told_with_the_permission_and_never_taken_for_absence(stand: Stand, classic: bool) -> None:
    stand.tokens, stand.classic = {TOKEN: {"Metadata", "Contents", "Actions", "Pull requests", "Deployments"}}, classic
    live = scan(stand)

    unseen = {item.needs: item.capabilities for item in gaps(live)}
    assert sorted(unseen) == [
        "Administration: read",
        "Code scanning alerts: read",
        "Dependabot alerts: read",
        "Secret scanning alerts: read",
    ]
    assert unseen["Administration: read"] == ("code.quality-gates", "code.review", "code.security-scanning", "code.supply-chain")
    assert strengths(live)["code.review"] == Strength.OPERATING, "the reviews themselves are seen"
    assert "BranchProtection" not in " ".join(item.location.resource for item in live.evidence)


def test_a_repository_that_is_not_there_or_not_visible_is_not_an_empty_one(stand: Stand) -> None:
    live = scan(stand, "acme/other")

    assert live.evidence == ()
    assert [(gap.needs, gap.reason) for gap in gaps(live)] == [("Metadata: read", "not found, or not visible to this login")]
    assert set(gaps(live)[0].capabilities) >= {"code.ci", "code.cd", "code.review", "model.deployment"}


def test_a_token_that_is_not_accepted_is_named_as_what_is_missing(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", "expired")

    assert [gap.needs for gap in gaps(scan(stand))] == ["a token that is valid"]


def test_answers_that_did_not_change_are_taken_from_the_cache(stand: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUNG_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = scan(stand)
    asked, left = len(stand.calls), stand.remaining
    stand.repositories["acme/churn"]["releases"] = []
    second = scan(stand)

    assert [call.status for call in stand.calls[asked:] if call.status != 304] == [200]
    assert stand.remaining == left - 1
    gone = {item.signal for item in first.evidence} - {item.signal for item in second.evidence}
    assert gone == {"released", "uploaded-by-bot"}


def test_a_limit_that_is_soon_lifted_is_waited_for(stand: Stand) -> None:
    stand.pauses = [1, 1]
    began = time.monotonic()
    live = scan(stand)

    assert (gaps(live), strengths(live)["code.ci"]) == ([], Strength.OPERATING)
    assert time.monotonic() - began >= 1
    assert [call.status for call in stand.calls].count(429) == 2


def test_a_limit_that_lasts_is_told_instead_of_waited_for(stand: Stand) -> None:
    stand.remaining, stand.reset = 10, rest.PATIENCE + 3_600
    live = scan(stand)

    assert {gap.needs for gap in gaps(live)} == {"a scan after that, or a token with a higher limit"}
    assert all("used up until" in gap.reason for gap in gaps(live))
    assert len([call for call in stand.calls if call.status == 403]) <= TERMS.tellers + 8, "once it is known, nothing is asked any more"


def test_a_limit_that_only_words_tell_is_not_taken_for_a_missing_permission(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.pauses = [0]
    monkeypatch.setattr(rest, "_UNTOLD", 0.2)
    assert gaps(scan(stand)) == []

    stand.pauses = [0]
    monkeypatch.setattr(rest, "_UNTOLD", rest.PATIENCE + 1)
    assert {gap.needs for gap in gaps(scan(stand))} == {"a scan after that, or a token with a higher limit"}


def test_long_lists_are_read_to_their_end_and_the_newest_only_as_far_as_is_asked() -> None:
    workflows = [
        {"id": number, "name": "x", "path": f".github/workflows/{number}.yml", "state": "disabled_manually"} for number in range(1, 121)
    ]
    releases = [{"id": number, "tag_name": f"v{number}", "published_at": "2026-01-01T00:00:00Z"} for number in range(1, 121)]
    with github("practising", workflows=workflows, workflow_runs=[], releases=releases) as stand:
        live = scan(stand)
        paths = stand.paths()

    assert paths["/repos/acme/churn/actions/workflows"] == 2
    assert paths["/repos/acme/churn/releases"] == 1
    assert {item.occurrences for item in live.evidence if item.signal == "released"} == {1}
    assert paths["/repos/acme/churn/actions/workflows/120/runs"] == 4


def test_what_belongs_to_the_one_repository_is_asked_for_by_several_threads_at_once() -> None:
    pulls = [{"number": number, "state": "closed", "base": {"ref": "main"}} for number in range(8)]
    with github("practising", pulls=pulls) as stand:
        stand.slow = 0.05
        scan(stand)

        assert 1 < stand.most <= TERMS.tellers + 1


def test_an_enterprise_server_is_asked_below_its_path() -> None:
    with github("practising", enterprise=True) as stand:
        live = scan(stand)

        assert all(call.path.startswith("/api/v3/repos/acme/churn") for call in stand.calls)
    assert strengths(live)["code.review"] == Strength.OPERATING


def test_the_token_is_that_of_the_environment_or_of_githubs_own_program(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand.tokens |= {"of-the-file": {"*"}, "of-another-variable": {"*"}}
    (tmp_path / "gh").mkdir()
    (tmp_path / "gh" / "hosts.yml").write_text("127.0.0.1:\n    user: ada\n    oauth_token: of-the-file\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("OTHER", "of-another-variable")

    scan(stand)
    scan(stand, token="OTHER")
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
    scan(stand)
    assert list(dict.fromkeys(call.token for call in stand.calls)) == [TOKEN, "of-another-variable", "of-the-file"]


def test_a_token_for_the_public_host_is_sent_to_no_other_but_to_the_one_that_the_environment_names(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)

    scan(stand)
    assert {call.token for call in stand.calls} == {""}

    monkeypatch.setenv("GITHUB_API_URL", stand.url)
    stand.calls.clear()
    scan(stand)
    assert {call.token for call in stand.calls} == {TOKEN}


def test_only_what_the_packs_name_is_asked_and_only_by_get(stand: Stand) -> None:
    """The stand notes any other method or path as wrong, and fails the test at its end."""
    scan(stand)

    assert len(stand.calls) > 20


def test_a_name_that_is_none_is_refused_before_anything_is_asked(stand: Stand) -> None:
    with pytest.raises(TargetError, match="write OWNER/NAME"):
        scan(stand, "churn")
    assert stand.calls == []


def test_a_recording_shows_again_what_was_seen_and_missed(stand: Stand, tmp_path: Path) -> None:
    stand.tokens = {TOKEN: set(PERMISSIONS.values()) - {"Administration"}}
    recorder = Recorder(driver(stand), str(tmp_path))
    seen = collect(recorder, TERMS)
    again = collect(Recording(recorder.path), TERMS)

    assert sorted(map(str, again.evidence)) == sorted(map(str, seen.evidence))
    assert [(gap.what, gap.needs) for gap in gaps(again)] == [(gap.what, gap.needs) for gap in gaps(seen)]
    assert TOKEN not in Path(recorder.path).read_text()
