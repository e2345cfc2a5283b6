"""Who is told of regressions, of what, and what becomes of those who can't be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rung.cli import DONE, GATE_FAILED, UNTOLD, USAGE, main
from rung.diff import compare
from rung.notify import Issue, Webhook, channels_of, tell
from rung.records import RungError
from rung.report import document_of, schema
from rung.report.comparison import comparison_of, with_comparison
from rung.report.notification import notification_of, slack_message
from rung.results import Results
from rung.scan import scan_path
from tests.codehosts import TOKEN, Host, Inbox, github, webhook
from tests.test_results import fall, shop

Document = dict[str, Any]
SECRET = "T0AAAA/B0BBBB/a-secret-of-the-hook"


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A document whose comparison has regressions."""
    tree = shop(tmp_path_factory.mktemp("shop") / "shop")
    old = document_of(scan_path(str(tree)))
    fall(tree)
    new = document_of(scan_path(str(tree)))
    return with_comparison(new, comparison_of(compare(old, new, negative=frozenset()), old, new))


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with webhook() as found:
        yield found


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with github() as found:
        yield found


def told(document: Document, *addresses: str, **environment: str) -> tuple[bool, list[str]]:
    said: list[str] = []
    return tell([document], channels_of(addresses, environment), said.append), said


# ── What is told ─────────────────────────────────────────────────────────────────────────────────────


def test_a_webhook_is_told_the_levels_what_fell_and_why(fallen: Document, inbox: Inbox) -> None:
    assert told(fallen, f"{inbox.url}/{SECRET}") == (True, [f"told {inbox.url.removeprefix('http://')} of what fell in shop"])

    [message] = inbox.messages
    jsonschema.validate(message, schema("notification"))
    assert message["system"] == "shop"
    assert message["levels"]["code"] == {"title": "Code", "change": "fell", "old": 2, "new": 1}
    assert message["regressions"] == fallen["comparison"]["regressions"]
    reason = next(item for item in message["reasons"] if item["capability"] == "code.ci-tests")
    assert reason["what"] == "code.ci-tests automated → absent"
    assert ".github/workflows/ci.yml" in reason["places"][0]
    assert inbox.heard == [("POST", f"/{SECRET}")]


def test_slack_and_what_takes_its_messages_get_text_and_blocks(fallen: Document, inbox: Inbox) -> None:
    assert told(fallen, f"slack+{inbox.url}/{SECRET}")[0]

    [message] = inbox.messages
    assert {"text", "blocks"} < set(message)
    assert message["text"].startswith("Rung: shop fell\n*Data*")
    assert "• " in message["text"]
    assert "▼ code.ci-tests automated → absent\n    .github/workflows/ci.yml" in message["text"]
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "section", "section", "context"]
    assert all(block["text"]["text"] in message["text"] for block in message["blocks"][:4])


def test_that_other_detectors_may_be_the_cause_is_told(fallen: Document) -> None:
    note = "The two results were made by different versions of Rung (0.1.0 and 0.2.0)."
    noted = {**fallen, "comparison": {**fallen["comparison"], "notes": [note]}}

    assert notification_of(noted)["notes"] == [note]
    assert slack_message(noted)["text"].endswith(note)


def test_slack_s_own_addresses_are_known_without_being_called_slack() -> None:
    [plain, own] = channels_of(["https://example.com/x", f"https://hooks.slack.com/services/{SECRET}"], {})

    assert isinstance(plain, Webhook)
    assert isinstance(own, Webhook)
    assert plain.message is notification_of
    assert own.message is slack_message


def test_a_message_stays_within_slack_s_limits_and_says_that_it_is_cut(fallen: Document) -> None:
    comparison = fallen["comparison"]
    many = [{"subject": "x", "what": f"{number} " + "a long reason " * 20} for number in range(100)]
    message = slack_message({**fallen, "comparison": {**comparison, "regressions": many, "system": "s" * 400}})

    sections = [block["text"]["text"] for block in message["blocks"] if block["type"] == "section"]
    assert all(len(text) <= 3_000 for text in sections)
    assert sections[1].endswith("a long reason \n… The report has the rest.")
    assert len(message["blocks"][0]["text"]["text"]) <= 150


def test_names_from_a_repository_mention_nobody_and_link_nowhere(fallen: Document) -> None:
    hostile = "<!channel> @channel <https://evil.example|ok> [ok](https://evil.example)"
    comparison = {**fallen["comparison"], "regressions": [{"subject": "x", "what": hostile}]}
    message = slack_message({**fallen, "comparison": comparison})

    text = message["blocks"][2]["text"]["text"]
    assert "<" not in text
    assert "@channel" not in text
    assert "](" not in text


