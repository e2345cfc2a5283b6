"""Results that are kept: whole, found again, and safe from concurrent scans, from being killed, and from files that are something else."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rung.cli import DONE, GATE_FAILED, NOTHING, UNREADABLE, USAGE, main
from rung.records import RungError
from rung.report import document_of, render
from rung.results import Results
from rung.review import review
from rung.scan import scan_path

Document = dict[str, Any]
TESTED = "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ruff check .\n      - run: pytest\n"
PLAIN = "def test_sum():\n    assert 1 + 1 == 2\n"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return document_of(scan_path(str(shop(tmp_path_factory.mktemp("shop") / "shop"))))


def shop(folder: Path) -> Path:
    """A small project whose tests run by themselves."""
    for name, text in {"ci.yml": TESTED, "test_sum.py": PLAIN, "requirements.txt": "pytest==8.0\nruff==0.9\n"}.items():
        place = folder / {"ci.yml": ".github/workflows", "test_sum.py": "tests"}.get(name, "")
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return folder


def fall(folder: Path) -> None:
    """The tests and checks do not run any more."""
    (folder / ".github" / "workflows" / "ci.yml").write_text("on: [push]\njobs: {}\n")


def of(document: Document, system: str, day: str, repository: str = "") -> Document:
    scope = {"system": system} | ({"repository": repository} if repository else {})
    return {**document, "scope": scope, "generated_at": f"{day}T00:00:00+00:00"}


def made(path: Path) -> Results:
    results = Results(str(path))
    results.make()
    return results


# ── What is kept is found ────────────────────────────────────────────────────────────────────────────


def test_a_result_is_given_back_as_it_was_without_what_it_was_compared_with_and_judged_by(document: Document, tmp_path: Path) -> None:
    results = made(tmp_path / "new" / "r.db")

    number = results.add({**document, "gates": [{"gate": "levels code=4", "failures": ["x"]}]})

    assert results.read(number) == document
    assert (tmp_path / "new" / "r.db").stat().st_size < len(render("json", document))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["r.db"]


def test_the_newest_of_a_system_is_that_of_its_repository_its_maturity_model_and_until_a_day(document: Document, tmp_path: Path) -> None:
    results = made(tmp_path / "r.db")
    for day in ("2026-03-01", "2026-01-01", "2026-02-01"):
        results.add(of(document, "churn", day))
    results.add(of(document, "fraud", "2026-09-01"))
    results.add(of(document, "churn", "2026-09-02", repository="shops"))
    other = of(document, "churn", "2026-09-03")
    results.add({**other, "overall": {**other["overall"], "framework": "other"}, "frameworks": {"other": document["frameworks"]["mlab"]}})
    wanted = of(document, "churn", "2026-11-01")

    def when(found: Document | None) -> str:
        return found["generated_at"][:10] if found else ""

    assert when(results.newest(wanted)) == "2026-03-01"
    assert when(results.newest(wanted, "2026-02-28")) == "2026-02-01"
    assert when(results.newest(wanted, "2026-02-01")) == "2026-02-01"
    assert when(results.newest(wanted, "2025-12-31")) == ""
    assert when(results.newest(of(document, "pricing", "2026-11-01"))) == ""
    assert when(results.newest(of(document, "churn", "2026-11-01", repository="shops"))) == "2026-09-02"
    assert [item.scanned_at[:10] for item in results.kept("churn")] == [
        "2026-01-01",
        "2026-02-01",
        "2026-03-01",
        "2026-09-02",
        "2026-09-03",
    ]


def test_of_two_results_of_one_second_the_later_counts(document: Document, tmp_path: Path) -> None:
    results = made(tmp_path / "r.db")
    results.add(document)
    results.add({**document, "dead_ends": []})
    last = results.add({**document, "errors": []})

    assert results.newest(document) == results.read(last)


# ── At once, and killed ──────────────────────────────────────────────────────────────────────────────

_ADDS = """\
import json, sys
from rung.results import Results
results = Results(sys.argv[1])
document = json.load(open(sys.argv[2]))
results.make()
for number in range(int(sys.argv[3])):
    print(results.add(document), flush=True)
