"""The GitHub Action's work, from the inputs in its environment to outputs, summary, comment and annotations.

It runs `rung scan` as a person would. Whether a gate failed is an output, so that all others are written before a step fails.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rung.annotations import Annotation, annotations_of, command, within_limits
from rung.checkout import Base, base_of, checkout_of, event_of
from rung.comment import cut, github, github_thread, post
from rung.excerpt import visible
from rung.options import DIMENSIONS
from rung.records import RungError
from rung.report import render
from rung.report.comparison_markdown import render as render_comparison
from rung.report.document import Document
from rung.rest import RestError

_SUMMARY_LIMIT = 1_000_000
"""Bytes of a job summary; GitHub takes 1 MiB from a step. The text is cut at a quarter of it in characters, of up to four bytes."""
_PREFIX = "RUNG_INPUT_"
_SWITCH = {"true": True, "false": False}
_VERDICTS = {0: "passed", 1: "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The action's inputs, checked as far as the scan does not check them itself."""

    path: str
    against: str
    since_days: int
    frameworks: tuple[str, ...]
    system: str
    config: str
    fail_under: str
    fail_on: str
    comment: bool
    annotations: bool
    output: str
    token: str = field(default="", repr=False)


def inputs_of(environment: Mapping[str, str]) -> Inputs:
    """The inputs as action.yml hands them over; raises `RungError` that names the wrong one."""

    def given(name: str) -> str:
        return environment.get(_PREFIX + name.upper().replace("-", "_"), "").strip()

    def switch(name: str) -> bool:
        text = given(name) or "true"
        if text not in _SWITCH:
            raise RungError(f"input `{name}`: `{visible(text)}` is neither true nor false")
        return _SWITCH[text]

    days = given("since-days") or "7"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", days):
        raise RungError(f"input `since-days`: `{visible(days)}` is no number of days from 1 to 9999")
    if given("fail-on") not in ("", "none", "regression"):
        raise RungError(f"input `fail-on`: `{visible(given('fail-on'))}` is neither `regression` nor `none`")
    path = given("path") or "."
    if not os.path.isdir(path):
        raise RungError(f"input `path`: there is no folder `{visible(path)}`; is the repository checked out?")
    return Inputs(
        path=path,
        against=given("against"),
        since_days=int(days),
        frameworks=tuple(re.split(r"[\s,]+", given("framework"))) if given("framework") else (),
        system=given("system"),
        config=given("config"),
        fail_under=given("fail-under"),
        fail_on=given("fail-on"),
        comment=switch("comment"),
        annotations=switch("annotations"),
        output=given("output"),
        token=given("token"),
    )


