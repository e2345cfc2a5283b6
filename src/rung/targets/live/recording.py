"""Answers written to a file while a target is asked, and a target that answers from such a file: for support, fixtures and demonstrations.

A recording is JSON lines: what was asked, then an answer a line. Numbers of accounts are replaced, secrets masked.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import IO, Any

from rung import __version__
from rung.excerpt import mask_secrets
from rung.expressions import regex
from rung.files import unreadable, unwritable
from rung.records import Coverage, TargetError, TargetInfo
from rung.targets.live.driver import DENIED, CallError, Driver, Through
from rung.targets.live.fields import names_in, replaced, text_of

SCHEMA = "rung/recording/1"
SUFFIX = ".recording.jsonl"
_ACCOUNT = regex(r"(?<![0-9A-Za-z])(?<!\d\.)\d{12}(?![0-9A-Za-z]|\.\d)")
"""Twelve digits, also before the dot of a host's name; not those of a number with a fraction."""
_MAIL = regex(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")
_SENSITIVE = regex(r"(?i)passw|secret(?!_scanning|list$)|token$|^token|credential|private.?key|access.?key|userdata|connectionstring")
_VARIABLES = regex(r"(?i)^(?:environment|(?:environment)?variables)$")
"""Holds variables, and among them secrets, where it is a list or all of it is texts: an environment can be a description, too."""
_NAMES = ("key", "name")
"""What names the `value` beside it, as in tags and parameters."""
_MASK = "***"


class Recorder(Through):
    """A driver that writes what another one answers to a file of a folder; see `Driver`.

    Raises:
        RungError: the file can't be written.
    """

    def __init__(self, driver: Driver, folder: str) -> None:
        super().__init__(driver)
        self._lock = Lock()
        self._scrub = Scrubber()
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self._scrub.text(driver.info.id))
        self.path = os.path.join(folder, name + SUFFIX)
        self._file: IO[str] | None = None

    def regions(self) -> tuple[str, ...]:
        """The regions, with which the recording begins."""
        regions = self._driver.regions()
        try:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            self._file = open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise unwritable(self.path, error) from error
        info = self._driver.info
        self._write(
            {
                "schema": SCHEMA,
                "rung": __version__,
                "provider": self.provider,
                "kind": info.kind,
                "name": info.name,
                "uri": info.uri,
                "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "regions": list(regions),
            },
            # They look like an environment's, and are what calls are made with.
            variables={name: self._scrub.text(value) for name, value in self.variables.items()},
        )
        return regions

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The pages of the driver's answer, each written as it comes; a refusal too."""
        asked = {"call": spoken(call, parameters), "region": region, "with": _unnamed(call, parameters)}
        try:
            for page in self._driver.pages(call, parameters, region):
                self._write({**asked, "answer": page})
                yield page
        except CallError as error:
            self._write({**asked, "error": {"code": error.code, "message": error.said, "reason": error.reason, "needs": error.needs}})
            raise

    def close(self) -> None:
        """Ends the recording."""
        super().close()
        if self._file:
            self._file.close()

    def _write(self, entry: Mapping[str, Any], **scrubbed: Any) -> None:
        line = json.dumps({**self._scrub.value(entry), **scrubbed}, ensure_ascii=False, default=text_of)
        with self._lock:
            if self._file and not self._file.closed:
                self._file.write(line + "\n")