"""


def adding(store: Path, document: Document, folder: Path, count: int) -> subprocess.Popen[str]:
    given = folder / "document.json"
    given.write_text(json.dumps(document))
    return subprocess.Popen(
        [sys.executable, "-c", _ADDS, store, given, str(count)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_scans_that_store_at_once_all_keep_their_results(document: Document, tmp_path: Path) -> None:
    store = tmp_path / "r.db"
    running = [adding(store, of(document, "churn", "2026-01-01"), tmp_path, 10) for _ in range(4)]

    printed = [process.communicate(timeout=120) for process in running]

    assert [error for _, error in printed] == [""] * 4
    assert sorted(int(number) for out, _ in printed for number in out.split()) == list(range(1, 41))
    assert len(Results(str(store)).kept()) == 40


def test_threads_share_one_store(document: Document, tmp_path: Path) -> None:
    results = made(tmp_path / "r.db")
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: results.add(document), range(20)))

    assert sorted(numbers) == [item.id for item in results.kept()]


def test_killed_at_any_moment_the_store_holds_every_result_that_was_told_and_takes_more(document: Document, tmp_path: Path) -> None:
    store, chance, told = tmp_path / "r.db", random.Random(5), 0
    for _ in range(12):
        process = adding(store, document, tmp_path, 10_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.04))
        process.kill()
        out, _ = process.communicate()
        told += 1 + sum(line.endswith("\n") for line in out.splitlines(keepends=True))

    results = Results(str(store))
    kept = results.kept()
    assert len(kept) >= told > 12
    assert all(results.read(item.id) == document for item in kept[:: max(1, len(kept) // 20)])
    assert results.add(document) == len(kept) + 1


def test_killed_in_the_middle_of_writing_a_result_the_store_is_as_it_was_before(document: Document, tmp_path: Path) -> None:
    store = tmp_path / "r.db"
    made(store).add(document)
    before = store.read_bytes()
    # More than SQLite holds in memory, so that the file itself is half written when the process is killed.
    large = {**document, "padding": random.Random(1).randbytes(6_000_000).hex()}
    given = tmp_path / "large.json"
    given.write_text(json.dumps(large))
    code = f"""\
import json, os, signal, sqlite3
import rung.results
connect = sqlite3.connect
def watched(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(lambda text: os.kill(os.getpid(), signal.SIGKILL) if text == "COMMIT" else None)
    return connection
rung.results.sqlite3.connect = watched
rung.results.Results({str(store)!r}).add(json.load(open({str(given)!r})))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "r.db-journal").stat().st_size > 0
    assert store.read_bytes() != before

    results = Results(str(store))
    assert [item.id for item in results.kept()] == [1]
    assert results.read(1) == document
    assert results.add(document) == 2


# ── Files that are damaged, or something else ────────────────────────────────────────────────────────


