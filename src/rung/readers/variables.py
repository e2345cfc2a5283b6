"""Variables of a shell text: what they are set to, written out in the commands that use them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice, product

from rung.expressions import regex
from rung.readers.wrappers import Word

MAX_VARIANTS = 8
"""Commands that one becomes by the values of its variables; with more it stays as written."""
VARIABLE = regex(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\}|\{\{\s{0,4}env\.([A-Za-z_]\w*)\s{0,4}\}\})")
UNQUOTED, IN_QUOTES = "\1", "\2"
"""Around the name of a variable in a word, whose value is put there when the command is whole."""
MARKS = regex(f"[{UNQUOTED}{IN_QUOTES}]")
CHECKOUT = "$CHECKOUT"
"""Where the repository is, in a word that names a place by where its own script lies."""

Environment = tuple[tuple[str, str], ...]
"""Variables that a text finds set, with their values."""

_MARKED = regex(rf"[{UNQUOTED}{IN_QUOTES}](\w+)[{UNQUOTED}{IN_QUOTES}]")
_SET = regex(r"([A-Za-z_]\w*)(\+?)=(.+)", re.DOTALL)
_DECLARING = frozenset({"export", "local", "declare", "typeset", "readonly"})
_NOT_LITERAL = regex(r"\$\(|\$\{\{|`|\{\{|\n|^[-+.\d]*$")
"""Values that are computed; numbers say less than the name of what they are."""
_SECRET = regex(r"secret|token|passw|key|credential", re.IGNORECASE)
"""Names of variables whose values belong in no report."""
_GLOB = regex(r"[*?\[]")
_MAX_VALUE = 300
_MAX_USES = 100
"""Uses of variables in one command that values are put in for."""
_NAMES_PLACES = regex(r"dirname|realpath|readlink|BASH_SOURCE|\$0|--show-toplevel")
_QUOTES = regex(r"[\"']|2?>\s*/dev/null|2>&1")
_BLANKS = regex(r"\s+")
_OWN = regex(r"\$(?:0|\{0\}|BASH_SOURCE\b|\{BASH_SOURCE(?:\[0\])?\})")
_USED = regex(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_HERE = rf"({re.escape(CHECKOUT)}(?:/[\w./-]*)?)"
_TOP = regex(r"\$\( ?git rev-parse --show-toplevel ?\)")
_REAL = regex(rf"\$\( ?(?:realpath|readlink) (?:-{{1,2}}[\w-]* )*{_HERE} ?\)")
_ABOVE = regex(rf"\$\( ?dirname (?:-- )?{_HERE} ?\)")
_ENTERED = regex(rf"\$\( ?(?:builtin )?cd (?:-- |-P )*{_HERE} ?(?:&&|;) ?pwd(?: -P)? ?\)")
_WHOLE = regex(_HERE)
_MAX_STEPS = 6
"""Substitutions within substitutions that say where a script lies."""


class Variables:
    """The variables of one shell.

    Args:
        environment: those that are set before.
        path: of the script, from the root of the repository; empty when the text is in no script of its own.
        most: commands that one becomes by the values of its variables.
    """

    def __init__(self, environment: Environment, path: str = "", most: int = MAX_VARIANTS) -> None:
        self._path = path
        self._most = most
        self._values: dict[str, tuple[str, ...]] = {}
        """What variables can be by now: branches and loops give several values."""
        for name, value in environment:
            self._assign(name, value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def environment(self) -> Environment:
        """The variables that are set by now."""
        return tuple((name, value) for name, values in self._values.items() for value in values)

    def note(self, words: list[Word], command: list[Word]) -> None:
        """Notes what a line sets that is nothing but assignments, or that declares variables.

        Args:
            words: of the line.
            command: what is left of them behind the assignments at their start.
        """
        if command and command[0] not in _DECLARING:
            return
        for word in words:
            if assigned := _SET.fullmatch(word):
                name, appends, given = assigned.groups()
                before = self._values.get(name, ()) if appends else ("",)
                # Behind the name, what is set stays one word whatever is put in.
                for (value,) in self.written_out([Word(f"={given}", word.line)]):
                    for start in before:
                        self._assign(name, start + value[1:])

    def note_loop(self, words: list[Word]) -> None:
        """Notes what the variable of a `for … in …` can be."""
        self._values.pop(words[1], None)
        for listed in self.written_out(words[3:]):
            for word in listed:
                self._assign(words[1], "" if _GLOB.search(word) else word)

    def written_out(self, words: list[Word]) -> list[list[Word]]:
        """A command's words with the values of its variables in their place, once for every combination of them."""
        used = [name for word in words for name in _MARKED.findall(word)]
        if not used:
            return [words]
        names = dict.fromkeys(used)
        combinations = list(islice(product(*(self._values.get(name) or (f"${name}",) for name in names)), self._most + 1))
        if len(combinations) > self._most or len(used) > _MAX_USES:
            combinations = [tuple(f"${name}" for name in names)]
        return [list(_with_values(words, dict(zip(names, chosen, strict=True)))) for chosen in combinations]

    def place(self, text: str) -> str | None:
        """The place of the repository that a substitution computes from where the script lies; None when it computes another thing."""
        if len(text) > _MAX_VALUE or not _NAMES_PLACES.search(text):
            return None
        said = _BLANKS.sub(" ", _QUOTES.sub("", text)).strip()
        if self._path:
            said = _OWN.sub(lambda _: f"{CHECKOUT}/{self._path}", said)
        said = _USED.sub(lambda found: self._only(found[1] or found[2]) or found[0], _TOP.sub(lambda _: CHECKOUT, said))
        for _ in range(_MAX_STEPS):
            before = said
            said = _ABOVE.sub(lambda found: posixpath.dirname(found[1]), _REAL.sub(lambda found: found[1], said))
            said = _ENTERED.sub(lambda found: found[1], said)
            if said == before:
                break
        found = _WHOLE.fullmatch(said)
        place = posixpath.normpath(found[1]) if found else ""
        return place if place.startswith(CHECKOUT) else None

    def _only(self, name: str) -> str | None:
        """The one place of the repository that a variable is."""
        values = self._values.get(name, ())
        return values[0] if len(values) == 1 and values[0].startswith(CHECKOUT) else None

    def _assign(self, name: str, value: str) -> None:
        """Notes that a variable is or can be set to a value from here on."""
        if _SECRET.search(name):
            return
        if len(value) > _MAX_VALUE or not value or _NOT_LITERAL.search(value):
            self._values.pop(name, None)
        elif len(known := self._values.get(name, ())) <= MAX_VARIANTS and value not in known:
            self._values[name] = (*known, value)


def _with_values(words: list[Word], values: dict[str, str]) -> Iterator[Word]:
    """Words with values for the variables in them; one that is nothing but a variable without quotes falls into the words of its value."""
    for word in words:
        written = _MARKED.sub(lambda found: values[found[1]], word)
        if word.startswith(UNQUOTED) and _MARKED.fullmatch(word):
            yield from (Word(part, word.line) for part in written.split())
        else:
            yield Word(written, word.line)
