"""The reference pages, the README's tables and the policy of an example, written from the packs and action.yml: `python -m rung.docs [--check]`.

With `--check` nothing is written, and the exit code is 1 when a page differs from what these say.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import yaml

from rung.explain import requirement_text
from rung.packs import load_packs
from rung.permissions import cluster_role, needed, policy
from rung.records import Packs

ROOT = Path(__file__).parent.parent.parent
"""The repository that the pages belong to: the command is for its developers."""
_HEAD = "<!-- Written by `python -m rung.docs` from the packs; edit those. -->\n"


def pages(packs: Packs) -> dict[str, str]:
    """The text of every generated page by its path from the repository's root."""
    return {
        "docs/detectors.md": _HEAD + detectors_page(packs),
        "docs/capabilities.md": _HEAD + capabilities_page(packs),
        **{f"docs/rules-{framework.id}.md": _HEAD + rules_page(packs, framework.id) for framework in packs.frameworks},
        "docs/github-action.md": action_page(),
        "docs/scheduled-scans.md": scheduled_page(packs),
        "examples/aws-fargate.yaml": template(packs),
        "README.md": _between((ROOT / "README.md").read_text(encoding="utf-8"), "summary", summary(packs)),
    }


def detectors_page(packs: Packs) -> str:
    """Every detector with its signals."""
    lines = ["# Detectors", "", f"{len(packs.detectors)} detectors with {sum(len(d.signals) for d in packs.detectors)} signals."]
    for detector in packs.detectors:
        rows = ([s.id, s.capability, s.strength.label, s.matcher] for s in detector.signals)
        lines += [
            "",
            f"## {detector.id}",
            "",
            f"[{detector.title}]({detector.homepage})",
            "",
            *_table(("signal", "capability", "strength", "matcher"), rows),
        ]
    return "\n".join(lines) + "\n"


def capabilities_page(packs: Packs) -> str:
    """The vocabulary, with the detectors that can show each capability."""
    by_capability = {c.id: sorted({d.id for d in packs.detectors for s in d.signals if s.capability == c.id}) for c in packs.capabilities}
    rows = (
        [f"`{c.id}`", c.description + (" (counts against)" if c.negative else ""), ", ".join(by_capability[c.id])]
        for c in packs.capabilities
    )
    return "\n".join(["# Capabilities", "", *_table(("capability", "meaning", "detectors"), rows)]) + "\n"


def rules_page(packs: Packs, framework_id: str) -> str:
    """One framework's criteria by dimension and level."""
    framework = next(framework for framework in packs.frameworks if framework.id == framework_id)
    lines = [f"# {framework.title}", "", f"Source: <{framework.source}>", ""]
    lines += [
        f"A level is reached when no essential criterion of it or of a level below is under L, its own mean rating is at least {framework.reached_at:.2f}"
    ]
    lines += [f"and that of every level below at least {framework.below_at:.2f}."]
    if framework.fully_from:
        lines += [f"From level {framework.fully_from} on its essential criteria must be F."]
    for dimension in framework.dimensions:
        for level in sorted({c.level for c in framework.criteria if c.dimension == dimension.id}):
            lines += ["", f"## {dimension.title}, {f'level {level}' if level else 'no level'}"]
            for criterion in (c for c in framework.criteria if c.dimension == dimension.id and c.level == level):
                lines += [
                    "",
                    f"### {criterion.id}",
                    "",
                    f"**{criterion.title}**{' (essential)' if criterion.essential else ''}",
                    "",
                    criterion.why,
                ]
                lines += ["", f"- asks for: {requirement_text(criterion.requires)}", f"- seen in: {', '.join(criterion.observable)}"]
                lines += [f"- next: {criterion.remediation} (effort: {criterion.effort})", f"- statements: {', '.join(criterion.atoms)}"]
    return "\n".join(lines) + "\n"


