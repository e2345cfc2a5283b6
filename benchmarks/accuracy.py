"""How well detection and rules agree with hand-made labels of real repositories.

    python benchmarks/accuracy.py LABELS_DIR TREES_DIR [-v]      scans every work tree and compares
    python benchmarks/accuracy.py LABELS_DIR --oracle [--folds]  takes the labels as evidence: judges the rules alone

LABELS_DIR holds one `<owner>__<name>.yaml` a repository, TREES_DIR one work tree `<owner>__<name>` each.
Presence means `implemented` or more. A label has a strength and, where two are defensible, an `alt`; either is right.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rung.assess import assess, strengths
from rung.packs import load_packs
from rung.records import Coverage, Evidence, Framework, FrameworkResult, Location, Packs, Strength

PRESENT = Strength.IMPLEMENTED
FOLDS = 4
NEAR = 10
"""Lines within which evidence is taken to point at a trap, in a file that a label names too."""
GRID = tuple((reached / 100, below / 100) for reached in range(40, 65, 5) for below in range(reached, 85, 5))


# ── Labels ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Label:
    """What the labeller says of one capability in one repository."""

    capability: str
    strength: int
    alt: int | None
    at: tuple[str, ...]
    why: str

    @property
    def accepted(self) -> frozenset[int]:
        """The strengths that are right."""
        return frozenset({self.strength} if self.alt is None else {self.strength, self.alt})

    @property
    def surely_present(self) -> bool:
        """Not finding it is wrong."""
        return min(self.accepted) >= PRESENT

    @property
    def surely_absent(self) -> bool:
        """Finding it is wrong."""
        return max(self.accepted) < PRESENT


@dataclass(frozen=True, slots=True)
class Trap:
    """Places where a keyword would wrongly claim a capability."""

    capability: str
    at: tuple[str, ...]
    why: str
    elsewhere: bool
    """The capability is present elsewhere; only these places are no evidence of it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One repository's labels."""

    name: str
    kind: str
    levels: dict[str, tuple[int, int]]
    labels: dict[str, Label]
    traps: tuple[Trap, ...]


def read_labels(folder: Path) -> list[Labelled]:
    """Every label file of a folder, sorted by name."""
    return [_labelled(path) for path in sorted(folder.glob("*__*.yaml"))]


def _labelled(path: Path) -> Labelled:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    labels = [
        Label(one["capability"], one["strength"], one.get("alt"), tuple(one.get("at", ())), one.get("why", ""))
        for one in raw.get("labels") or ()
    ]
    traps = [
        Trap(t["capability"], tuple(t.get("at", ())), t.get("why", ""), key == "place_traps")
        for key in ("traps", "place_traps")
        for t in raw.get(key) or ()
    ]
    levels = {dimension: (value["low"], value["high"]) for dimension, value in raw["levels"].items()}
    return Labelled(path.stem, raw.get("kind", ""), levels, {label.capability: label for label in labels}, tuple(traps))


def oracle_evidence(case: Labelled, *, alt: bool) -> tuple[Evidence, ...]:
    """The labels as if a scan had found them, at their strength or, with `alt`, at the other defensible one."""
    found = []
    for label in case.labels.values():
        strength = label.alt if alt and label.alt is not None else label.strength
        path, _, line = (label.at[0] if label.at else "").rpartition(":")
        place = Location(target=case.name, path=path, line=int(line) if line.isdigit() else 0)
        item = Evidence(
            id=f"{case.name}/{label.capability}",
            detector="label",
            signal=label.capability,
            tool="label",
            capability=label.capability,
            strength=Strength(strength),
            location=place,
        )
        if strength > Strength.ABSENT:
            found.append(item)
    return tuple(found)


