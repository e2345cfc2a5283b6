"""The packs that ship with Rung: YAML → records, strictly.

Unknown, missing and duplicate keys, and values of another type, are refused with a message that teaches.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from glob import glob
from importlib import import_module
from itertools import chain
from typing import NamedTuple

from rung import records, store
from rung.packs.detectors import detector_of
from rung.packs.fields import parse
from rung.packs.resources import provider_of, resources_of
from rung.packs.rules import capabilities_of, dead_ends_of, elsewhere_of, framework_leaves, framework_of
from rung.records import Capability, DeadEndRule, ElsewhereRule, Framework, PackError, Packs


@cache
def load_packs() -> Packs:
    """All packs that ship with Rung, sorted, with a digest over their content.

    Parsing them takes longer than most scans; see `store.compiled`.

    Raises:
        PackError: a pack is wrong; the message names the file and the key.
    """
    written = _Written(_yaml_of("rung.detectors"), _yaml_of("rung.detectors", "resources"), _yaml_of("rung.rules"))
    digest = hashlib.sha256()
    for _, data in chain.from_iterable(written):
        digest.update(data)
    key = digest.hexdigest()
    return store.compiled(
        "packs",
        key,
        Packs,
        lambda: _compile(written, key[:16]),
        by=(*sorted(glob(os.path.join(os.path.dirname(__file__), "*.py"))), records.__file__),
    )


_Files = list[tuple[str, bytes]]


class _Written(NamedTuple):
    """The packs' files, by name."""

    detectors: _Files
    resources: _Files
    rules: _Files


def _yaml_of(package: str, *below: str) -> _Files:
    """Names and contents of the YAML files in a folder of a package, sorted."""
    folder = os.path.join(import_module(package).__path__[0], *below)
    if not os.path.isdir(folder):  # Rung lies in an archive.
        from importlib.resources import files

        place = files(package).joinpath(*below)
        return sorted((file.name, file.read_bytes()) for file in place.iterdir() if file.name.endswith(".yaml"))
    return [(name, _content(os.path.join(folder, name))) for name in sorted(os.listdir(folder)) if name.endswith(".yaml")]


def _content(file: str) -> bytes:
    """The bytes of a small file; Python's own files take three times as long to open, and there are very many."""
    number = os.open(file, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(number, _SMALL), b""))
    finally:
        os.close(number)


_SMALL = 1 << 16


def _compile(written: _Written, digest: str) -> Packs:
    tables = [(name, parse(name, data)) for name, data in written.resources]
    resources = [resource for name, pack in tables for resource in resources_of(name, pack)]
    providers = [provider_of(name, pack) for name, pack in tables if "live" in pack]
    capabilities: tuple[Capability, ...] = ()
    frameworks: list[Framework] = []
    dead_ends: tuple[DeadEndRule, ...] = ()
    elsewhere: tuple[ElsewhereRule, ...] = ()
    for name, data in written.rules:
        if name == "capabilities.yaml":
            capabilities = capabilities_of(name, parse(name, data))
        elif name == "dead-ends.yaml":
            dead_ends = dead_ends_of(name, parse(name, data))
        elif name == "elsewhere.yaml":
            elsewhere = elsewhere_of(name, parse(name, data))
        else:
            frameworks.append(framework_of(name, parse(name, data)))
    if sum(framework.default for framework in frameworks) != 1:
        raise PackError("rules: `default: true` stands in one framework's file, that of the one to rate by unless another is asked for")
    frameworks.sort(key=lambda framework: (not framework.default, framework.id))
    among_tests = frozenset(capability.id for capability in capabilities if capability.among_tests)
    packs = Packs(
        detectors=tuple(detector_of(name, parse(name, data), among_tests) for name, data in written.detectors),
        capabilities=capabilities,
        resources=tuple(resources),
        providers=tuple(providers),
        frameworks=tuple(frameworks),
        dead_ends=dead_ends,
        elsewhere=elsewhere,
        digest=digest,
    )
    check_capabilities(packs)
    return packs


def check_capabilities(packs: Packs) -> None:
    """Refuses packs that name a capability which is not in their vocabulary, or a signal that none of them has.

    Raises:
        PackError: there is one; the message names the file and what names it.
    """
    known = {capability.id for capability in packs.capabilities}
    for where, names in _named_capabilities(packs):
        for name in names:
            if name not in known:
                raise PackError(f"{where}: capability `{name}` is not in rules/capabilities.yaml")
    known |= {f"{detector.id}/{signal.id}" for detector in packs.detectors for signal in detector.signals}
    for detector in packs.detectors:
        for signal in detector.signals:
            for name in (*signal.given, *(signal.dead_end.unless if signal.dead_end else ())):
                if name not in known:
                    raise PackError(
                        f"detectors/{detector.id}.yaml: signal `{signal.id}`: `{name}` is neither a capability nor a signal of a detector"
                    )


def _named_capabilities(packs: Packs) -> Iterator[tuple[str, Sequence[str]]]:
    for detector in packs.detectors:
        for signal in detector.signals:
            yield f"detectors/{detector.id}.yaml: signal `{signal.id}`", (signal.capability,)
    for rule in packs.dead_ends:
        yield f"rules/dead-ends.yaml: `{rule.id}`", (*rule.has, *rule.lacks)
    for place in packs.elsewhere:
        yield f"rules/elsewhere.yaml: `{place.id}`", (*place.has, *place.lacks, *place.hides)
    for framework in packs.frameworks:
        yield f"rules/{framework.id}.yaml", [leaf.capability for leaf in framework_leaves(framework)]
