"""What in Python source is a test, and what an assertion: by their names."""

from __future__ import annotations

import re

from rung.expressions import regex

_TEST_CLASS = regex(r"(?:\A|\.)_?Test\w*\Z|Tests?\Z|TestCase\Z")
_ASSERTING = regex(r"_*(?:assert|check|verify|expect)", re.IGNORECASE)
_ASSERTING_CALLS = frozenset({"pytest.raises", "pytest.warns", "pytest.fail", "pytest.deprecated_call", "self.fail"})


def is_test_class(base: str) -> bool:
    """Whether what inherits from a class of this resolved name holds tests."""
    return _TEST_CLASS.search(base) is not None


def is_assertion(name: str) -> bool:
    """Whether a call of this resolved name asserts something."""
    return _ASSERTING.match(name.rpartition(".")[2]) is not None or name in _ASSERTING_CALLS