# ── Scores ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Counts:
    """Presence and strength of one capability, or of all, over the repositories."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    same_strength: int = 0

    def add(self, other: Counts) -> None:
        """Adds another's counts to these."""
        self.tp += other.tp
        self.fp += other.fp
        self.fn += other.fn
        self.same_strength += other.same_strength

    @property
    def precision(self) -> float | None:
        """Share of the claims that are right."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else None

    @property
    def recall(self) -> float | None:
        """Share of what is there that was found."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None

    @property
    def strength(self) -> float | None:
        """Share of the right claims whose strength is right too."""
        return self.same_strength / self.tp if self.tp else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement, with what a person needs to judge it."""

    kind: str
    """FP, FN, weak (too low a strength), strong (too high), trap (an FP that the labels foresaw), place (right, but by a
    place that is no evidence)."""
    repository: str
    capability: str
    ours: str
    theirs: str
    where: tuple[str, ...]
    why: str


@dataclass(slots=True)
class Outcome:
    """Everything measured over one set of repositories."""

    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    by_repository: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    findings: list[Finding] = field(default_factory=list)
    traps: int = 0
    traps_hit: int = 0
    levels: dict[str, dict[str, tuple[int, tuple[int, int]]]] = field(default_factory=dict)

    def total(self) -> Counts:
        """All capabilities together."""
        total = Counts()
        for counts in self.counts.values():
            total.add(counts)
        return total


def compare(case: Labelled, found: Mapping[str, Strength], evidence: Sequence[Evidence], outcome: Outcome) -> None:
    """Adds what a scan found in one repository, against its labels, to the outcome."""
    places = _places(evidence)
    for capability, strength in sorted(found.items()):
        label = case.labels.get(capability, Label(capability, 0, None, (), "not labelled"))
        counts = Counts()
        present = strength >= PRESENT
        kind = ""
        if present and not label.surely_absent:
            counts.tp = 1
            counts.same_strength = int(strength in label.accepted)
            kind = "" if counts.same_strength else ("strong" if strength > max(label.accepted) else "weak")
        elif present:
            counts.fp, kind = 1, "FP"
        elif label.surely_present:
            counts.fn, kind = 1, "FN"
        outcome.counts[capability].add(counts)
        outcome.by_repository[case.name].add(counts)
        if kind:
            theirs = "/".join(str(value) for value in sorted(label.accepted))
            ours = tuple(_describe(item) for item in places.get(capability, ()))
            where = ours + tuple(f"label {place}" for place in label.at)
            outcome.findings.append(Finding(kind, case.name, capability, str(int(strength)), theirs, where, label.why))
    for trap in case.traps:
        _spring(case, trap, found, places.get(trap.capability, ()), outcome)


def _spring(case: Labelled, trap: Trap, found: Mapping[str, Strength], evidence: Sequence[Evidence], outcome: Outcome) -> None:
    """A trap is hit when its capability is claimed though absent, or when our evidence lies at the trap's place."""
    outcome.traps += 1
    label = case.labels.get(trap.capability)
    claimed = found.get(trap.capability, Strength.ABSENT) >= PRESENT
    at_trap = [item for item in evidence if item.strength >= PRESENT and any(_points_at(item, place, label) for place in trap.at)]
    absent = not trap.elsewhere and (label is None or label.surely_absent)
    if claimed and (absent or at_trap):
        outcome.traps_hit += 1
        shown = at_trap or [item for item in evidence if item.strength >= PRESENT]
        where = tuple(_describe(item) for item in shown) + tuple(f"trap {place}" for place in trap.at)
        outcome.findings.append(Finding("trap" if absent else "place", case.name, trap.capability, "present", "trap", where, trap.why))


def _points_at(item: Evidence, place: str, label: Label | None) -> bool:
    path, _, line = place.rpartition(":")
    if item.location.path != path:
        return False
    shared = label is not None and any(other.rpartition(":")[0] == path for other in label.at)
    return not shared or abs(item.location.line - int(line or 0)) <= NEAR


def _places(evidence: Sequence[Evidence]) -> dict[str, list[Evidence]]:
    places: dict[str, list[Evidence]] = defaultdict(list)
    for item in sorted(evidence, key=lambda item: (-item.strength, bool(item.note), item.location.path, item.location.line)):
        places[item.capability].append(item)
    return places


def _describe(item: Evidence) -> str:
    place = item.location.resource or f"{item.location.path}:{item.location.line}"
    times = f" x{item.occurrences}" if item.occurrences > 1 else ""
    note = f" [{item.note}]" if item.note else ""
    excerpt = f"  | {' '.join(item.excerpt.split())[:90]}" if item.excerpt else ""
    return f"ours  {int(item.strength)} {place}{times} {item.detector}/{item.signal}{note}{excerpt}"


def add_levels(case: Labelled, result: FrameworkResult, outcome: Outcome) -> None:
    """Adds the levels of one repository; where a dimension does not apply, the labels give the floor."""
    floor = result.levels[0][0]
    outcome.levels[case.name] = {
        dimension.id: (dimension.level if dimension.level is not None else floor, case.levels[dimension.id])
        for dimension in result.dimensions
        if dimension.id in case.levels
    }


def distance(level: int, span: tuple[int, int]) -> int:
    """How far a level is outside of its range, negative below it."""
    return level - span[1] if level > span[1] else min(0, level - span[0])


