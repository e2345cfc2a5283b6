"""Tests neither use nor change what the user's own scans keep; those of the cache say where theirs is."""

from __future__ import annotations

import os

os.environ["RUNG_NO_CACHE"] = "1"
