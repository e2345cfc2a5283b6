from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.cli import DONE, USAGE, main
from rung.comment import cut, github_thread, post, post_here
from rung.records import RungError
from rung.rest import Rest, RestError
from tests.codehosts import BOT, TOKEN, Host, github, gitlab
from tests.stands.description import wrong_answer, wrong_request


@pytest.fixture
def host() -> Iterator[Host]:
    with github() as found:
        yield found


def put(host: Host, text: str, about: str = "", token: str = TOKEN, *, folder: Path) -> str:
    return post_here(text, {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": token} | job(host, folder), about)


def job(host: Host, event: Path) -> dict[str, str]:
    return {"GITHUB_API_URL": host.url, "GITHUB_REPOSITORY": "acme/churn", "GITHUB_EVENT_PATH": str(event)}


@pytest.fixture
def event(tmp_path: Path) -> Path:
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 7}}))
    return tmp_path / "event.json"


def test_there_is_one_comment_for_each_thing_however_often_it_is_put(host: Host, event: Path) -> None:
    for _ in range(120):
        host.comment("Looks good", "a-person")

    assert put(host, "first", folder=event) == "the comment is made"
    assert put(host, "second", folder=event) == "the comment is updated"
    assert put(host, "second", folder=event) == "the comment is up to date"
    assert put(host, "other", "services/b", folder=event) == "the comment is made"
    assert [item["body"].partition("\n")[2] for item in host.comments[120:]] == ["second", "other"]
    assert [method for method, _ in host.heard if method in ("POST", "PATCH")] == ["POST", "PATCH", "POST"]


def test_a_comment_with_our_mark_by_somebody_else_is_left_to_them(host: Host, event: Path) -> None:
    put(host, "x", folder=event)
    mark = host.comments.pop()["body"].partition("\n")[0]
    host.comment(f"{mark}\nAll is well, says the report", "a-person")

    assert put(host, "y", folder=event) == "the comment is made"
    assert [item["user"]["login"] for item in host.comments] == ["a-person", BOT]


def test_the_stand_in_is_held_to_github_s_description(host: Host) -> None:
    path = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
    comment = host.comment("x")

    assert wrong_answer(path, "POST", 201, comment) == []
    assert wrong_answer(path, "POST", 201, comment | {"id": "7"})[0].endswith("$.id: '7' is not of type 'integer'")
    assert wrong_answer(path, "POST", 200, comment) == [f"POST {path}: 200 is no answer of it"]
    assert wrong_request(path, "GET", {"per_side": ["1"]}, None) == [f"GET {path}: there is no parameter per_side"]
    assert len(wrong_request(path, "POST", {}, {"text": "x"})) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_that_may_not_write_is_told_and_no_error(host: Host, event: Path, status: int) -> None:
    host.refuses = {"POST": status}

    said = put(host, "x", folder=event)

    assert said.startswith("no comment: the token may not write one (a fork's job")
    assert "Resource not accessible by integration" in said
    assert host.comments == []


def test_without_a_token_or_a_request_there_is_none(host: Host, event: Path, tmp_path: Path) -> None:
    assert put(host, "x", token="", folder=event) == "no comment: GITHUB_TOKEN is not set (a fork's job gets none)"
    event.write_text(json.dumps({"before": "1" * 40}))
    assert put(host, "x", folder=event) == "no comment: this job runs for no pull or merge request"
    assert host.heard == []


def test_a_host_that_fails_for_a_moment_is_asked_again_and_one_that_fails_is_an_error(
    host: Host, event: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    host.fails = 1
    assert put(host, "x", folder=event) == "the comment is made"
    host.fails = 9
    with pytest.raises(RestError, match="answered 502") as caught:
        put(host, "y", folder=event)
    assert TOKEN not in repr(caught.value)
    host.fails = 0


def test_a_text_beyond_the_host_s_limit_is_cut_at_a_line_and_closed(host: Host, event: Path) -> None:
    put(host, "<details>\n" + "a line of text\n" * 10_000, folder=event)

    body = host.comments[0]["body"]
    assert len(body) <= 65_536
    assert body.endswith("a line of text\n</details>\n\nThe rest is cut: the report has it.\n")
    assert cut("short") == "short"


def test_the_token_is_not_in_what_is_shown_of_a_client(host: Host, event: Path) -> None:
    thread = github_thread(job(host, event), TOKEN)

    assert thread is not None
    assert TOKEN not in repr(thread)
    assert post(thread, "x", "")[1].endswith("/acme/churn/pull/7#issuecomment-100")
    with pytest.raises(RungError, match="no address of a REST API"):
        Rest("file:///etc", {})


def test_the_command_puts_a_note_on_gitlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rung.md").write_text("one")
    with gitlab() as host:
        values = {"GITLAB_CI": "true", "CI_API_V4_URL": f"{host.url}/api/v4", "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7"}
        for name, value in (values | {"RUNG_GITLAB_TOKEN": TOKEN}).items():
            monkeypatch.setenv(name, value)
        assert main(["comment", str(tmp_path / "rung.md")]) == DONE
        (tmp_path / "rung.md").write_text("two")
        assert main(["comment", str(tmp_path / "rung.md")]) == DONE
        assert [note["body"].partition("\n")[2] for note in host.comments] == ["two"]
    assert capsys.readouterr().err == "rung: the comment is made\nrung: the comment is updated\n"


def test_elsewhere_the_command_says_that_it_is_for_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITLAB_CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "rung.md").write_text("one")

    assert main(["comment", str(tmp_path / "rung.md")]) == USAGE
    assert "GitHub Actions or GitLab CI" in capsys.readouterr().err
    assert main(["comment", str(tmp_path / "missing.md")]) == USAGE
