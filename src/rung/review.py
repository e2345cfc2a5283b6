"""From what a person names on the command line to documents: scanned or stored, compared with an earlier state, judged by gates."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from rung.diff import compare
from rung.gates import with_gates
from rung.packs import load_packs
from rung.records import RungError
from rung.report import document_of, read_document
from rung.report.comparison import comparison_of, with_comparison
from rung.report.document import Document
from rung.scan import Progress, scan_path


def review(
    target: str,
    *,
    subfolder: str = "",
    frameworks: Sequence[str] = (),
    against: str = "",
    under: Mapping[str, int] | None = None,
    no_regression: bool = False,
    progress: Progress | None = None,
) -> Document:
    """The document of a scan, compared and judged as asked.

    Args:
        target: what `scan_path` takes.
        subfolder: the part of it to scan.
        frameworks: ids of the maturity models to rate by.
        against: a stored result, a folder, or a revision of the target to compare with; empty for none.
        under: the least level of each dimension.
        no_regression: whether nothing may have fallen.
        progress: called while files are read.

    Raises:
        RungError: something named can't be read, or the two sides can't be compared.
    """
    if no_regression and not against:
        raise RungError("--fail-on regression needs something to compare with: give --against a revision or a stored result")
    base = _base(target, against, subfolder, frameworks, progress) if against else None
    if base and not frameworks:
        frameworks = (base["overall"]["framework"],)
    document = document_of(scan_path(target, subfolder=subfolder, frameworks=frameworks, progress=progress))
    return with_gates(_compared(base, document) if base else document, under or {}, regression=no_regression)


def difference(old: str, new: str, *, no_regression: bool = False, progress: Progress | None = None) -> Document:
    """The document of `new` that holds its comparison with `old`; each is a stored result or something to scan.

    Raises:
        RungError: one can't be read, or the two can't be compared.
    """
    stored = {side: _stored(side) for side in (old, new)}
    frameworks = [document["overall"]["framework"] for document in stored.values() if document]
    before, after = (stored[side] or document_of(scan_path(side, frameworks=frameworks[:1], progress=progress)) for side in (old, new))
    return with_gates(_compared(before, after), {}, regression=no_regression)


def _compared(old: Document, new: Document) -> Document:
    negative = frozenset(capability.id for capability in load_packs().capabilities if capability.negative)
    return with_comparison(new, comparison_of(compare(old, new, negative=negative), old, new))


def _base(target: str, against: str, subfolder: str, frameworks: Sequence[str], progress: Progress | None) -> Document:
    """What the scan is compared with: a stored result, a folder, else a revision of the target."""
    stored = _stored(against)
    if stored:
        return stored
    if not os.path.isdir(against):
        path = target if os.path.exists(target) else target.rpartition("@")[0] or target
        against = f"{path}@{against}"
    return document_of(scan_path(against, subfolder=subfolder, frameworks=frameworks, progress=progress))


def _stored(name: str) -> Document | None:
    """The stored result of that name, None when the name is no file."""
    if not os.path.isfile(name):
        return None
    try:
        with open(name, encoding="utf-8") as file:
            return read_document(file.read(), name)
    except (OSError, UnicodeDecodeError) as error:
        raise RungError(f"{name}: can't be read: {error}") from error
