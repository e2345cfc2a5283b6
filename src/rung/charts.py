"""Helm charts that are installed: by a command, or by a resource that names one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from rung.records import Resource
from rung.wildcards import folded

_VALUED = frozenset((
    "-n", "--namespace", "-f", "--values", "--set", "--set-string", "--set-file", "--set-json", "--set-literal", "--version", "--timeout",
    "--repo", "--kube-context", "--kubeconfig", "--description", "--post-renderer", "--post-renderer-args", "--username", "--password",
    "--ca-file", "--cert-file", "--key-file", "--keyring", "-o", "--output", "-l", "--labels", "--name-template", "--history-max",
))  # fmt: skip
"""Options of `helm` that take the word after them."""
_MOST = 50


def charts_of(resource: Resource, naming: Mapping[str, tuple[str, ...]], canonical: str) -> tuple[str, ...]:
    """The names of the charts that a resource of a canonical type installs, without their repository.

    Args:
        resource: what is declared.
        naming: by canonical type, the attributes (folded) that name charts.
        canonical: its canonical type.
    """
    keys = naming.get(canonical)
    if not keys:
        return ()
    return tuple(islice((_name(value) for key, value in resource.attributes if folded(key) in keys), _MOST))


def chart_installed_by(words: tuple[str, ...]) -> str:
    """The name of the chart that a command installs, empty for any other command."""
    if words[1:2] not in (("install",), ("upgrade",)) or words[0].rpartition("/")[2] not in ("helm", "helm3"):
        return ""
    named: list[str] = []
    skip = False
    for word in words[2:]:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _VALUED
        else:
            named.append(word)
    return _name(named[-1]) if named and (len(named) > 1 or "--generate-name" in words or "-g" in words) else ""


def _name(chart: str) -> str:
    return chart.rstrip("/").rpartition("/")[2].partition("@")[0].lower()