# ── Running ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Scanned:
    """What is kept of one repository's scan."""

    evidence: tuple[Evidence, ...]
    coverage: tuple[Coverage, ...]
    errors: tuple[str, ...]
    seconds: float
    unproved: tuple[str, ...] = ()
    """Automated evidence without a chain, or with a hop that names no line of a file."""


def scan(tree: Path) -> Scanned:
    """Scans one work tree in this process."""
    from rung.scan import scan_path  # late: the rules can be judged without a scanner

    started = time.perf_counter()
    assessment = scan_path(str(tree))
    errors = tuple(f"{error.path}:{error.line} {error.what}" for error in assessment.errors)
    unproved = tuple(
        f"{tree.name}: {item.detector}/{item.signal} {item.location.path}" for item in assessment.evidence if not proved(item, tree)
    )
    return Scanned(assessment.evidence, assessment.coverage, errors, time.perf_counter() - started, unproved)


def proved(item: Evidence, tree: Path) -> bool:
    """Whether evidence that claims to be at work has a chain, and every hop of it a line of a file of the tree."""
    if item.strength < Strength.AUTOMATED:
        return True
    return bool(item.chain) and all((tree / hop.path).is_file() and 0 <= hop.line <= lines_of(tree / hop.path) for hop in item.chain)


@cache
def lines_of(path: Path) -> int:
    """How many lines a file has."""
    return path.read_bytes().count(b"\n") + 1


def searched_by(packs: Packs) -> frozenset[str]:
    """Capabilities that some signal of the packs can find."""
    return frozenset(signal.capability for detector in packs.detectors for signal in detector.signals)


def results_of(
    cases: Sequence[Labelled], found: Mapping[str, Scanned], framework: Framework, packs: Packs, searched: frozenset[str]
) -> Iterator[tuple[Labelled, FrameworkResult]]:
    """Each repository's levels under a framework."""
    for case in cases:
        one = found[case.name]
        yield case, assess(framework, one.evidence, one.coverage, packs.capabilities, searched)


def held_out(
    cases: Sequence[Labelled], found: Mapping[str, Scanned], framework: Framework, packs: Packs, searched: frozenset[str]
) -> Outcome:
    """Levels of each fold under the thresholds that are best on the other folds: shows how far calibration carries."""
    errors: dict[tuple[float, float], dict[str, int]] = {}
    outcomes: dict[tuple[float, float], Outcome] = {}
    for reached, below in GRID:
        outcome = Outcome()
        for case, result in results_of(cases, found, replace(framework, reached_at=reached, below_at=below), packs, searched):
            add_levels(case, result, outcome)
        outcomes[reached, below] = outcome
        errors[reached, below] = {name: sum(abs(distance(*pair)) for pair in row.values()) for name, row in outcome.levels.items()}
    merged = Outcome()
    home = (framework.reached_at, framework.below_at)
    for fold in range(FOLDS):
        inside = {case.name for case in cases if _fold(case.name) == fold}
        best = min(
            GRID, key=lambda at: (sum(e for n, e in errors[at].items() if n not in inside), abs(at[0] - home[0]) + abs(at[1] - home[1]))
        )
        print(f"fold {fold}: {len(inside)} repositories, thresholds of the others {best[0]:.2f}/{best[1]:.2f}")
        merged.levels |= {name: row for name, row in outcomes[best].levels.items() if name in inside}
    return merged