def summary(packs: Packs) -> str:
    """The README's table: detectors and signals by dimension."""
    detectors: Counter[str] = Counter()
    signals: Counter[str] = Counter()
    for detector in packs.detectors:
        detectors.update({signal.capability.split(".")[0] for signal in detector.signals})
        signals.update(signal.capability.split(".")[0] for signal in detector.signals)
    capabilities = Counter(capability.id.split(".")[0] for capability in packs.capabilities)
    criteria = Counter(criterion.dimension for criterion in packs.frameworks[0].criteria)
    names = ("data", "model", "code")
    rows = ([name.capitalize(), str(capabilities[name]), str(detectors[name]), str(signals[name]), str(criteria[name])] for name in names)
    return "\n".join(_table(("dimension", "capabilities", "detectors", "signals", "criteria"), rows)) + "\n"


def action_page() -> str:
    """The GitHub Action's page, with its inputs and outputs as action.yml describes them."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / "github-action.md").read_text(encoding="utf-8")
    inputs = (
        [f"`{name}`", body["description"], f"`{body['default']}`" if body["default"] else ""] for name, body in action["inputs"].items()
    )
    outputs = ([f"`{name}`", body["description"]] for name, body in action["outputs"].items())
    text = _between(text, "inputs", "\n".join(_table(("input", "meaning", "default"), inputs)) + "\n")
    return _between(text, "outputs", "\n".join(_table(("output", "meaning"), outputs)) + "\n")


def scheduled_page(packs: Packs) -> str:
    """The page on scheduled scans, with what a scan must be allowed."""
    rows = []
    for provider in sorted(packs.providers, key=lambda one: one.title):
        permissions = needed(provider.id, packs)
        told = ", ".join(permissions)
        if provider.protocol == "aws":
            actions = [action for statement in policy(provider.id, packs)["Statement"] for action in statement["Action"]]
            told = f"{len(actions)} actions of {len({action.partition(':')[0] for action in actions})} services"
        calls = len({call for calls in permissions.values() for call in calls})
        rows.append([provider.title, str(calls), told])
    kinds = sum(len(rule["resources"]) for rule in cluster_role(packs)["rules"])
    rows.append(["Kubernetes cluster", "", f"to get and list {kinds} kinds of objects, no secrets"])
    text = (ROOT / "docs" / "scheduled-scans.md").read_text(encoding="utf-8")
    return _between(text, "permissions", "\n".join(_table(("what", "calls", "what a login must be allowed"), rows)) + "\n")


def template(packs: Packs) -> str:
    """The example for AWS, whose role has the policy that scans need."""
    text = (ROOT / "examples" / "aws-fargate.yaml").read_text(encoding="utf-8")
    found = re.search(r"^( *)# <permissions>\n.*?# </permissions>\n", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError("examples/aws-fargate.yaml: the marks `# <permissions>` and `# </permissions>` are gone")
    body = yaml.safe_dump(policy("aws", packs), sort_keys=False)
    lines = ["# <permissions>", *body.replace("'2012-10-17'", '"2012-10-17"').splitlines(), "# </permissions>"]
    return text[: found.start()] + "".join(f"{found[1]}{line}\n" for line in lines) + text[found.end() :]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(head)
    return [
        f"| {' | '.join(names)} |",
        f"|{' --- |' * len(names)}",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
    ]


def _between(text: str, name: str, body: str) -> str:
    """The text with what stands between the marks of `name` replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda match: match[1] + body + match[2], text)


def main() -> int:
    """Writes or checks the pages."""
    parser = argparse.ArgumentParser(prog="python -m rung.docs", description="Writes the pages that are generated from the packs.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page differs")
    check = parser.parse_args().check
    stale = []
    for name, text in pages(load_packs()).items():
        file = ROOT / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                file.write_text(text, encoding="utf-8")
    if stale:
        print(f"{'differ from the packs or action.yml' if check else 'written'}: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
