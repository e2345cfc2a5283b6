"""The errors that a user can act on."""

from __future__ import annotations


class RungError(Exception):
    """An error that a user can act on; its text names the file, key or call, and what to do."""


class PackError(RungError):
    """A pack of ours is wrong: names file and key."""


class ConfigError(RungError):
    """A `rung.yaml` is wrong: names file, line and key."""


class TargetError(RungError):
    """A target could not be read at all."""