class Recording:
    """A recorded account, server or repository, asked as if it were there; see `Driver`.

    Raises:
        TargetError: the file can't be read, or is no recording.
    """

    def __init__(self, path: str) -> None:
        self._answers: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line for line in file if line.strip()]
            head = json.loads(lines[0]) if lines else {}
            if not isinstance(head, dict) or head.get("schema") != SCHEMA:
                raise TargetError(f"{path}: is no recording: its first line has no `schema` {SCHEMA}")
            for number, line in enumerate(lines[1:], 2):
                entry = json.loads(line)
                if not isinstance(entry, dict) or "call" not in entry or not {"answer", "error"} & set(entry):
                    raise TargetError(f"{path}:{number}: is no answer: it has `call`, and `answer` or `error`")
                self._answers[entry["call"], entry.get("region", "")].append(entry)
            self._read(head, path)
        except (OSError, UnicodeDecodeError) as error:
            raise TargetError(str(unreadable(path, error))) from error
        except ValueError as error:
            raise TargetError(f"{path}: a line of it is no JSON: {error}") from error
        except KeyError as error:
            raise TargetError(f"{path}: its first line has no {error}") from error

    def _read(self, head: Mapping[str, Any], path: str) -> None:
        self.provider = str(head["provider"])
        self.variables = {str(name): str(value) for name, value in head.get("variables", {}).items()}
        self.recorded_at = datetime.fromisoformat(str(head["recorded_at"]))
        if self.recorded_at.tzinfo is None:
            raise TargetError(f"{path}: `recorded_at` has no time zone")
        self._regions = tuple(map(str, head.get("regions", [""])))
        self._empty = head.get("otherwise") == "empty"
        name = str(head["name"])
        uri = str(head.get("uri", "")) or f"{self.provider}://{name}"
        self.info = TargetInfo(id=f"{self.provider}:{name}", kind=str(head.get("kind", "account")), uri=uri, name=name)

    def regions(self) -> tuple[str, ...]:
        """The regions that were recorded."""
        return self._regions

    def coverage(self) -> tuple[Coverage, ...]:
        """What is missing shows at each call."""
        return ()

    def close(self) -> None:
        """Nothing is held."""

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The recorded pages of an answer, or the recorded refusal."""
        asked = _unnamed(call, parameters)
        spoken_call = spoken(call, parameters)
        entries = [
            entry
            for name in dict.fromkeys((spoken_call, call))
            for entry in (*self._answers.get((name, region), ()), *(self._answers.get((name, ""), ()) if region else ()))
            if "with" not in entry or _same(entry["with"], asked)
        ]
        if not entries and not self._empty:
            raise CallError("not recorded", code="NotRecorded", needs="a recording that holds it")
        for entry in entries:
            if "error" in entry:
                raise _refusal(entry["error"])
            yield entry["answer"]
        if not entries:
            yield None  # Not an empty mapping: where the answer is the item, that would be one.


class Scrubber:
    """Takes from values what a recording must not hold: numbers of accounts become others, the same ones always the same; secrets go."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._lock = Lock()

    def value(self, value: Any, key: str = "") -> Any:
        """A value of JSON without them."""
        if isinstance(value, Mapping):
            if _SENSITIVE.search(key) or (_VARIABLES.match(key) and all(isinstance(child, str) for child in value.values())):
                return dict.fromkeys(map(str, value), _MASK)
            named = next((str(child) for name, child in value.items() if str(name).lower() in _NAMES), "")
            return {
                self.text(str(name)): self.value(child, named if named and str(name).lower() == "value" else str(name))
                for name, child in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [_MASK if isinstance(child, str) and _VARIABLES.match(key) else self.value(child, key) for child in value]
        if isinstance(value, (bytes, bytearray)):
            return _MASK
        if isinstance(value, str):
            return _MASK if _SENSITIVE.search(key) and key.lower() not in ("nexttoken", "next_page_token") else self.text(value)
        return value

    def text(self, text: str) -> str:
        """A text without them."""
        return _MAIL.sub("someone@example.com", _ACCOUNT.sub(self._other, mask_secrets(text)))

    def _other(self, match: re.Match[str]) -> str:
        with self._lock:
            return self._numbers.setdefault(match[0], str(111111111111 * (len(self._numbers) % 9 + 1) + len(self._numbers) // 9))


def spoken(call: str, parameters: Mapping[str, Any]) -> str:
    """A call with its path filled in."""
    return replaced(call, lambda name: parameters.get(name, f"{{{name}}}"))


def _unnamed(call: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that are not in the call's path."""
    named = names_in(call)
    return {name: value for name, value in parameters.items() if name not in named}


def _same(recorded: Any, asked: Any) -> bool:
    """Whether parameters are the same, numbers and times being texts in a recording or not; the recorded ones may be scrubbed."""
    return bool(json.loads(json.dumps(recorded, default=text_of)) == json.loads(json.dumps(asked, default=text_of)))


def _refusal(error: Mapping[str, Any]) -> CallError:
    code = str(error.get("code", ""))
    reason = str(error.get("reason", "")) or _REASONS.get(code, f"failed ({code})")
    needs, said = str(error.get("needs", "")), str(error.get("message", ""))
    return CallError(reason, code=code, needs=needs, said=said)


_REASONS = dict.fromkeys(("AccessDenied", "AccessDeniedException", "403"), DENIED)