# ── Who is told ──────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_told_where_nothing_fell(fallen: Document, inbox: Inbox) -> None:
    better = {**fallen, "comparison": {**fallen["comparison"], "regressions": []}}
    alone = {name: value for name, value in fallen.items() if name != "comparison"}

    assert told(better, inbox.url) == (True, [])
    assert told(alone, inbox.url) == (True, [])
    assert inbox.heard == []


def test_a_channel_that_fails_is_said_without_its_secrets_and_keeps_no_other_from_hearing(fallen: Document, inbox: Inbox) -> None:
    inbox.answers = [(404, f"no_service for /{SECRET}?key=a-second-secret")]
    login = inbox.url.replace("http://", "http://rung:pass-word@")

    heard, said = told(fallen, f"{login}/{SECRET}?key=a-second-secret", f"{inbox.url}/other", "http://127.0.0.1:9/a-third-secret")

    assert heard
    name = inbox.url.removeprefix("http://")
    assert said[0].startswith(f"warning: {name} could not be told of what fell in shop: it answered 404 (no_service for /***")
    assert said[1] == f"told {name} of what fell in shop"
    assert said[2] == "warning: 127.0.0.1:9 could not be told of what fell in shop: no answer (Connection refused)"
    assert not [secret for secret in ("secret", "pass-word") if secret in "".join(said)]
    assert inbox.logins == ["Basic cnVuZzpwYXNzLXdvcmQ=", None]


def test_an_address_that_is_none_is_told_by_its_position_and_not_shown() -> None:
    for address in (
        "ftp://secret.example",
        "secret",
        "https://",
        "https://x.example/a secret",
        "https://x:secret/",
        "github:acme",
        "https://é.example/secret",
    ):
        with pytest.raises(RungError, match="--notify number 2: is no address") as caught:
            channels_of(["https://x.example", address], {})
        assert "secret" not in str(caught.value)
    assert SECRET not in repr(channels_of([f"https://x.example/{SECRET}"], {}))
    assert TOKEN not in repr(channels_of(["github:acme/churn"], {"GITHUB_TOKEN": TOKEN}))


def test_an_address_can_be_named_by_the_variable_that_holds_it(inbox: Inbox, fallen: Document) -> None:
    assert told(fallen, "env:HOOK", HOOK=f"{inbox.url}/{SECRET}\n")[0]
    assert inbox.heard == [("POST", f"/{SECRET}")]
    for wrong in ({}, {"HOOK": ""}, {"HOOK": "env:HOOK"}):
        with pytest.raises(RungError, match="the variable HOOK is not set, or empty"):
            channels_of(["env:HOOK"], wrong)


def test_what_may_pass_is_tried_again_and_what_will_not_is_not(fallen: Document, inbox: Inbox) -> None:
    inbox.answers = [(503, ""), (429, "")]
    assert told(fallen, inbox.url)[0]
    assert len(inbox.heard) == 3
    inbox.answers = [(503, "")] * 3
    assert told(fallen, inbox.url)[1][0].endswith("it answered 503")
    assert len(inbox.heard) == 6
    inbox.answers = [(400, "invalid_payload")]
    assert told(fallen, inbox.url)[1][0].endswith("it answered 400 (invalid_payload)")
    assert len(inbox.heard) == 7


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirection_is_not_followed_and_not_taken_for_being_heard(fallen: Document, inbox: Inbox, status: int) -> None:
    inbox.answers = [(status, "")]

    heard, said = told(fallen, f"{inbox.url}/old")

    assert not heard
    assert said[0].endswith(f"it answered {status}")
    assert inbox.heard == [("POST", "/old")]


# ── The issue ────────────────────────────────────────────────────────────────────────────────────────


