"""Every format is a pure function of the document, right by its own schema, and safe against a hostile repository."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rung.excerpt import visible
from rung.records import RungError
from rung.report import FORMATS, document_of, read_document, render, schema
from rung.report import text as text_report
from rung.report.document import cleaned
from rung.report.markup import code, escaped
from rung.report.views import held_back, source_url, web_address
from tests import sample

_SARIF = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return document_of(sample.assessment())


@pytest.fixture(scope="module")
def empty() -> dict[str, Any]:
    return document_of(sample.empty_assessment())


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """The document after a round trip through its file."""
    loaded: dict[str, Any] = json.loads(FORMATS["json"].render(document))
    return loaded


# ── The document ─────────────────────────────────────────────────────────────────────────────────────


def test_the_published_schema_is_valid_and_every_property_has_a_closed_shape() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    for part in _objects(schema()):
        assert "additionalProperties" in part


def _objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in _objects(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("type") == "object" else []
    return own + [found for item in node.values() for found in _objects(item)]


@pytest.mark.parametrize("make", [sample.assessment, sample.empty_assessment])
def test_the_document_follows_its_schema(make: Any) -> None:
    jsonschema.Draft202012Validator(schema()).validate(stored(document_of(make())))


def test_the_document_is_the_same_however_often_it_is_made() -> None:
    assert FORMATS["json"].render(document_of(sample.assessment())) == FORMATS["json"].render(document_of(sample.assessment()))


def test_the_first_framework_fills_overall_and_dimensions(document: dict[str, Any]) -> None:
    assert document["overall"]["framework"] == "mlab"
    assert document["dimensions"] == document["frameworks"]["mlab"]["dimensions"]
    assert list(document["dimensions"]) == ["data", "model", "code", "operations"]
    assert list(document["frameworks"]) == ["mlab", "google"]


def test_imbalance_is_there_only_when_there_is_one(document: dict[str, Any]) -> None:
    assert document["overall"]["imbalance"] == "Model stands one level above Data"
    assert "imbalance" not in document["frameworks"]["google"]["overall"]


def test_evidence_in_a_file_and_in_a_resource_are_located_differently(document: dict[str, Any]) -> None:
    shapes = {tuple(item["location"]) for item in document["evidence"]}

    assert shapes == {("target", "path", "line", "end_line"), ("target", "resource", "region")}


def test_secrets_and_control_characters_reach_no_format(document: dict[str, Any]) -> None:
    for name, form in FORMATS.items():
        rendered = form.render(document)
        assert sample.AWS_KEY not in rendered, name
        assert "hunter2" not in rendered, name
        assert not set(rendered) & {"\x1b", "\u202e"}, name


def test_a_stored_document_with_control_characters_is_cleaned_too(document: dict[str, Any]) -> None:
    hostile = stored(document)
    hostile["targets"][0]["name"] = "a\x1b]0;b\x07"

    for name in ("text", "markdown", "html", "sarif", "junit", "badge"):
        assert "\x1b" not in FORMATS[name].render(hostile), name


@given(st.text(st.sampled_from('\\"/n\n\x00\x7f\u202e\ud800ä x')))
def test_every_string_of_a_document_is_cleaned(text: str) -> None:
    assert cleaned({"a": [{text: text}]}) == {"a": [{visible(text): visible(text)}]}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders_from_a_stored_document_as_from_a_fresh_one(name: str, document: dict[str, Any]) -> None:
    assert FORMATS[name].render(stored(document)) == FORMATS[name].render(document)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders_a_system_to_which_nothing_applies(name: str, empty: dict[str, Any]) -> None:
    rendered = FORMATS[name].render(empty)

    assert rendered.endswith("\n")
    assert FORMATS[name].suffix.startswith(".")


def test_a_stored_document_is_read_back_as_it_was(document: dict[str, Any]) -> None:
    assert read_document(FORMATS["json"].render(document), "result.json") == document


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": "rung/assessment/9"}, "is no document of rung/assessment/1 but of rung/assessment/9"),
        ({"extra": 1}, "Additional properties are not allowed ('extra' was unexpected)"),
        ({"targets": 1}, "$.targets: 1 is not of type 'array'"),
        ({"frameworks": {}}, "$.overall.framework: `mlab` is none of its frameworks"),
    ],
)
def test_a_stored_document_of_another_shape_is_refused_by_place(document: dict[str, Any], change: dict[str, Any], told: str) -> None:
    with pytest.raises(RungError, match=r"^result\.json: ") as caught:
        read_document(json.dumps(document | change), "result.json")

    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(RungError, match=r"^result\.json: is no JSON that can be read"):
        read_document(text, "result.json")


# ── Text ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_screen_says_where_the_system_stands(document: dict[str, Any]) -> None:
    lines = text_report.render(document).splitlines()

    assert lines[:7] == [
        "churn-model · main @ 3f2c1ab · 412 files",
        "",
        "            1     2     3     4  score",
        "Data        ●─────●──···◐·····○  2.33  level 2 · could be 3",
        "Model       ●─────●─────●──···◐  3.40  level 3 · confirmed 2 · could be 4",
        "Code        ●─────●─────●·····○  3.00  level 3",
        "Operations  not applicable: no service is operated from this repository",
    ]
    assert lines[7] == "overall     level 2 · could be 3 · mean score 2.91 (2.91–3.37) of 4"


def test_the_first_screen_says_why_and_what_next(document: dict[str, Any]) -> None:
    shown = text_report.render(document)

    for line in (
        "Why not higher",
        "  Data 3   Data quality is checked by rules that run by themselves",
        "             great_expectations is configured (gx/checkpoints/raw.yml:3) but",
        "Not seen: 4 criteria unknown, not missing (Data 2 · Model 1 · Code 1)",
        "  2   Not searched: AWS account: no AWS target was given; needs rung scan .",
        "  2   Seen only on a code host, which was not searched",
        "      branch protection: no token  →  rung scan . --github",
        "Three next steps",
        "  1  Run the checkpoint in a workflow that starts after the load",
        "2 things could not be read",
        "  rung explain data.quality-automated  what was sought and found",
    ):
        assert line in shown.splitlines(), line


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_first_screen_is_wider_than_the_terminal(document: dict[str, Any], width: int) -> None:
    long_words = {line for line in text_report.render(document, width=width).splitlines() if len(line) > width}

    assert not [line for line in long_words if len(line.split()) > 1 and not line.startswith("  rung ")]


def test_the_report_works_where_only_ascii_can_be_shown(document: dict[str, Any]) -> None:
    shown = render("text", document, encoding="ascii", verbose=True)

    assert shown.isascii()
    assert "Data        *=====*==---o-----.  2.33  level 2 - could be 3" in shown


def test_colour_is_only_there_when_asked_for_and_changes_no_text(document: dict[str, Any]) -> None:
    coloured = text_report.render(document, color=True, verbose=True)

    assert "\x1b[1m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == text_report.render(document, verbose=True)


def test_verbose_lists_every_criterion_with_its_evidence(document: dict[str, Any]) -> None:
    shown = text_report.render(document, verbose=True)

    assert "  P*  Data quality is checked by rules that run by themselves" in shown
    assert "      gx/checkpoints/raw.yml:3  Great Expectations  implemented  no trigger reaches it" in shown
    for dimension in ("data", "model", "code"):
        for criterion in document["dimensions"][dimension]["criteria"]:
            assert f"[{criterion['id']}]" in shown


def test_a_chain_is_told_once_for_evidence_that_shares_it_and_what_reads_the_same_once(document: dict[str, Any]) -> None:
    shared = stored(document)
    tracked = next(item for item in shared["evidence"] if item["capability"] == "model.experiment-tracking")
    elsewhere = tracked["location"] | {"line": 99}
    shared["evidence"] += [tracked | {"id": "twin", "location": elsewhere}, tracked | {"id": "alike", "location": elsewhere}]
    next(entry for entry in shared["dimensions"]["model"]["criteria"] if entry["id"] == "model.tracked")["evidence"] += ["twin", "alike"]

    section = render("text", shared, verbose=True).split("[model.tracked]")[1].split("[model.configured]")[0]

    assert section.count("on schedule") == 1
    assert section.count("by the same chain") == section.count(":99") == 1


def test_criteria_beside_the_levels_are_shown_but_hold_nothing_back(document: dict[str, Any]) -> None:
    beside = stored(document)
    for dimensions in (beside["dimensions"], beside["frameworks"]["mlab"]["dimensions"]):
        dimensions["data"]["criteria"][8]["level"] = 0

    assert "data.lineage" not in [block["id"] for block in held_back(beside)[0].blocks]
    assert "Data, beside the levels" in render("text", beside, verbose=True)
    assert 'id="c-data.lineage"' in render("html", beside)


def test_a_level_below_the_first_is_drawn_as_nothing_reached(document: dict[str, Any]) -> None:
    low = stored(document)
    low["dimensions"]["data"] |= {"level": 0, "confirmed": 0, "ceiling": 0, "score": 0.4, "score_low": 0.4, "score_high": 0.4}

    assert "Data        ○·····○·····○·····○  0.40  level 0" in text_report.render(low)


# ── Why not higher ───────────────────────────────────────────────────────────────────────────────────


def test_the_next_level_is_held_back_by_essential_criteria_first(document: dict[str, Any]) -> None:
    data = held_back(document)[0]

    assert (data.dimension, data.to_level, data.unknown) == ("data", 3, 2)
    assert [block["id"] for block in data.blocks] == ["data.quality-automated", "data.lineage", "data.documented"]


def test_criteria_of_the_level_that_carries_too_little_come_before_those_of_the_next(document: dict[str, Any]) -> None:
    carried = stored(document)
    code = carried["dimensions"]["code"]
    below = next(criterion for criterion in code["criteria"] if criterion["level"] == 2)
    below.update(status="partly", rating="P", blockers=["Too little of it"])
    first = [block["id"] for rise in held_back(carried) if rise.dimension == "code" for block in rise.blocks]
    code["held_by"] = 2
    (rise,) = (rise for rise in held_back(carried) if rise.dimension == "code")

    assert first[0] != below["id"] == rise.blocks[0]["id"]
    assert "of level 2 achieved, too little to carry level 4" in " ".join(text_report.render(carried, width=200).split())


def test_nothing_holds_back_a_dimension_at_the_top_or_one_that_does_not_apply(document: dict[str, Any]) -> None:
    top = stored(document)
    top["dimensions"]["model"]["level"] = 4

    assert [rise.dimension for rise in held_back(top)] == ["data", "code"]


# ── Links ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/blob/0123456/x%20y.py#L3-L5"),
        ("https://github.com/a/b.git", "https://github.com/a/b/blob/0123456/x%20y.py#L3-L5"),
        ("https://gitlab.example.org/g/a/b", "https://gitlab.example.org/g/a/b/-/blob/0123456/x%20y.py#L3-5"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/src/0123456/x%20y.py#lines-3:5"),
        ("https://code.example/a/b", ""),
        ("javascript:alert(1)//github.com/a", ""),
        ("", ""),
    ],
)
def test_a_place_links_to_its_code_host(document: dict[str, Any], remote: str, url: str) -> None:
    linked = stored(document)
    linked["targets"][0] |= {"remote": remote, "revision": "0123456"}

    assert source_url(linked, "repository", "x y.py", 3, 5) == url


@pytest.mark.parametrize(
    "remote", ["http://github.com/a/b", "https://u:p@github.com/a/b", "https://github.com/a/b?x", 'https://github.com/a"b']
)
def test_only_a_plain_https_address_is_linked(remote: str) -> None:
    assert web_address(remote) == ""


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────────


def test_markdown_has_the_levels_as_a_table(document: dict[str, Any]) -> None:
    lines = FORMATS["markdown"].render(document).splitlines()

    assert lines[0] == "### Rung: Data 2 · Model 3 · Code 3 · Operations n/a"
    assert "| Model | **3** | 2 | 4 | 3.40 (3.40–4.00) |" in lines
    assert "<summary>18 pieces of evidence from 15 tools</summary>" in lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>", "&lt;b&gt;"),
        ("a|b", "a\\|b"),
        ("[x](y)", "\\[x\\](y)"),
        ("@everyone", "@<!-- -->everyone"),
        ("fixes #1", "fixes #<!-- -->1"),
        ("https://x", "https:<!-- -->//x"),
        ("a_b*c", "a\\_b\\*c"),
    ],
)
def test_text_from_outside_stays_text_in_markdown(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("a", "`a`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```")])
def test_a_code_span_cannot_be_closed_from_inside(text: str, shown: str) -> None:
    assert code(text) == shown


def test_hostile_text_makes_no_markup_in_markdown(document: dict[str, Any]) -> None:
    shown = FORMATS["markdown"].render(document)
    outside_code = re.sub(r"(`+).+?(?<!`)\1(?!`)", "", shown)

    assert set(re.findall(r"</?[a-z]+", outside_code)) <= {"<details", "</details", "<summary", "</summary", "<sub", "</sub", "<https"}
    assert not re.search(r"@everyone|(?<!<)https://evil", outside_code)
    for line in shown.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) in (5, 6), line


def test_a_comment_stays_below_the_code_hosts_limit(document: dict[str, Any]) -> None:
    long = stored(document)
    long["evidence"] = [item | {"id": f"{item['id']}-{index}"} for index in range(100) for item in long["evidence"]]

    shown = FORMATS["markdown"].render(long)

    assert len(shown) < 65_536
    assert re.search(r"\d+ more: the JSON and HTML reports have all of them\.", shown)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────


class _Page(HTMLParser):
    """Tags that are opened and closed in turn, their attributes, and their text."""

    VOID = ("meta", "link", "input", "br", "rect", "line", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> _Page:
    parser = _Page()
    parser.feed(FORMATS["html"].render(document))
    assert parser.open == []
    return parser


def test_the_page_loads_nothing_and_runs_only_its_own_script(page: _Page) -> None:
    loaded = [attributes[key] for tag, attributes in page.tags for key in ("src", "srcset", "data", "action") if attributes.get(key)]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "link"]
    policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv") == "Content-Security-Policy")

    assert not loaded
    assert links == ["data:,"]
    assert str(policy).startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert not re.search(r"url\((?!#)|@import", FORMATS["html"].render(document_of(sample.empty_assessment())))


def test_hostile_text_makes_no_markup_on_the_page(page: _Page) -> None:
    assert [tag for tag, _ in page.tags if tag == "script"] == ["script"]
    assert not [tag for tag, _ in page.tags if tag in ("img", "iframe", "b ") or tag.startswith("script>")]
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert "src/<script>alert(1)</script>/a|b`c`\\x1b[31m\\u202e.py" in page.text


def test_the_pages_links_go_to_the_code_host_or_to_a_place_on_the_page(page: _Page) -> None:
    targets = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}

    assert "https://github.com/acme/churn-model/blob/3f2c1ab" in "\n".join(targets)
    assert all(target.startswith(("#", "https://github.com/acme/churn-model")) for target in targets)
    assert {target[1:] for target in targets if target.startswith("#")} <= ids


def test_every_criterion_is_on_the_page_with_its_letter_and_words(page: _Page, document: dict[str, Any]) -> None:
    tiles = [attributes for tag, attributes in page.tags if tag == "details" and attributes.get("class") == "tile"]
    criteria = [criterion for dimension in document["dimensions"].values() for criterion in dimension["criteria"]]

    assert [tile["id"] for tile in tiles] == [f"c-{criterion['id']}" for criterion in criteria]
    assert {tile["data-mark"] for tile in tiles} == {"F", "L", "P", "N", "?", "–", "A", "W"}
    assert "partially achieved" in page.text


def test_each_ladder_counts_the_evidence_on_its_rungs(page: _Page) -> None:
    labels = [attributes.get("aria-label") for tag, attributes in page.tags if tag == "a"]

    assert "Data level 3: possible, 2 pieces of evidence" in labels
    assert "Model level 3: reached, 1 piece of evidence" in labels
    assert "Code level 3: confirmed, 3 pieces of evidence" in labels


# ── SARIF, JUnit, badge ──────────────────────────────────────────────────────────────────────────────


def test_sarif_follows_the_standards_schema(document: dict[str, Any], empty: dict[str, Any]) -> None:
    validator = jsonschema.Draft4Validator(_SARIF)

    for shown in (document, empty):
        validator.validate(json.loads(FORMATS["sarif"].render(shown)))


def test_code_hosts_get_paths_from_the_repository_s_root_where_a_part_of_it_was_scanned() -> None:
    whole = sample.assessment()
    part = document_of(replace(whole, targets=tuple(replace(target, folder="services/churn") for target in whole.targets)))

    assert read_document(FORMATS["json"].render(part), "result.json")["targets"][0]["folder"] == "services/churn"
    run = json.loads(FORMATS["sarif"].render(part))["runs"][0]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    places += [issue["location"]["path"] for issue in json.loads(FORMATS["codequality"].render(part))]
    assert places
    assert all(place.startswith("services/churn/") for place in places)
    assert run["automationDetails"]["id"] == f"rung/{part['overall']['framework']}/services-churn/"
    assert "/services/churn/gx/checkpoints/raw.yml#L3" in FORMATS["markdown"].render(part)


def test_code_quality_has_an_issue_for_each_criterion_that_is_not_met(document: dict[str, Any]) -> None:
    issues = {issue["check_name"]: issue for issue in json.loads(FORMATS["codequality"].render(document))}

    assert set(issues) == {result["ruleId"] for result in json.loads(FORMATS["sarif"].render(document))["runs"][0]["results"]}
    quality = issues["data.quality-automated"]
    assert (quality["severity"], issues["data.lineage"]["severity"]) == ("major", "minor")
    assert quality["location"] == {"path": "gx/checkpoints/raw.yml", "lines": {"begin": 3}}
    assert len({issue["fingerprint"] for issue in issues.values()}) == len(issues)


def test_sarif_has_a_result_for_each_criterion_that_is_not_met(document: dict[str, Any]) -> None:
    run = json.loads(FORMATS["sarif"].render(document))["runs"][0]
    results = {result["ruleId"]: result for result in run["results"]}

    assert set(results) == {
        criterion["id"]
        for dimension in document["dimensions"].values()
        for criterion in dimension["criteria"]
        if criterion["status"] in ("unmet", "partly")
    }
    for result in results.values():
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    quality = results["data.quality-automated"]
    assert quality["level"] == "warning"
    assert results["data.lineage"]["level"] == "note"
    place = quality["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "gx/checkpoints/raw.yml", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 3, "endLine": 5},
    }


def test_a_sarif_result_keeps_its_fingerprint_when_its_evidence_moves(document: dict[str, Any]) -> None:
    moved = stored(document)
    for item in moved["evidence"]:
        if "line" in item["location"]:
            item["location"] |= {"line": item["location"]["line"] + 40, "end_line": 0}

    def fingerprints(given: dict[str, Any]) -> list[Any]:
        return [result["partialFingerprints"] for result in json.loads(FORMATS["sarif"].render(given))["runs"][0]["results"]]

    assert fingerprints(moved) == fingerprints(document)


def test_a_criterion_without_any_file_becomes_a_notification_in_sarif(document: dict[str, Any]) -> None:
    bare = stored(document)
    bare["evidence"] = []

    run = json.loads(FORMATS["sarif"].render(bare))["runs"][0]

    assert run["results"] == []
    assert any("data.lineage" in note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"])


def test_paths_in_sarif_are_encoded(document: dict[str, Any]) -> None:
    assert "src/%3Cscript%3Ealert%281%29%3C/script%3E/" in FORMATS["sarif"].render(document)


def test_junit_has_a_suite_for_each_dimension_and_a_case_for_each_criterion(document: dict[str, Any]) -> None:
    root = ElementTree.fromstring(FORMATS["junit"].render(document))
    suites = {suite.get("name"): suite for suite in root}
    cases = {str(case.get("name")).split(":")[0]: case for case in root.iter("testcase")}

    assert {name: suite.get("tests") for name, suite in suites.items()} == {"Data": "12", "Model": "10", "Code": "6", "Operations": "1"}
    assert root.get("failures") == str(len(list(root.iter("failure"))))
    assert cases["data.quality-automated"].get("classname") == "data.level3"
    assert cases["data.quality-automated"].find("failure").get("type") == "partly"  # type: ignore[union-attr]
    assert cases["data.lineage"].find("failure").get("type") == "unmet"  # type: ignore[union-attr]
    assert "AWS account: no AWS target was given" in str(cases["data.catalog"].find("skipped").get("message"))  # type: ignore[union-attr]
    assert cases["operations.on-call"].find("skipped") is not None
    assert not list(cases["data.shared-storage"].iter("failure")) + list(cases["data.shared-storage"].iter("skipped"))


def test_the_badge_names_each_dimension_and_survives_hostile_titles(document: dict[str, Any]) -> None:
    hostile = stored(document)
    hostile["dimensions"]["data"]["title"] = '"><script>'

    badge = ElementTree.fromstring(FORMATS["badge"].render(document))
    ElementTree.fromstring(FORMATS["badge"].render(hostile))

    assert badge.get("aria-label") == "MLOps: Data 2 · Model 3 · Code 3 · Operations n/a"
    assert badge.find("{http://www.w3.org/2000/svg}title").text == badge.get("aria-label")  # type: ignore[union-attr]