def damaged(path: Path, document: Document, how: str) -> bytes:
    """Writes a store of some results, damages it, and gives what is in the file then."""
    results = made(path)
    for _ in range(8):
        results.add(document)
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    elif how == "head":
        data[:100] = os.urandom(100)
    else:
        page = 4096 * (len(data) // 8192)
        data[page : page + 4096] = bytes(4096)
    path.write_bytes(data)
    return bytes(data)


@pytest.mark.parametrize(("how", "said"), [("cut", "is damaged"), ("head", "its beginning is damaged"), ("page", "is damaged")])
def test_a_damaged_store_is_told_and_left_as_it_is(
    how: str, said: str, document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "r.db"
    data = damaged(store, document, how)

    assert main(["scan", str(shop(tmp_path / "shop")), "--store", str(store), "-q"]) == USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "left as it is" in err
    assert main(["results", str(store)]) == USAGE
    with pytest.raises(RungError, match=said):
        Results(str(store)).add(document)
    assert store.read_bytes() == data


def test_a_result_that_is_not_what_was_stored_is_told(document: Document, tmp_path: Path) -> None:
    results = made(tmp_path / "r.db")
    number = results.add(document)
    with sqlite3.connect(tmp_path / "r.db") as connection:
        connection.execute("UPDATE result SET document = zeroblob(length(document))")
    connection.close()

    with pytest.raises(RungError, match="result 1 is not what was stored"):
        results.read(number)


def test_files_of_something_else_are_refused_and_left_as_they_are(document: Document, tmp_path: Path) -> None:
    other, text, newer, folder = (tmp_path / name for name in ("other.db", "text.db", "newer.db", "folder"))
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE result (id INTEGER)")
    connection.close()
    text.write_text("a note\n" * 100)
    made(newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    folder.mkdir()

    for path, said in (
        (other, "another program's"),
        (text, "no file of results"),
        (newer, "a newer version of Rung"),
        (folder, "can't be used"),
    ):
        data = path.read_bytes() if path.is_file() else b""
        with pytest.raises(RungError, match=said):
            Results(str(path)).make()
        with pytest.raises(RungError, match=said if path.is_file() else "no such file"):
            Results(str(path)).kept()
        assert (path.read_bytes() if path.is_file() else b"") == data


def test_an_empty_file_takes_results_and_a_missing_one_is_not_made_by_looking(document: Document, tmp_path: Path) -> None:
    empty, missing = tmp_path / "empty.db", tmp_path / "missing.db"
    empty.touch()

    with pytest.raises(RungError, match="holds no results yet"):
        Results(str(empty)).kept()
    assert made(empty).add(document) == 1
    with pytest.raises(RungError, match="no such file"):
        Results(str(missing)).kept()
    assert not missing.exists()


# ── At the terminal ──────────────────────────────────────────────────────────────────────────────────


def test_a_scan_is_compared_with_the_last_stored_result_of_its_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, store = shop(tmp_path / "shop"), str(tmp_path / "r.db")

    assert main(["scan", str(tree), "--store", store, "--against", "stored", "--fail-on", "regression"]) == DONE
    assert "nothing is stored of shop yet: there is no comparison" in capsys.readouterr().err
    fall(tree)
    assert main(["scan", str(tree), "--store", store, "--fail-on", "regression", "-q"]) == GATE_FAILED
    out, err = capsys.readouterr()
    assert "▼ code.ci-tests" in out
    assert "rung: gate: " in err
    assert main(["scan", str(tree), "--store", store, "--fail-on", "regression", "-q"]) == DONE
    assert main(["scan", str(tree), "--store", store, "--against", "stored@2020-01-01"]) == DONE
    assert "nothing is stored of shop yet until 2020-01-01" in capsys.readouterr().err
    assert main(["scan", str(tree), "--store", store, "--against", "stored@May"]) == USAGE
    assert "write it as stored@2026-09-30" in capsys.readouterr().err
    assert len(Results(store).kept()) == 4


def test_a_policy_stays_in_force_against_a_stored_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, store = shop(tmp_path / "shop"), str(tmp_path / "r.db")
    (tree / "rung.yaml").write_text("gate: {under: {code: 4}}\n")

    for _ in range(2):
        assert main(["scan", str(tree), "--store", store, "--against", "stored", "-q"]) == GATE_FAILED
        assert "4 demanded" in capsys.readouterr().err


def test_what_is_not_there_is_neither_stored_nor_compared(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["scan", str(tmp_path / "empty"), "--store", str(tmp_path / "r.db"), "-q"]) == NOTHING
    assert Results(str(tmp_path / "r.db")).kept() == []


def test_what_was_not_seen_in_whole_is_neither_stored_nor_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fall now, and rise the next time."""
    tree, store = shop(tmp_path / "shop"), str(tmp_path / "r.db")
    recording = {"schema": "rung/recording/1", "provider": "github", "name": "acme/churn", "recorded_at": "2026-11-01T00:00:00+00:00"}
    (tmp_path / "acme.recording.jsonl").write_text(
        json.dumps({**recording, "regions": [""], "variables": {"owner": "acme", "repo": "churn"}})
    )
    replayed = ["scan", str(tree), "--store", store, "--notify", "http://127.0.0.1:9/", "--replay", str(tmp_path), "-q"]
    assert main(["scan", str(tree), "--store", store, "-q"]) == DONE
    fall(tree)

    assert main(replayed) == UNREADABLE
    assert "nothing could be asked of acme/churn" in capsys.readouterr().err

    def interrupted(*arguments: Any) -> tuple[Document, ...]:
        os.kill(os.getpid(), signal.SIGTERM)
        return review(*arguments)

    monkeypatch.setattr("rung.review.review", interrupted)
    assert main(replayed) == 128 + signal.SIGTERM
    out, err = capsys.readouterr()
    assert out.startswith("shop")
    assert "interrupted" in err
    assert "could not be told" not in err
    assert len(Results(store).kept()) == 1


def test_the_list_names_what_is_kept_and_one_result_is_written_in_any_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, store = shop(tmp_path / "shop"), str(tmp_path / "r.db")
    (tree / "rung.yaml").write_text("systems:\n  - {name: a, paths: {in: [a]}}\n  - {name: b, paths: {in: [b]}}\n")
    main(["scan", str(tree), "--store", store, "-q"])
    capsys.readouterr()

    assert main(["results", store]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[3:5] for line in lines[1:]] == [["a", "(shop)"], ["b", "(shop)"]]
    assert main(["results", store, "--system", "b", "--format", "json"]) == DONE
    [row] = json.loads(capsys.readouterr().out)
    assert (row["id"], row["system"], row["framework"]) == ("2", "b (shop)", "mlab")
    assert row["levels"].split()[0].startswith("data=")
    assert main(["results", store, "--id", "2", "--format", "markdown"]) == DONE
    assert capsys.readouterr().out.startswith("### Rung: ")
    assert main(["results", store, "--id", "2", "-o", str(tmp_path / "b.json"), "-q"]) == DONE
    assert main(["diff", str(tmp_path / "b.json"), str(tmp_path / "b.json"), "-q"]) == DONE
    assert main(["results", store, "--id", "9"]) == USAGE
    assert main(["results", store, "--format", "html"]) == USAGE
    assert "name one result with --id" in capsys.readouterr().err
