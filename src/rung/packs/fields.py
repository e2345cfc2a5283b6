"""What stands under the keys of a pack, taken strictly: each refusal names the place and the key, and says what is expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from rung.records import PackError, Strength

_TEXT = "tag:yaml.org,2002:str"
_SCALARS: dict[str, Callable[[str], object]] = {
    "tag:yaml.org,2002:int": lambda text: int(text, 0),
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("true", "yes", "on"),
    "tag:yaml.org,2002:null": lambda _: None,
}


def parse(file: str, data: bytes) -> Mapping[str, Any]:
    """The mapping that a pack's YAML holds.

    Raises:
        PackError: no YAML, no mapping, or a duplicate key.
    """
    import yaml

    try:
        node = yaml.compose(data, Loader=yaml.CSafeLoader)
        value = _value(node) if node is not None else None
    except yaml.YAMLError as error:
        raise PackError(f"{file}: no valid YAML: {error}") from error
    except PackError as error:
        raise PackError(f"{file}: {error}") from error
    if not isinstance(value, dict):
        raise PackError(f"{file}: a pack is a mapping; found {type(value).__name__}")
    return value


def _value(node: Any) -> Any:
    """A composed node as plain values; PyYAML's own construction takes three times as long and keeps the last of a key given twice."""
    if node.id == "mapping":
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.tag != _TEXT:
                raise PackError(f"line {key_node.start_mark.line + 1}: key `{key}` is no text for YAML; quote it")
            if key in mapping:
                raise PackError(f"line {key_node.start_mark.line + 1}: key `{key}` is given twice in one mapping")
            mapping[key] = _value(value_node)
        return mapping
    if node.id == "sequence":
        return [_value(item) for item in node.value]
    if node.tag == _TEXT:
        return node.value
    if node.tag not in _SCALARS:
        raise PackError(f"line {node.start_mark.line + 1}: `{node.value}` is no text, number or truth value; quote it")
    try:
        return _SCALARS[node.tag](node.value)
    except ValueError:
        raise PackError(f"line {node.start_mark.line + 1}: `{node.value}` is no plain number; write it in decimals, or quote it") from None


class Fields:
    """A mapping of a pack with no keys but those it may have, and what stands under them.

    A key that is left out stands for no text, nothing, zero or no. Every method raises `PackError` where something else stands there.
    """

    def __init__(self, where: str, raw: object, *, required: Sequence[str] = (), optional: Iterable[str] | None = ()) -> None:
        """Takes a mapping as it was parsed.

        Args:
            where: the place in the pack, which messages begin with.
            raw: the mapping.
            required: keys that it must have.
            optional: keys that it may have besides; None for any.

        Raises:
            PackError: it is no mapping, a key is missing, or one is unknown.
        """
        if not isinstance(raw, dict):
            raise PackError(f"{where}: expected a mapping with {', '.join(required)}")
        if missing := [key for key in required if key not in raw]:
            raise PackError(f"{where}: key `{missing[0]}` is missing")
        allowed = set(raw) if optional is None else {*required, *optional}
        if unknown := [key for key in raw if key not in allowed]:
            raise PackError(f"{where}: unknown key `{unknown[0]}`; allowed are {', '.join(sorted(allowed))}")
        self.where = where
        self.raw: Mapping[str, Any] = raw

    def __contains__(self, key: str) -> bool:
        return key in self.raw

    def text(self, key: str) -> str:
        """The text under a key."""
        value = self.raw.get(key, "")
        return value if isinstance(value, str) else self._refuse(key, "a text (quote it if YAML takes it for something else)")

    def texts(self, *keys: str) -> dict[str, str]:
        """The texts under several keys."""
        return {key: self.text(key) for key in keys}

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        """A text out of a closed set."""
        value = self.text(key)
        if value not in allowed:
            raise PackError(f"{self.where}: {key} `{value}` is none of {', '.join(allowed)}")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts; a text alone is a list of one, as in the arguments of matchers."""
        value = self.raw.get(key, ())
        names = (value,) if isinstance(value, str) else value
        if key in self and not (isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names)):
            self._refuse(key, "a text or a list of texts with at least one item")
        return tuple(names)

    def flag(self, key: str) -> bool:
        """Whether it is so."""
        value = self.raw.get(key, False)
        return value if isinstance(value, bool) else self._refuse(key, "true or false")

    def integer(self, key: str) -> int:
        """A whole number."""
        value = self.raw.get(key, 0)
        return value if isinstance(value, int) and not isinstance(value, bool) else self._refuse(key, "a whole number")

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        value = self.raw.get(key, 0.0)
        return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else self._refuse(key, "a number from 0 to 1")

    def strength(self, key: str) -> Strength:
        """A strength, by its label; the key must be there."""
        try:
            return Strength[str(self.raw[key]).upper()]
        except KeyError:
            raise PackError(
                f"{self.where}: {key} `{self.raw.get(key)}` is none of {', '.join(strength.label for strength in Strength)}"
            ) from None

    def items(self, key: str) -> list[Any]:
        """The items of a list, as they are."""
        value = self.raw.get(key, [])
        return value if isinstance(value, list) and (value or key not in self) else self._refuse(key, "a list with at least one item")

    def mapping(self, key: str) -> dict[str, Any]:
        """What stands under the keys of a mapping, as it is."""
        value = self.raw.get(key, {})
        return value if isinstance(value, dict) and (value or key not in self) else self._refuse(key, "a mapping with at least one item")

    def within(self, key: str, *, required: Sequence[str] = (), optional: Iterable[str] | None = ()) -> Fields:
        """The fields of the mapping under a key, of any names where `optional` is None."""
        return Fields(f"{self.where}: {key}", self.mapping(key), required=required, optional=optional)

    def schema(self, expected: str) -> None:
        """Refuses a pack of another schema."""
        if self.raw["schema"] != expected:
            raise PackError(f"{self.where}: schema is `{self.raw['schema']}`, expected `{expected}`")

    def _refuse(self, key: str, expected: str) -> NoReturn:
        raise PackError(f"{self.where}: `{key}` is {expected}; found {json.dumps(self.raw[key], ensure_ascii=False)[:80]}")


def called(raw: object) -> str:
    """What messages call an item of a list before anything of it is known to be right."""
    return f"`{raw.get('id', '?')}`" if isinstance(raw, dict) else "`?`"