def act(environment: Mapping[str, str], scan: Callable[[Sequence[str]], int]) -> int:
    """Does all that the action does, save failing; gives the exit code of a mistake, 0 when outputs tell the rest.

    Args:
        environment: of the job.
        scan: runs the command line with arguments, and gives its exit code.
    """
    try:
        inputs = inputs_of(environment)
        base = _base(inputs, environment)
        folder = _output_folder(inputs, environment)
        code = _scanned(inputs, base, folder, scan)
        documents = [_loaded(path) for path in sorted(folder.glob("rung*.json"))]
    except RungError as error:
        _annotate([_note("error", str(error))])
        return 2
    if not documents:
        _annotate([_note("error", "Nothing was reported: the log tells why.")])
        return code or 2
    notes = [_note("notice", base.note)] if base.note else []
    outputs = _written(documents, folder) | _told(documents) | {"base": base.revision, "exit-code": str(code)}
    outputs["gate"] = _VERDICTS.get(code, "error") if any(document.get("gates") for document in documents) or code else "none"
    _append(environment, "GITHUB_STEP_SUMMARY", cut("\n".join(render("markdown", document) for document in documents), _SUMMARY_LIMIT // 4))
    if inputs.comment:
        said, outputs["comment"] = _commented(inputs, documents, environment)
        notes += [_note("notice", said)] if said else []
    _append(environment, "GITHUB_OUTPUT", _assignments(outputs))
    if inputs.annotations:
        _annotate([*notes, *(item for document in documents for item in annotations_of(document))])
    else:
        _annotate(notes)
    return 0


# ── Before and during the scan ───────────────────────────────────────────────────────────────────────


def _base(inputs: Inputs, environment: Mapping[str, str]) -> Base:
    if inputs.against == "none":
        return Base()
    # Only so is it a file: a change could bring one with the name of a branch.
    if inputs.against.endswith(".json") and os.path.isfile(inputs.against):
        return Base(os.path.abspath(inputs.against))
    checkout = checkout_of(inputs.path, environment, inputs.token)
    if checkout is None:
        return Base(note="Nothing is compared: the folder is no git checkout.")
    if inputs.against:
        return Base(checkout.find(inputs.against))
    rest = github(environment, inputs.token)
    return base_of(event_of(environment), checkout, rest, environment.get("GITHUB_REPOSITORY", ""), inputs.since_days)


def _output_folder(inputs: Inputs, environment: Mapping[str, str]) -> Path:
    if not inputs.output:
        return Path(tempfile.mkdtemp(prefix="rung-", dir=environment.get("RUNNER_TEMP") or None))
    folder = Path(inputs.output).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RungError(f"input `output`: {folder} holds files: give a folder that is empty or new")
    except OSError as error:
        raise RungError(f"input `output`: {folder} can't be made: {error.strerror}") from error
    return folder


def _scanned(inputs: Inputs, base: Base, folder: Path, scan: Callable[[Sequence[str]], int]) -> int:
    """Runs the scan and gives its exit code. What it prints may quote the repository, and must command no runner."""
    arguments = ["scan", "--quiet", f"--output={folder / 'rung.json'}", f"--output={folder / 'rung.html'}"]
    arguments += [f"--framework={name}" for name in inputs.frameworks]
    pairs = (("against", base.revision), ("system", inputs.system), ("config", inputs.config), ("fail-under", inputs.fail_under))
    arguments += [f"--{name}={value}" for name, value in pairs if value]
    if inputs.fail_on == "regression" and base.revision:
        arguments.append("--fail-on=regression")
    resume = secrets.token_hex(16)
    _print(f"::stop-commands::{resume}")
    try:
        return scan([*arguments, os.path.abspath(inputs.path)])
    except SystemExit as refused:  # An argument was wrong; argparse has said which.
        return int(refused.code or 0)
    finally:
        sys.stderr.flush()
        _print(f"::{resume}::")


def _loaded(path: Path) -> Document:
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


# ── After it ─────────────────────────────────────────────────────────────────────────────────────────


def _written(documents: Sequence[Document], folder: Path) -> dict[str, str]:
    """Writes what the scan did not: SARIF in a folder of its own, since code scanning takes one, and Markdown."""
    sarif = folder / "sarif"
    sarif.mkdir()
    for document, path in zip(documents, sorted(folder.glob("rung*.json")), strict=True):
        # Code scanning compares by itself, and takes an alert that is not listed any more for mended: all are listed.
        alone = {key: value for key, value in document.items() if key != "comparison"}
        (sarif / f"{path.stem}.sarif").write_text(render("sarif", alone), encoding="utf-8")
        path.with_suffix(".md").write_text(render("markdown", document), encoding="utf-8")
    return {
        "reports": str(folder),
        "sarif": str(sarif),
        **{name: "\n".join(map(str, sorted(folder.glob(f"*.{name}")))) for name in ("json", "html")},
        "markdown": "\n".join(map(str, sorted(folder.glob("*.md")))),
    }


def _told(documents: Sequence[Document]) -> dict[str, str]:
    """Levels and scores: of several systems the lowest, and all as JSON."""
    bodies = {
        document["scope"].get("system", ""): {name: document["dimensions"].get(name, {}) for name in DIMENSIONS}
        | {"overall": document["overall"]}
        for document in documents
    }
    outputs = {}
    for name in (*DIMENSIONS, "overall"):
        for key in ("level", "score"):
            values = [body[name][key] for body in bodies.values() if body[name].get(key) is not None]
            outputs[f"{name}-{key}"] = f"{min(values)}" if values else ""
    systems = {
        system: {name: {"level": item.get("level"), "score": item.get("score")} for name, item in body.items()}
        for system, body in bodies.items()
    }
    outputs["systems"] = json.dumps(systems)
    regressions = [item for document in documents for item in document.get("comparison", {}).get("regressions", ())]
    outputs["regressions"] = str(len(regressions)) if any("comparison" in document for document in documents) else ""
    return outputs


def _commented(inputs: Inputs, documents: Sequence[Document], environment: Mapping[str, str]) -> tuple[str, str]:
    """Puts the comment on the pull request; gives what a reader should know when there is none, and its address."""
    compared = [document for document in documents if "comparison" in document]
    if not compared:
        return "", ""
    try:
        thread = github_thread(environment, inputs.token)
        if thread is None:
            return "", ""
        if not inputs.token:
            return "No comment: the job has no token.", ""
        text = "\n".join(map(render_comparison, compared)) + f"\n[The whole report]({_run(environment)})\n"
        said, page = post(thread, text, f"{os.path.normpath(inputs.path)} {inputs.system}")
    except RestError as error:
        return f"No comment: {error}.", ""
    return ("" if page else said[:1].upper() + said[1:] + "."), page


def _run(environment: Mapping[str, str]) -> str:
    server = environment.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    return f"{server}/{environment.get('GITHUB_REPOSITORY', '')}/actions/runs/{environment.get('GITHUB_RUN_ID', '')}"


# ── What the runner reads ────────────────────────────────────────────────────────────────────────────


def _assignments(outputs: Mapping[str, str]) -> str:
    """Outputs as the runner's file wants them; no value can end its own."""
    end = f"rung-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in outputs.items())


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    if path := environment.get(variable):
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


def _note(level: str, message: str) -> Annotation:
    return Annotation(level=level, title="Rung", message=message)


def _annotate(annotations: Iterable[Annotation]) -> None:
    for annotation in within_limits(tuple(annotations)):
        _print(command(annotation))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
