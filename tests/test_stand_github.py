"""The stand-in of GitHub answers as GitHub does: these are the ways in which live scans depend on it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.stands.github import TOKEN, Stand, github

CHURN = "/repos/acme/churn"


def get(stand: Stand, path: str, *, token: str = TOKEN, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
    login = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{stand.url}{path}", params=query, headers={**login, **(headers or {})}, timeout=10)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/actions/workflows",
        "/actions/runs",
        "/actions/workflows/1/runs",
        "/actions/runs/11/jobs",
        "/branches/main",
        "/branches/main/protection",
        "/rules/branches/main",
        "/rulesets",
        "/codeowners/errors",
        "/pulls",
        "/pulls/7/reviews",
        "/environments",
        "/deployments",
        "/deployments/1/statuses",
        "/releases",
        "/code-scanning/analyses",
        "/dependabot/alerts",
        "/automated-security-fixes",
        "/secret-scanning/scan-history",
    ],
)
def test_every_answer_is_one_that_githubs_description_knows(path: str) -> None:
    with github("practising") as stand:
        assert get(stand, CHURN + path).status_code == 200


def test_what_is_asked_or_answered_wrongly_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="there is no parameter sorted"), github("practising") as stand:
        get(stand, f"{CHURN}/pulls", sorted="up")
    with pytest.raises(AssertionError, match="state can't be merged"), github("practising") as stand:
        get(stand, f"{CHURN}/pulls", state="merged")
    with pytest.raises(AssertionError, match="is not of type 'string'"), github("practising", workflows=[{"name": 3}]) as stand:
        get(stand, f"{CHURN}/actions/workflows")


def test_parameters_narrow_a_list() -> None:
    with github("practising") as stand:
        passed = get(stand, f"{CHURN}/actions/workflows/1/runs", branch="main", event="push", status="success").json()

        assert [run["id"] for run in passed["workflow_runs"]] == [11]
        assert get(stand, f"{CHURN}/deployments", environment="churn-model").json()[0]["id"] == 2


def test_a_long_list_comes_in_pages_that_link_to_the_next() -> None:
    with github("practising", releases=[{"id": number, "tag_name": f"v{number}"} for number in range(7)]) as stand:
        first = get(stand, f"{CHURN}/releases", per_page=4)
        second = requests.get(first.links["next"]["url"], headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)

        assert [len(first.json()), len(second.json())] == [4, 3]
        assert "next" not in second.links


def test_an_answer_that_did_not_change_is_not_sent_again_and_costs_nothing() -> None:
    with github("practising") as stand:
        tag = get(stand, CHURN).headers["ETag"]
        left = stand.remaining
        again = get(stand, CHURN, headers={"If-None-Match": tag})

        assert (again.status_code, again.content, stand.remaining) == (304, b"", left)
        stand.repositories["acme/churn"]["repository"]["default_branch"] = "trunk"
        assert get(stand, CHURN, headers={"If-None-Match": tag}).status_code == 200


def test_a_used_up_limit_is_lifted_when_it_says_so() -> None:
    with github("practising") as stand:
        stand.remaining, stand.reset = 1, 0.3
        assert get(stand, CHURN).headers["X-RateLimit-Remaining"] == "0"
        refused = get(stand, CHURN)

        assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (403, "0")
        time.sleep(0.3)
        assert get(stand, CHURN).status_code == 200


def test_too_many_requests_at_once_are_told_how_long_to_wait() -> None:
    with github("practising") as stand:
        stand.pauses = [2]

        assert get(stand, CHURN).headers["Retry-After"] == "2"
        assert get(stand, CHURN).status_code == 200


@pytest.mark.parametrize(("classic", "status"), [(False, 403), (True, 404)])
def test_what_a_token_may_not_see_is_refused_or_as_if_it_were_not_there(classic: bool, status: int) -> None:
    with github("practising") as stand:
        stand.tokens, stand.classic = {"narrow": {"Metadata", "Contents"}}, classic

        assert get(stand, CHURN, token="narrow").status_code == 200
        assert get(stand, f"{CHURN}/branches/main/protection", token="narrow").status_code == status
        assert get(stand, CHURN, token="other").status_code == 401


def test_where_there_is_nothing_it_says_what_there_is_not() -> None:
    with github("neglected") as stand:
        attic = "/repos/acme/attic"

        assert get(stand, f"{attic}/branches/trunk/protection").json()["message"] == "Branch not protected"
        assert get(stand, f"{attic}/code-scanning/analyses").json()["message"] == "no analysis found"
        assert get(stand, f"{attic}/releases").json() == []


def test_an_enterprise_server_answers_below_a_path() -> None:
    with github("practising", enterprise=True) as stand:
        assert stand.url.endswith("/api/v3")
        assert get(stand, CHURN).json()["full_name"] == "acme/churn"
        assert stand.paths() == {f"/api/v3{CHURN}": 1}
