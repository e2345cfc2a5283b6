from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from rung.checkout import Base, Checkout, Event, base_of, checkout_of, event_of
from rung.comment import github as api
from rung.records import RungError
from tests.codehosts import TOKEN, github
from tests.hostile import git
from tests.proposals import Proposal, make_proposal
from tests.repositories import ask

NEW = "0" * 40
GONE = "1" * 40


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> Proposal:
    return make_proposal(tmp_path_factory.mktemp("proposal"))


def base(folder: Path, event: str, payload: dict[str, Any], url: str = "http://127.0.0.1:9") -> Base:
    checkout = checkout_of(str(folder), {"GITHUB_SERVER_URL": url}, TOKEN)
    assert checkout is not None
    return base_of(Event(event, payload), checkout, api({"GITHUB_API_URL": url}, TOKEN), "acme/churn", 7)


def test_of_a_trial_merge_it_is_what_the_merge_was_made_onto_and_is_fetched(proposal: Proposal, tmp_path: Path) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)

    assert base(folder, "pull_request", proposal.payload()) == Base(proposal.base)
    assert ask(folder, "cat-file", "-t", proposal.base) == "commit"
    assert ask(folder, "rev-parse", "--is-shallow-repository") == "true"


def test_of_a_branch_with_history_it_is_where_the_branch_began(proposal: Proposal, tmp_path: Path) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.head, deep=True)

    assert base(folder, "pull_request", proposal.payload()) == Base(proposal.older)
    assert ask(folder, "rev-parse", "--is-shallow-repository") == "false"


def test_of_a_branch_without_history_it_is_the_base_branch_with_a_warning(proposal: Proposal, tmp_path: Path) -> None:
    found = base(proposal.checkout(tmp_path / "work", proposal.head), "pull_request", proposal.payload())

    assert found.revision == proposal.base
    assert "fetch-depth: 0" in found.note


def test_a_checkout_of_the_base_itself_is_told(proposal: Proposal, tmp_path: Path) -> None:
    found = base(proposal.checkout(tmp_path / "work", proposal.base), "pull_request_target", proposal.payload())

    assert found.note.startswith("The checkout is the base of the pull request")


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("push", {"before": "{base}"}, "{base}"),
        ("merge_group", {"merge_group": {"base_sha": "{base}"}}, "{base}"),
        ("push", {"before": NEW}, "the branch or tag is new"),
        ("push", {"before": GONE, "forced": True}, "the push replaced what was there"),
        ("workflow_dispatch", {}, "the event `workflow_dispatch` has no revision before it"),
    ],
)
def test_other_events_tell_it_or_why_there_is_none(
    proposal: Proposal, tmp_path: Path, event: str, payload: dict[str, Any], expected: str
) -> None:
    filled = json.loads(json.dumps(payload).replace("{base}", proposal.base))
    found = base(proposal.checkout(tmp_path / "work", proposal.merge), event, filled)

    assert expected.replace("{base}", proposal.base) in (found.revision or found.note)


def test_a_schedule_asks_the_host_for_the_commit_of_a_week_ago(proposal: Proposal, tmp_path: Path) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)
    with github() as host:
        assert "no commit older than 7 days" in base(folder, "schedule", {}, host.url).note
        host.commits = [proposal.older]
        assert base(folder, "schedule", {}, host.url) == Base(proposal.older)
        host.refuses = {"GET": 403}
        assert "Resource not accessible" in base(folder, "schedule", {}, host.url).note


@pytest.mark.parametrize("payload", [{"before": GONE}, {"before": "--upload-pack=touch x"}, {"before": "ext::sh -c x"}])
def test_a_commit_that_can_not_be_had_is_an_error(proposal: Proposal, tmp_path: Path, payload: dict[str, Any]) -> None:
    with pytest.raises(RungError, match=r"can't be fetched|is no revision"):
        base(proposal.checkout(tmp_path / "work", proposal.merge), "push", payload)


def test_a_pull_request_without_commits_in_its_payload_is_an_error(proposal: Proposal, tmp_path: Path) -> None:
    with pytest.raises(RungError, match="is no revision"):
        base(proposal.checkout(tmp_path / "work", proposal.merge), "pull_request", {"pull_request": []})


def test_the_token_fetches_from_its_host_though_the_checkout_kept_one_or_none(
    proposal: Proposal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with github() as host:
        host.repository = proposal.origin
        for name in ("none", "kept"):
            folder = proposal.checkout(tmp_path / name, proposal.merge, address=f"{host.url}/acme/churn.git")
            if name == "kept":
                kept = base64.b64encode(b"x-access-token:another").decode()
                git(folder, "config", f"http.{host.url}/.extraheader", f"AUTHORIZATION: basic {kept}")

            assert base(folder, "pull_request", proposal.payload(), host.url) == Base(proposal.base)
            assert TOKEN not in (folder / ".git" / "config").read_text()

        folder = proposal.checkout(tmp_path / "other", proposal.merge, address=f"{host.url}/acme/churn.git")
        with pytest.raises(RungError, match="can't be fetched"):  # The token is another host's: it is not sent.
            Checkout(str(folder), "https://github.example", TOKEN).find(proposal.base)


def test_a_branch_name_is_found_at_the_remote(proposal: Proposal, tmp_path: Path) -> None:
    folder = proposal.checkout(tmp_path / "work", proposal.merge)

    assert Checkout(str(folder)).find("main") == proposal.base


def test_an_event_that_can_not_be_read_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{")
    with pytest.raises(RungError, match=r"event\.json"):
        event_of({"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})
    assert event_of({"GITHUB_EVENT_NAME": "push"}) == Event("push", {})
