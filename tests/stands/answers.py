"""Answers written by hand or made by the thousand, checked against botocore's own shapes when they are put in, and given page by page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.model import OperationNotFoundError
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from tests.stands import wire

_KINDS = {"answer", "error", "many"}
_AGO = re.compile(r"(\d+) (day|hour|minute|second)s? ago")
_NAME = re.compile(r"\{([A-Za-z]\w*)\}")
_PAGE = 100


class UnfitError(ValueError):
    """An answer that the service could not give."""


class Entry:
    """What is answered to an operation that is asked with certain parameters."""

    def __init__(self, name: str, raw: Mapping[str, Any]) -> None:
        self.service, _, self.operation = name.partition(":")
        self.wanted: dict[str, Any] = dict(raw.get("with", {}))
        self.page = int(raw.get("page", 0))
        self.error: dict[str, Any] | None = raw.get("error")
        self.count = 0
        self.body: dict[str, Any] = {}
        self.item: dict[str, Any] = {}
        self.kept: dict[tuple[Any, ...], wire.Response] = {}
        try:
            described = wire.operation(self.service, self.operation)
        except (BotoCoreError, OperationNotFoundError) as error:
            raise UnfitError(f"{name}: botocore knows no such operation: {error}") from error
        self.pages = {key: value for key, value in wire.pages(self.service, self.operation).items() if key != "non_aggregate_keys"}
        result = self.pages.get("result_key")
        self.key = str(result[0] if isinstance(result, list) else result) if result else ""
        if "many" in raw:
            if not self.key or "." in self.key:
                raise UnfitError(f"{name}: only what botocore goes through page by page can be made by the thousand")
            self.count, self.item = int(raw["many"]["count"]), dict(raw["many"]["item"])
            self.body = dict(raw["many"].get("beside", {}))
        self.body = self.body or dict(raw.get("answer") or {})
        if self.error is None:
            sample = self.body | ({self.key: [_named(self.item, {"n": 0})]} if self.count else {})
            fitted = fit(sample, described.output_shape)
            report = ParamValidator().validate(fitted, described.output_shape) if described.output_shape else None
            if report is not None and report.has_errors():
                raise UnfitError(f"{name}: {report.generate_report()}")
        self.varies = bool(_NAME.search(str(self.body)))

    def fits(self, given: Mapping[str, Any]) -> bool:
        """Whether these parameters are those that the entry answers to."""
        return all(given.get(key) == value or _alike(given.get(key), value) for key, value in self.wanted.items())

    @property
    def asks(self) -> bool:
        """Whether its answer hangs on the parameters."""
        return bool(self.wanted or self.varies or self.pages)

    def give(self, given: Mapping[str, Any], shift: int = 0) -> wire.Response:
        """The answer, or the page of it that is asked for; `shift` is by how much its list changed since the page before."""
        if self.error is not None:
            fault = wire.AnsweredError(str(self.error["code"]), str(self.error.get("message", "")), int(self.error.get("status", 0)))
            return wire.error(self.service, fault)
        token, limit = self._token(given), given.get(self.pages.get("limit_key", ""))
        kept = (token, limit, shift)
        if not self.varies and kept in self.kept:
            return self.kept[kept]
        body = _named(self.body, given) if self.varies else dict(self.body)
        if self._paged:
            self._cut(body, token, int(limit or 0), shift)
        response = wire.result(self.service, self.operation, fit(body, wire.operation(self.service, self.operation).output_shape))
        if not self.varies:
            self.kept[kept] = response
        return response

    @property
    def _paged(self) -> bool:
        return bool(self.key) and "." not in self.key and isinstance(self.pages.get("input_token"), str)

    def _token(self, given: Mapping[str, Any]) -> str:
        name = self.pages.get("input_token")
        return str(given.get(name, "")) if isinstance(name, str) else ""

    def _cut(self, body: dict[str, Any], token: str, limit: int, shift: int) -> None:
        start = int(token.rpartition("-")[2] or 0) if token else 0
        size = min(limit or self.page or _PAGE, max(self.page, _PAGE))
        first = max(0, start + shift) if token else 0
        if self.count:
            body[self.key] = [_named(self.item, {"n": number}) for number in range(first, min(first + size, self.count))]
            total = self.count
        elif self.key in body:
            total = len(body[self.key])
            body[self.key] = body[self.key][first : first + size]
        else:
            return
        more = first + size < total
        if more:
            name = str(self.pages["output_token"]).split(" ")[0]
            body[name] = f"page-{self.operation}-{first + size}"
        if "more_results" in self.pages:
            body[self.pages["more_results"]] = more


class Answers:
    """Entries by account, region and operation; `*` and `global` stand for every one."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str, str], list[Entry]] = {}

    def put(self, account: str, region: str, name: str, raw: Any) -> None:
        """Adds what is answered; in front of what was."""
        listed = raw if isinstance(raw, list) else [raw]
        made = [Entry(name, item if isinstance(item, dict) and _KINDS & set(item) else {"answer": item}) for item in listed]
        place = (account, "*" if region == "global" else region, name)
        self.entries[place] = made + self.entries.get(place, [])

    def find(self, account: str, region: str, name: str) -> list[Entry]:
        """The entries for an operation, those of the very account and region first."""
        places = ((account, region, name), (account, "*", name), ("*", region, name), ("*", "*", name))
        return [entry for place in places for entry in self.entries.get(place, ())]


def fit(value: Any, shape: Any) -> Any:
    """A value as the shape wants it: texts that tell a time become times."""
    if shape is None or value is None:
        return value
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {key: fit(item, shape.members[key]) if key in shape.members else item for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, (list, tuple)):
        return [fit(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: fit(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return time(value)
    if shape.type_name == "string" and isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


def time(value: Any) -> Any:
    """`3 days ago`, a date, or a text of ISO 8601 as a moment."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    ago = _AGO.fullmatch(str(value))
    if ago:
        return datetime.now(UTC) - timedelta(**{f"{ago[2]}s": int(ago[1])})
    return parse_timestamp(value)


def empty(service: str, name: str) -> wire.Response:
    """What an operation answers where there is nothing."""
    shape = wire.operation(service, name).output_shape
    members = shape.members.items() if shape else ()
    return wire.result(service, name, {key: [] for key, member in members if member.type_name == "list"})


def _named(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        if "n" in names and "{n" in value:
            value = re.sub(r"\{n(:\d+)?\}", lambda found: format(names["n"], (found[1] or ":")[1:]), value)
        whole = _NAME.fullmatch(value)
        if whole and whole[1] in names:
            return names[whole[1]]
        return _NAME.sub(lambda found: str(names.get(found[1], found[0])), value)
    if isinstance(value, Mapping):
        return {key: _named(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(item, names) for item in value]
    return value


def _alike(given: Any, wanted: Any) -> bool:
    return isinstance(given, str) and isinstance(wanted, str) and fnmatchcase(given, wanted)
