"""The wiring drawn as text, Mermaid and DOT."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rung.graph import Graph, as_dot, as_mermaid, as_text, graph_of, render
from rung.records import Evidence, Hop, Location, Strength
from rung.scan import scan_path


def evidence(
    path: str, *chain: tuple[str, int, str], capability: str = "model.registry", strength: Strength = Strength.AUTOMATED
) -> Evidence:
    hops = tuple(Hop(path=at, line=line, what=what) for at, line, what in chain)
    place = Location(target="repo", path=path, line=9)
    return Evidence(
        id=path, detector="d", signal="s", tool="Tool", capability=capability, strength=strength, location=place, chain=hops
    )  # fmt: skip


@pytest.fixture
def graph() -> Graph:
    push = (("ci.yml", 2, "on push"), ("ci.yml", 5, "job <train>"))
    return graph_of([
        evidence("a.py", *push, ("a.py", 9, "Tool")),
        evidence("b.py", *push, ("run.sh", 1, "")),
        evidence("c.py", strength=Strength.IMPLEMENTED),
    ])  # fmt: skip


def test_chains_that_begin_alike_are_drawn_into_one_tree_and_idle_evidence_stands_alone(graph: Graph) -> None:
    assert as_text(graph).splitlines() == [
        "ci.yml:2  on push",
        "└─ ci.yml:5  job <train>",
        "   ├─ a.py:9  model.registry automated: Tool",
        "   └─ run.sh:1",
        "      └─ b.py:9  model.registry automated: Tool",
        "c.py:9  model.registry implemented: Tool",
    ]


def test_mermaid_and_dot_have_every_node_and_edge_with_what_is_special_to_them_escaped(graph: Graph) -> None:
    mermaid, dot = as_mermaid(graph), as_dot(graph)

    assert '(["on push<br>ci.yml:2"])' in mermaid
    assert "job &lt;train&gt;" in mermaid
    assert mermaid.count(" --> ") == dot.count(" -> ") == len(graph.edges) == 4
    assert '[label="job <train>\\nci.yml:5" shape=box]' in dot
    assert "shape=hexagon style=dashed" in dot


def test_a_place_that_two_chains_reach_is_drawn_once_and_named_again() -> None:
    shared = ("lib.py", 1, "")
    graph = graph_of([
        evidence("lib.py", ("a.yml", 1, "on push"), shared),
        evidence("lib.py", ("b.yml", 1, "on schedule"), shared, capability="model.tuning"),
    ])  # fmt: skip

    assert as_text(graph).count("lib.py:9  model.registry") == 1
    assert "(as above)" in as_text(graph)


def test_what_has_no_room_is_counted() -> None:
    graph = graph_of([evidence(f"{index}.py", ("ci.yml", 1, "on push")) for index in range(500)])

    assert graph.left_out == 101
    assert "101 more pieces of evidence" in as_text(graph)
    assert as_mermaid(graph).splitlines()[-1].startswith("%% 101 more")


def test_resources_of_one_name_in_two_regions_stand_apart() -> None:
    live = [
        replace(evidence(""), location=Location(target="aws", resource="AWS::S3::Bucket/models", region=region))
        for region in ("eu-west-1", "us-east-1")
    ]

    assert as_text(graph_of(live)).splitlines() == [
        "AWS::S3::Bucket/models (eu-west-1)  model.registry automated: Tool",
        "AWS::S3::Bucket/models (us-east-1)  model.registry automated: Tool",
    ]


def test_a_secret_of_a_command_is_in_no_graph_and_in_no_coverage(tmp_path: Path) -> None:
    pipeline = tmp_path / ".github" / "workflows" / "ci.yml"
    pipeline.parent.mkdir(parents=True)
    job = "    runs-on: ubuntu-latest\n    steps:\n      - run: python train.py $DATABASE\n      - run: make $TARGET --url $DATABASE\n"
    pipeline.write_text(f"on: push\nenv: {{DATABASE: 'postgres://shop:hunter2@db/shop'}}\njobs:\n  fit:\n{job}")
    (tmp_path / "train.py").write_text("import mlflow\n\nmlflow.log_metric('a', 1)\n")

    found = scan_path(str(tmp_path))

    told = [entry.what for entry in found.coverage] + [render(graph_of(found.evidence), form) for form in ("text", "mermaid", "dot")]
    assert any("python train.py" in text for text in told)
    assert any("make $TARGET" in text for text in told)
    assert not [text for text in told if "hunter2" in text]
