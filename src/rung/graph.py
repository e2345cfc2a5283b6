"""The wiring of evidence as a graph: from triggers over what they start to what it proves; as text, Mermaid and DOT."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct, field

from rung.excerpt import excerpt
from rung.records import Assessment, Evidence, Hop, Packs, RungError, Strength, position

MAX_NODES = 400
"""Beyond this no drawing can be read; what is left out is said."""


class Node(Struct, frozen=True):
    """A step from a trigger to evidence, or the evidence itself."""

    key: str
    label: str
    kind: str
    """trigger, step, evidence (at work) or idle (evidence that nothing automatic starts)."""


class Graph(Struct):
    """Nodes in the order in which they were met, edges between their keys."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    left_out: int = 0
    """Pieces of evidence that had no room."""

    def roots(self) -> list[Node]:
        """The nodes that nothing leads to."""
        led_to = {target for _, target in self.edges}
        return [node for key, node in self.nodes.items() if key not in led_to]

    def after(self, key: str) -> list[Node]:
        """The nodes that one leads to."""
        return [self.nodes[target] for source, target in self.edges if source == key]


def selected(assessment: Assessment, packs: Packs, name: str = "") -> list[Evidence]:
    """The evidence of a criterion, capability or detector; without a name all that something starts.

    Raises:
        RungError: nothing has this id.
    """
    if not name:
        return [item for item in assessment.evidence if item.chain]
    if any(capability.id == name for capability in packs.capabilities):
        return [item for item in assessment.evidence if item.capability == name]
    if any(detector.id == name for detector in packs.detectors):
        return [item for item in assessment.evidence if item.detector == name]
    for result in assessment.results:
        for dimension in result.dimensions:
            for criterion in dimension.criteria:
                if criterion.id == name:
                    return [item for item in assessment.evidence if item.id in criterion.evidence]
    raise RungError(f"`{name}` is no criterion, capability or detector; `rung list` shows what there is")


def graph_of(evidence: Sequence[Evidence]) -> Graph:
    """The chains of evidence drawn into each other; a place of a file is one node, whatever leads there."""
    graph = Graph()
    for item in evidence:
        here = (item.location.path, item.location.line)
        steps = [_step(index, hop) for index, hop in enumerate(item.chain) if index == 0 or (hop.path, hop.line) != here]
        leaf = _leaf(item)
        if len(graph.nodes.keys() | {node.key for node in (*steps, leaf)}) > MAX_NODES:
            graph.left_out += 1
            continue
        previous = ""
        for node in (*steps, leaf):
            graph.nodes.setdefault(node.key, node)
            if previous and previous != node.key:
                graph.edges[previous, node.key] = None
            previous = node.key
    return graph


def render(graph: Graph, form: str) -> str:
    """The graph as text, Mermaid or DOT."""
    return {"text": as_text, "mermaid": as_mermaid, "dot": as_dot}[form](graph)


def as_text(graph: Graph) -> str:
    """The graph as trees from their triggers; what was drawn above is not unfolded again."""
    trees = _Trees(graph)
    for root in graph.roots():
        trees.draw(root, "", "")
    return "\n".join([*trees.lines, *_left_out(graph, "")]) + "\n" if trees.lines else "nothing was seen to start it\n"


def as_mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart, which GitHub and GitLab draw in Markdown."""
    names = {key: f"n{index}" for index, key in enumerate(graph.nodes)}
    shapes = {"trigger": ('(["', '"])'), "evidence": ('{{"', '"}}'), "idle": ('{{"', '"}}'), "step": ('["', '"]')}
    lines = ["flowchart LR"]
    for key, node in graph.nodes.items():
        begin, end = shapes[node.kind]
        lines.append(f"  {names[key]}{begin}{_mermaid(node.label)}{end}")
    lines += [f"  {names[source]} --> {names[target]}" for source, target in graph.edges]
    if idle := [names[key] for key, node in graph.nodes.items() if node.kind == "idle"]:
        lines += ["  classDef idle stroke-dasharray: 4 3", f"  class {','.join(idle)} idle"]
    return "\n".join([*lines, *_left_out(graph, "%% ")]) + "\n"


def as_dot(graph: Graph) -> str:
    """The graph in Graphviz' language."""
    shapes = {"trigger": "oval", "evidence": "hexagon", "idle": "hexagon", "step": "box"}
    lines = ["digraph rung {", "  rankdir=LR", '  node [fontname="sans-serif" fontsize=10]']
    names = {key: f"n{index}" for index, key in enumerate(graph.nodes)}
    for key, node in graph.nodes.items():
        style = " style=dashed" if node.kind == "idle" else ""
        lines.append(f"  {names[key]} [label={json.dumps(node.label, ensure_ascii=False)} shape={shapes[node.kind]}{style}]")
    lines += [f"  {names[source]} -> {names[target]}" for source, target in graph.edges]
    return "\n".join([*lines, *_left_out(graph, "  // "), "}"]) + "\n"


def _step(index: int, hop: Hop) -> Node:
    place = position(hop.path, hop.line)
    return Node(key=place, label=f"{excerpt(hop.what)}\n{place}" if hop.what else place, kind="trigger" if index == 0 else "step")


def _leaf(item: Evidence) -> Node:
    place = item.location.place
    label = f"{item.capability} {item.strength.label}: {item.tool}\n{place}"
    return Node(
        key=f"{item.capability} {item.tool} {place}", label=label, kind="evidence" if item.strength >= Strength.AUTOMATED else "idle"
    )


class _Trees(Struct):
    graph: Graph
    lines: list[str] = field(default_factory=list)
    drawn: set[str] = field(default_factory=set)

    def draw(self, node: Node, lead: str, below: str) -> None:
        children = self.graph.after(node.key)
        again = bool(children) and node.key in self.drawn
        self.lines.append(lead + "  ".join(reversed(node.label.split("\n"))) + ("  (as above)" if again else ""))
        if again:
            return
        self.drawn.add(node.key)
        for child in children[:-1]:
            self.draw(child, below + "├─ ", below + "│  ")
        for child in children[-1:]:
            self.draw(child, below + "└─ ", below + "   ")


def _mermaid(label: str) -> str:
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;").replace("#", "&num;")
    return escaped.replace("\n", "<br>")


def _left_out(graph: Graph, mark: str) -> list[str]:
    return [f"{mark}{graph.left_out} more pieces of evidence; name a capability or detector to see its part"] if graph.left_out else []