def _fold(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % FOLDS


# ── Printing ─────────────────────────────────────────────────────────────────────────────────────────


def _percent(value: float | None) -> str:
    return "    -" if value is None else f"{100 * value:5.1f}"


def print_levels(outcome: Outcome, *, every: bool) -> None:
    """Levels against their ranges: every repository, or only those outside, and the totals."""
    dimensions = list(next(iter(outcome.levels.values()), {}))
    for name, row in outcome.levels.items():
        cells = []
        for dimension in dimensions:
            level, (low, high) = row[dimension]
            off = distance(level, (low, high))
            cells.append(f"{dimension} {level} ({low}-{high}){f' {off:+d}' if off else '   '}")
        if every or any(distance(*pair) for pair in row.values()):
            print(f"  {name[:52]:52} {'   '.join(cells)}")
    for dimension in dimensions:
        offs = [distance(*row[dimension]) for row in outcome.levels.values()]
        inside = sum(not off for off in offs)
        print(
            f"  {dimension:6} {inside}/{len(offs)} within range ({_percent(inside / len(offs)).strip()} %), "
            f"too high {sum(off > 0 for off in offs)}, too low {sum(off < 0 for off in offs)}, by two or more {sum(abs(off) > 1 for off in offs)}"
        )


def print_presence(outcome: Outcome) -> None:
    """Precision, recall and strength agreement per capability, per repository and in total."""
    print(f"\n{'capability':30} {'tp':>4} {'fp':>4} {'fn':>4} {'prec':>6} {'recall':>6} {'strength':>8}")
    rows = [*sorted(outcome.counts.items()), ("TOTAL", outcome.total())]
    for name, counts in rows:
        if not counts.tp + counts.fp + counts.fn:
            continue
        print(
            f"{name:30} {counts.tp:4} {counts.fp:4} {counts.fn:4}  {_percent(counts.precision)}  {_percent(counts.recall)}  {_percent(counts.strength)}"
        )
    print(f"\n{'repository':52} {'tp':>4} {'fp':>4} {'fn':>4} {'prec':>6} {'recall':>6} {'strength':>8}")
    for name, counts in sorted(outcome.by_repository.items()):
        print(
            f"{name[:52]:52} {counts.tp:4} {counts.fp:4} {counts.fn:4}  {_percent(counts.precision)}  {_percent(counts.recall)}"
            f"  {_percent(counts.strength)}"
        )
    print(f"\ntraps hit {outcome.traps_hit} of {outcome.traps}")


def print_findings(outcome: Outcome, *, limit: int, kinds: Sequence[str], by: str) -> None:
    """Every disagreement with our evidence and the label's places, grouped by capability or by repository."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    trapped = {(finding.repository, finding.capability) for finding in outcome.findings if finding.kind == "trap"}
    for finding in outcome.findings:
        told_as_trap = finding.kind == "FP" and (finding.repository, finding.capability) in trapped
        if finding.kind in kinds and not told_as_trap:
            groups[finding.capability if by == "capability" else finding.repository].append(finding)
    order = {kind: position for position, kind in enumerate(("FP", "trap", "place", "FN", "strong", "weak"))}
    for name, group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        tally = ", ".join(f"{sum(f.kind == kind for f in group)} {kind}" for kind in order if any(f.kind == kind for f in group))
        print(f"\n━━ {name}: {tally}")
        for finding in sorted(group, key=lambda f: (order[f.kind], f.repository, f.capability)):
            other = finding.repository if by == "capability" else finding.capability
            print(f"  {finding.kind:6} {other}   ours {finding.ours}, label {finding.theirs}: {finding.why}")
            ours = [line for line in finding.where if line.startswith("ours")]
            for line in ours[:limit] + [line for line in finding.where if not line.startswith("ours")]:
                print(f"           {line}")
            if len(ours) > limit:
                print(f"           … {len(ours) - limit} more of ours")


def print_misses(cases: Sequence[tuple[Labelled, FrameworkResult]]) -> None:
    """For each level outside its range: the shares achieved and what every criterion rates."""
    for case, result in cases:
        for dimension in result.dimensions:
            level = dimension.level if dimension.level is not None else result.levels[0][0]
            if not distance(level, case.levels[dimension.id]):
                continue
            shares = ", ".join(f"{number}: {share:.2f}" for number, share in dimension.achieved)
            print(f"\n━━ {case.name} {dimension.id}: level {level}, label {case.levels[dimension.id]}, achieved {shares}{dimension.reason}")
            for criterion in dimension.criteria:
                rating = criterion.rating.value if criterion.rating else "-"
                if criterion.level:
                    print(
                        f"   {criterion.level} {rating} {'!' if criterion.essential else ' '} {criterion.id:32} {'; '.join(criterion.blockers)[:150]}"
                    )


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data, sorted, so that two runs can be compared."""

    def plain(counts: Counts) -> dict[str, Any]:
        return {
            "tp": counts.tp,
            "fp": counts.fp,
            "fn": counts.fn,
            "precision": counts.precision,
            "recall": counts.recall,
            "strength": counts.strength,
        }

    return {
        "total": plain(outcome.total()),
        "capabilities": {name: plain(counts) for name, counts in sorted(outcome.counts.items())},
        "repositories": {name: plain(counts) for name, counts in sorted(outcome.by_repository.items())},
        "traps": {"hit": outcome.traps_hit, "of": outcome.traps},
        "levels": {
            name: {dimension: {"level": level, "low": low, "high": high} for dimension, (level, (low, high)) in row.items()}
            for name, row in sorted(outcome.levels.items())
        },
        "findings": [
            {
                "kind": f.kind,
                "repository": f.repository,
                "capability": f.capability,
                "ours": f.ours,
                "label": f.theirs,
                "where": f.where,
                "why": f.why,
            }
            for f in outcome.findings
        ],
    }


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path, metavar="LABELS_DIR")
    parser.add_argument("trees", type=Path, nargs="?", metavar="TREES_DIR")
    parser.add_argument("--oracle", action="store_true", help="take the labels as evidence and judge the rules alone")
    parser.add_argument(
        "--only", action="append", default=[], metavar="REPO", help="only repositories whose name contains this; repeatable"
    )
    parser.add_argument(
        "--capability", action="append", default=[], metavar="C", help="list only disagreements on capabilities starting so"
    )
    parser.add_argument("--folds", action="store_true", help="calibrate the thresholds on three quarters, measure on the rest")
    parser.add_argument("--by", choices=("capability", "repository"), default="capability", help="how -v groups disagreements")
    parser.add_argument("--limit", type=int, default=4, help="places of ours that -v shows for a disagreement")
    parser.add_argument("--jobs", type=int, default=1, help="processes that scan")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to a file")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="list every FP, FN and trap; twice: strengths and levels too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; gives the exit code."""
    args = arguments(argv)
    cases = [case for case in read_labels(args.labels) if not args.only or any(part in case.name for part in args.only)]
    if not cases:
        print(f"no labels in {args.labels} match", file=sys.stderr)
        return 2
    packs = load_packs()
    framework = packs.frameworks[0]
    if args.oracle:
        return _oracle(cases, framework, packs, args)
    if args.trees is None:
        print("TREES_DIR is needed unless --oracle is given", file=sys.stderr)
        return 2
    missing = [case.name for case in cases if not (args.trees / case.name).is_dir()]
    for name in missing:
        print(f"no work tree {args.trees / name}: left out", file=sys.stderr)
    cases = [case for case in cases if case.name not in missing]
    return _measure(cases, framework, packs, args)


def _oracle(cases: Sequence[Labelled], framework: Framework, packs: Packs, args: argparse.Namespace) -> int:
    everything = frozenset(capability.id for capability in packs.capabilities)
    report: dict[str, Any] = {}
    for alt in (False, True):
        found = {case.name: Scanned(oracle_evidence(case, alt=alt), (), (), 0.0) for case in cases}
        outcome = Outcome()
        results = list(results_of(cases, found, framework, packs, everything))
        for case, result in results:
            add_levels(case, result, outcome)
        print(f"\nlabels as evidence, at {'alt where there is one' if alt else 'their strength'}")
        print_levels(outcome, every=bool(args.verbose) and not alt)
        report["alt" if alt else "strength"] = as_json(outcome)["levels"]
        if args.verbose:
            print_misses(results)
        if args.folds:
            print_levels(held_out(cases, found, framework, packs, everything), every=False)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(cases: Sequence[Labelled], framework: Framework, packs: Packs, args: argparse.Namespace) -> int:
    trees = [args.trees / case.name for case in cases]
    if args.jobs > 1:
        with ProcessPoolExecutor(args.jobs) as pool:
            scanned = list(pool.map(scan, trees))
    else:
        scanned = [scan(tree) for tree in trees]
    found = dict(zip((case.name for case in cases), scanned, strict=True))
    searched = searched_by(packs)
    outcome = Outcome()
    results = list(results_of(cases, found, framework, packs, searched))
    for case, result in results:
        one = found[case.name]
        compare(case, {name: strength for name, strength, _ in strengths(one.evidence, packs.capabilities)}, one.evidence, outcome)
        add_levels(case, result, outcome)
    if args.capability:
        outcome.findings = [f for f in outcome.findings if any(f.capability.startswith(part) for part in args.capability)]
    if args.verbose:
        kinds = ("FP", "FN", "trap", "place") + (("strong", "weak") if args.verbose > 1 else ())
        print_findings(outcome, limit=args.limit, kinds=kinds, by=args.by)
    if args.verbose > 1:
        print_misses(results)
    print_presence(outcome)
    print("\nlevels")
    print_levels(outcome, every=True)
    if args.folds:
        print_levels(held_out(cases, found, framework, packs, searched), every=False)
    automated = sum(item.strength >= Strength.AUTOMATED for one in scanned for item in one.evidence)
    unproved = [place for one in scanned for place in one.unproved]
    print(f"\n{automated} pieces of automated evidence, {len(unproved)} of them without a chain of existing lines")
    for place in unproved[: args.limit]:
        print(f"  {place}")
    if errors := sum(len(one.errors) for one in scanned):
        print(f"\n{errors} errors reported by scans")
    print(f"{sum(one.seconds for one in scanned):.1f} s of scanning, slowest {max(zip((o.seconds for o in scanned), found, strict=True))}")
    if args.json:
        args.json.write_text(json.dumps(as_json(outcome), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