def test_one_issue_a_system_is_opened_and_updated_in_place_while_it_is_open(fallen: Document, host: Host) -> None:
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": host.url}
    other = {**fallen, "scope": {"system": "fraud"}}
    for _ in range(120):
        host.issue("Something else", "x", "a-person")

    assert told(fallen, "github:acme/churn", **environment) == (
        True,
        [f"told github:acme/churn of what fell in shop: {host.url}/acme/churn/issues/121"],
    )
    assert told(other, "github:acme/churn", **environment)[0]
    worse = {**fallen, "comparison": {**fallen["comparison"], "notes": ["And more."]}}
    assert told(worse, "github:acme/churn", **environment)[0]
    assert [issue["title"] for issue in host.issues[120:]] == ["Rung: shop fell", "Rung: fraud fell"]
    assert "And more." in host.issues[120]["body"]
    assert "▼ **code.ci-tests** automated → absent" in host.issues[120]["body"]

    host.issues[120]["state"] = "closed"
    assert told(fallen, "github:acme/churn", **environment)[0]
    assert [issue["title"] for issue in host.issues[120:]] == ["Rung: shop fell", "Rung: fraud fell", "Rung: shop fell"]


def test_an_issue_or_pull_request_with_our_mark_by_somebody_else_is_left_to_them(fallen: Document, host: Host) -> None:
    environment = {"GH_TOKEN": TOKEN, "GITHUB_API_URL": host.url}
    told(fallen, "github:acme/churn", **environment)
    text = host.issues.pop()["body"]
    host.issue("All is well", text, "a-person")
    request = {"url": host.url, "html_url": host.url, "diff_url": host.url, "patch_url": host.url}
    host.issue("A proposal", text, pull_request=request)

    assert told(fallen, "github:acme/churn", **environment)[0]
    assert [issue["title"] for issue in host.issues] == ["All is well", "A proposal", "Rung: shop fell"]


def test_an_issue_that_can_t_be_written_is_a_warning(fallen: Document, host: Host) -> None:
    host.refuses = {"POST": 403}
    heard, said = told(fallen, "github:acme/churn", GITHUB_TOKEN=TOKEN, GITHUB_API_URL=host.url)
    assert not heard
    assert "the server answered 403" in said[0]
    assert told(fallen, "github:acme/churn")[1][0].endswith("GITHUB_TOKEN or GH_TOKEN must hold a token that may write issues")
    assert isinstance(channels_of(["github:acme/churn"], {})[0], Issue)


# ── At the terminal ──────────────────────────────────────────────────────────────────────────────────


def test_a_scheduled_scan_tells_of_a_fall_once_and_keeps_no_address(
    tmp_path: Path, inbox: Inbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, store = shop(tmp_path / "shop"), tmp_path / "r.db"
    monkeypatch.setenv("HOOK", f"{inbox.url}/{SECRET}")
    command = ["scan", str(tree), "--store", str(store), "--notify", "env:HOOK", "--format", "json"]

    assert main(command) == DONE
    fall(tree)
    assert main(command) == DONE
    assert main([*command, "--fail-on", "regression"]) == DONE
    assert len(inbox.messages) == 1
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    assert all(SECRET not in json.dumps(Results(str(store)).read(number)) for number in (1, 2, 3))


def test_the_exit_code_tells_where_nobody_could_be_told_unless_it_tells_of_a_gate(
    tmp_path: Path, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, dead = shop(tmp_path / "shop"), "http://127.0.0.1:9/secret"
    stored = tmp_path / "before.json"
    assert main(["scan", str(tree), "-o", str(stored), "-q"]) == DONE
    fall(tree)
    command = ["scan", str(tree), "--against", str(stored), "-q", "--notify", dead]

    assert main(command) == UNTOLD
    assert main([*command, "--notify", inbox.url]) == DONE
    assert main([*command, "--fail-on", "regression"]) == GATE_FAILED
    out, err = capsys.readouterr()
    assert out.count("▼ code.ci-tests") == 3
    assert err.count("warning: 127.0.0.1:9 could not be told") == 3
    assert "secret" not in err


def test_what_fell_is_told_although_the_result_is_stored_later(tmp_path: Path, inbox: Inbox) -> None:
    """A scan that ends in between tells again; the other way around nobody would ever hear."""
    tree, store = shop(tmp_path / "shop"), tmp_path / "r.db"
    command = ["scan", str(tree), "--store", str(store), "--notify", inbox.url, "-q"]
    main(command)
    fall(tree)

    def killed(*_: object) -> int:
        raise SystemExit(137)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Results, "add", killed)
        with pytest.raises(SystemExit):
            main(command)
    assert main(command) == DONE
    assert [message["system"] for message in inbox.messages] == ["shop", "shop"]


def test_to_notify_there_must_be_something_to_compare_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(shop(tmp_path / "shop")), "--notify", "https://x.example/secret"]) == USAGE
    err = capsys.readouterr().err
    assert "give --store FILE, or --against" in err
    assert "secret" not in err
