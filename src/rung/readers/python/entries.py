"""Which calls of Python source read the arguments of a command line."""

from __future__ import annotations

_ARGUMENT_PARSERS = frozenset((
    "argparse.ArgumentParser", "configargparse.ArgParser", "optparse.OptionParser", "getopt.getopt", "click.command", "click.group",
    "click.Group", "typer.Typer", "typer.run", "fire.Fire", "hydra.main", "absl.app.run", "docopt.docopt", "tyro.cli",
    "jsonargparse.CLI", "jsonargparse.auto_cli", "simple_parsing.parse", "cyclopts.App", "cyclopts.run", "defopt.run", "plac.call",
    "sys.argv",
))  # fmt: skip
_WORDS = (
    "Parser", "getopt", "click", "typer", "fire", "hydra", "absl", "docopt", "tyro", "jsonargparse", "simple_parsing", "cyclopts",
    "defopt", "plac", "argv",
)  # fmt: skip
"""One of them is in every source that names one of the parsers."""


def takes_arguments(name: str) -> bool:
    """Whether a call of this name does."""
    return name in _ARGUMENT_PARSERS or name.endswith("ArgumentParser") or name.startswith("absl.flags.DEFINE")


def may_take_arguments(source: str) -> bool:
    """Whether such a call, or `sys.argv`, can be in the source at all."""
    return any(word in source for word in _WORDS)
