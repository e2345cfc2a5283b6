"""Rung: how mature a team's MLOps is, with the evidence that proves it."""

__version__ = "0.1.0"
