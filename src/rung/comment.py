"""What is put once and updated in place: the comment of a pull or merge request on GitHub and GitLab, and a repository's issue on GitHub."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from rung.checkout import event_of
from rung.records import RungError
from rung.rest import Rest, RestError

_MOST_PAGES = 30
_LIMIT = 65_536
"""Characters of a comment that GitHub takes; GitLab takes more."""
_REFUSED = (401, 403, 404)


class Thread(Struct, frozen=True):
    """Where the text goes: the differences between code hosts, and between comments and issues."""

    rest: Rest
    comments: str
    """Path of the list of comments, where a new one is posted too."""
    one: str
    """Path of one comment, with `{}` for its id."""
    update: str
    """Method that changes one."""
    author: str
    """Key of a comment that holds its author."""
    name: str
    """Key of an author that holds the name."""
    page: str = ""
    """Key of a comment that holds the address of its page, empty when none does."""
    id: str = "id"
    """Key of a comment that tells it apart."""
    title: str = ""
    """Of an issue; a comment has none."""


def github_thread(environment: Mapping[str, str], token: str) -> Thread | None:
    """The pull request that a GitHub job runs for; None when it runs for none."""
    number = event_of(environment).payload.get("pull_request", {}).get("number")
    if not isinstance(number, int):
        return None
    repository = f"/repos/{environment.get('GITHUB_REPOSITORY', '')}"
    return Thread(
        github(environment, token),
        f"{repository}/issues/{number}/comments",
        f"{repository}/issues/comments/{{}}",
        "PATCH",
        "user",
        "login",
        "html_url",
    )


def github_issues(environment: Mapping[str, str], token: str, repository: str, title: str) -> Thread:
    """The open issues of a GitHub repository."""
    issues = f"/repos/{repository}/issues"
    return Thread(github(environment, token), issues, f"{issues}/{{}}", "PATCH", "user", "login", "html_url", "number", title)


def github(environment: Mapping[str, str], token: str) -> Rest:
    """GitHub's API, or that of the GitHub Enterprise that the job runs on."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return Rest(environment.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"), headers)


def gitlab_thread(environment: Mapping[str, str], token: str) -> Thread | None:
    """The merge request that a GitLab job runs for; None when it runs for none."""
    number, project = environment.get("CI_MERGE_REQUEST_IID", ""), environment.get("CI_PROJECT_ID", "")
    if not number.isdigit():
        return None
    notes = f"/projects/{quote(project, safe='')}/merge_requests/{number}/notes"
    rest = Rest(environment.get("CI_API_V4_URL", "").rstrip("/"), {"PRIVATE-TOKEN": token})
    return Thread(rest, notes, f"{notes}/{{}}", "PUT", "author", "username")


def post_here(text: str, environment: Mapping[str, str], about: str) -> str:
    """Puts the text on the request that this job runs for, whichever host it is; says what became of it.

    Raises:
        RungError: no host's job is seen, or it gives no token.
    """
    if environment.get("GITLAB_CI"):
        name = "RUNG_GITLAB_TOKEN"
        thread = gitlab_thread(environment, environment.get(name, ""))
    elif environment.get("GITHUB_ACTIONS"):
        name = "GITHUB_TOKEN"
        thread = github_thread(environment, environment.get(name, ""))
    else:
        raise RungError("a comment is put by a job of GitHub Actions or GitLab CI: this is neither")
    if thread is None:
        return "no comment: this job runs for no pull or merge request"
    if not environment.get(name):
        return f"no comment: {name} is not set (a fork's job gets none)"
    return post(thread, text, about)[0]


def post(thread: Thread, text: str, about: str) -> tuple[str, str]:
    """Updates the comment on `about`, or makes it.

    Returns:
        What became of it as a sentence, and the address of its page, empty when there is none.

    Raises:
        RestError: the host did not answer as it should; a refusal for want of permission is told and no error.
    """
    try:
        done, page = put(thread, text, about)
    except RestError as error:
        if error.status not in _REFUSED:
            raise
        return f"no comment: the token may not write one (a fork's job gets none that may; else permit it to write): {error}", ""
    return f"the comment is {done}", page


def put(thread: Thread, text: str, about: str) -> tuple[str, str]:
    """Updates the text on `about`, or makes it.

    Returns:
        Whether it is made, updated or up to date, and the address of its page, empty when there is none.

    Raises:
        RestError: the host refused, or did not answer as it should.
    """
    mark = _mark(about)
    body = {"body": cut(f"{mark}\n{text}")} | ({"title": thread.title} if thread.title else {})
    found = _own(thread, mark)
    if found is not None and found["body"] == body["body"]:
        return "up to date", str(found.get(thread.page, ""))
    if found is not None:
        answer = thread.rest.ask(thread.update, thread.one.format(found[thread.id]), body)
        return "updated", str(answer.get(thread.page, ""))
    answer = thread.rest.ask("POST", thread.comments, body)
    return "made", str(answer.get(thread.page, ""))


def cut(text: str, most: int = _LIMIT) -> str:
    """The text, or as many whole lines of it as the host takes, and a word on the rest."""
    if len(text) <= most:
        return text
    rest = "\n\nThe rest is cut: the report has it.\n"
    kept = text[: most - len(rest) - len("\n</details>")].rpartition("\n")[0]
    return kept + ("\n</details>" if kept.count("<details>") > kept.count("</details>") else "") + rest


def _mark(about: str) -> str:
    """The first line, which nobody sees: one comment for each thing that is scanned."""
    return f"<!-- rung {hashlib.sha256(about.encode()).hexdigest()[:12]} -->"


def _own(thread: Thread, mark: str) -> dict[str, Any] | None:
    """The first comment with the mark that is the token's own: anybody may write a mark, and edit it later.

    GitHub lists pull requests among the issues.
    """
    name: str | None = None
    for page in range(1, _MOST_PAGES + 1):
        comments = thread.rest.ask("GET", f"{thread.comments}?per_page=100&page={page}")
        for comment in comments:
            if str(comment.get("body", "")).startswith(mark) and "pull_request" not in comment:
                name = _name(thread) if name is None else name
                author = comment.get(thread.author) or {}
                if author.get(thread.name) == name if name else author.get("type") == "Bot":
                    return dict(comment)
        if len(comments) < 100:
            break
    return None


def _name(thread: Thread) -> str:
    """Who the token is; empty where it may not ask, as an app's on GitHub, whose comments are a bot's."""
    try:
        return str(thread.rest.ask("GET", "/user")[thread.name])
    except RestError as error:
        if error.status not in _REFUSED:
            raise
        return ""
