"""Shell text as the simple commands it would run, wrappers peeled off, in one linear pass.

No shell grammar of its own: CI steps, Makefile recipes and Dockerfiles mix dialects and template
placeholders, so the scanner forgives everything and only has to find where commands begin.
"""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, zip_longest

from msgspec import Struct, field
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers import python, scanning, wrappers
from rung.readers.variables import IN_QUOTES, MARKS, UNQUOTED, VARIABLE, Environment, Variables
from rung.readers.wrappers import Word
from rung.records import Call, Command, Import

MAX_TEXT = 256 * 1024
"""Characters of a text that are read; what comes after is cut."""
MAX_DEPTH = 20
"""Nested `$(…)`, subshells and groups; deeper ones are read as plain text."""
MAX_INLINE = 5
"""Texts within texts (`bash -c "bash -c …"`)."""
MAX_CODE = 100
"""Calls and imports that are kept of a program written in a command."""

_PLAIN = regex(r"[^\s\\'\"`$;&|<>(){}]+")
_QUOTED = regex(r"[^\"\\$`{]+")
_PARAMETER = regex(r"\$\{(?:[^{}]++|\{[^{}]*+\})*+\}")
_REDIRECT = regex(r"<<<|<<-?|[<>]\(|>>?[|&]?|<[&>]?")
_FUNCTION = regex(r"\([ \t]*\)")
_ASSIGNMENT = regex(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_BLANK = " \t\r\f\v"
_BLANKS = regex(r"[ \t\r\f\v]+")
_BREAK = " \t\r\f\v\n;&|<>()"
_KEYWORDS = frozenset({"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac", "!", "}", "{", "coproc"})
_HEADERS = frozenset({"for", "select", "case"})
_NEAR = 20
"""Commands among which the one is that a here-document of the line is for."""
_COMPARISONS = frozenset({"-lt", "-le", "-gt", "-ge", "<", ">"})
_JUDGES = {"((": "", "jq": "-e", "awk": "exit", "gawk": "exit", "mawk": "exit"}
"""Programs that end with what a comparison gives, and what tells that they do."""
_ORDERED = regex(r"(?<![-=<>&\d])[<>](?![<>&(])")
_NAME = regex(r"[A-Za-z_]\w*")
_JUDGED = regex(
    r"\b(?:if|while|until|case|exit|return|trap|false|kill)\b|\$\?|PIPESTATUS|\bset [^\n;]{0,40}-[a-z]*e|^#![^\n]* -[a-z]*e|errexit"
)
"""What a shell script says that looks at failures itself."""
_ARGUMENT = regex(r"\$\{?[1-9@*]")
_NEVER_FAILS = "--exit-zero"
"""The option by which linters end well whatever they find."""
_MAX_CASES = 50
"""`case`s of which it is looked up where their variable comes from."""
_WINDOW = 2000
"""How far a placeholder's end is looked for."""


class _Found(Struct):
    words: list[Word]
    position: int
    toothless: bool = False
    given: list[Word] = field(default_factory=list)
    """Its words and the assignments before them, as a here-document that it waits for knows them."""
    fed: Word | None = None
    """The here-document on its standard input."""
    into: str = ""
    """The program at the end of the pipe that it stands in."""
    branch: _Branch | None = None
    """The innermost one around it that is chosen by what the script is called with."""


class _Branch(Struct, eq=False):
    """A branch of a `case`, and all branches of that."""

    case: list[tuple[str, ...]]
    """The patterns of each."""
    patterns: tuple[str, ...]


class _Item(Struct):
    """One command or group of a list, and the operator that ends it (`` until it is known)."""

    found: list[_Found]
    operator: str = ""
    group: bool = False


class _State(Struct):
    """What a list of commands has read of its current command."""

    items: list[_Item] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    start: int = 0
    end: int = -1
    """Where the last word ended."""
    skip: bool = False
    """The next word is no argument: a redirection's file, a function's name."""
    header: bool = False
    """The words are those of `for`, `select` or `case`."""
    loose: int = 0
    """Open parentheses that mean nothing."""
    array: bool = False


@lru_cache(maxsize=256)
def split(text: str, line: int = 1, environment: Environment = (), *, errexit: bool = True, path: str = "") -> tuple[Command, ...]:
    """The simple commands of a shell text in order, variables that it sets itself or finds set written out.

    Args:
        text: the script.
        line: the file's line on which the text starts.
        environment: the variables that are set before.
        errexit: the shell ends with the first command that fails (`sh -e`), as those of pipelines do.
        path: of the script that the text is, from the root of the repository; empty for other texts.
    """
    return tuple(_commands(text, line, 0, Variables(environment, path), errexit=errexit))


def environment_after(text: str, environment: Environment = ()) -> Environment:
    """The variables that are set when a text has run, a name once for each value that it can have."""
    if "=" not in text:
        return environment
    variables = Variables(environment)
    _Scanner(text[:MAX_TEXT].replace("\r\n", "\n"), 1, variables).run()
    return variables.environment


def words_of(words: list[str], line: int) -> tuple[Command, ...]:
    """The commands of an argument vector (`["python", "-m", "pytest"]`), its wrappers peeled."""
    vector = [Word(word, line) for word in words]
    return tuple(_expand(vector, line, False, 0))


def program(text: str, line: int) -> tuple[Command, ...]:
    """Python source, the first line of which is `line` of its file, as the command that runs it."""
    return words_of(["python", "-c", text], line)


def _commands(text: str, line: int, depth: int, variables: Variables, *, errexit: bool) -> Iterator[Command]:
    scanner = _Scanner(text[:MAX_TEXT].replace("\r\n", "\n"), line, variables)
    items = scanner.run()
    if not errexit and not _JUDGED.search(text):
        _mark_unjudged(items)
    lenient = False
    commands = sorted(scanner.found, key=lambda found: found.position)
    for found, after in zip_longest(commands, commands[1:]):
        if found.words[0] == "set" and len(found.words) > 1:
            lenient = (lenient and not _turns_on_exit(found.words[1:])) or _turns_off_exit(found.words[1:])
        next_program = after.words[0] if after else ""
        line = scanner.line_at(found.position)
        expanded = _expand(found.words, line, found.toothless or lenient, depth, fed=found.fed, next_program=next_program)
        when = found.branch.patterns if found.branch and not _takes_options(found.branch) else ()
        yield from (replace(command, into=found.into, when=when) for command in expanded) if found.into or when else expanded


def _takes_options(branch: _Branch) -> bool:
    """Whether a `case` reads options, as which what remains of the arguments is not known."""
    return any(pattern.startswith("-") for patterns in branch.case for pattern in patterns)


def _turns_off_exit(options: list[Word]) -> bool:
    return any(re.fullmatch(r"\+[a-z]*e[a-z]*", word) for word in options)


def _turns_on_exit(options: list[Word]) -> bool:
    return any(re.fullmatch(r"-[a-z]*e[a-z]*", word) for word in options) or "errexit" in options


def _expand(
    words: list[Word], line: int, toothless: bool, depth: int, *, fed: Word | None = None, next_program: str = ""
) -> Iterator[Command]:
    """A command without its wrappers, then those that it starts itself."""
    words = wrappers.peel(words)
    if not words or not words[0]:
        return
    if (text := wrappers.inline_text(words)) is not None and depth < MAX_INLINE:
        for command in _commands(
            text, text.line, depth + 1, Variables((), most=1), errexit=words[0] == "eval" or _turns_on_exit(words[1:])
        ):
            yield replace(command, toothless=True) if toothless else command
        return
    source = wrappers.python_source(words, fed)
    code = tuple(_code(source)) if source else _compared(words, line, next_program)
    outer = tuple(str(word) for word in wrappers.outer(words))
    yield Command(line=line, words=outer, toothless=toothless or _NEVER_FAILS in outer, code=code)
    if depth < MAX_INLINE and (inner := wrappers.inner(words)):
        yield from _expand(inner, line, toothless, depth + 1)


def _code(source: Word) -> Iterator[Call | Import]:
    facts = python.facts_of(textwrap.dedent(source), first_line=source.line)
    return islice((fact for fact in facts if isinstance(fact, (Call, Import))), MAX_CODE)


def _compared(words: list[Word], line: int, next_program: str) -> tuple[Call, ...]:
    """The gate that a command is which asks what is more or less: `[ $a -lt $b ]`, `((a < b))`, `echo "$a < $b" | bc`, `jq -e`, `awk`."""
    program = words[0]
    if program == "test":
        compares = any(word in _COMPARISONS for word in words)
    elif program in _JUDGES:
        wants = _JUDGES[program]
        compares = any(_ORDERED.search(word) for word in words[1:]) and (not wants or any(wants in word for word in words[1:]))
    else:
        compares = program in ("echo", "printf") and next_program == "bc" and _ORDERED.search(" ".join(words[1:])) is not None
    if not compares:
        return ()
    names = " ".join(name for word in words[1:] if not word.startswith("-") for name in _NAME.findall(word))
    return (Call(line=line, name=names.lower()[: scanning.MAX_NAME], kind="gate"),) if names else ()


class _Scanner:
    def __init__(self, text: str, line: int, variables: Variables) -> None:
        self.text = MARKS.sub(" ", text)
        self.line = line
        self.position = 0
        self.end = len(text)
        self.depth = 0
        self.found: list[_Found] = []
        self.heredocs: list[tuple[str, list[Word]]] = []
        self.branches: list[_Branch | None] = []
        """Those that are open; None for one that nothing but the script itself decides on."""
        self.cases = 0
        self.variables = variables
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._line_starts: dict[str, list[int]] | None = None

    def run(self) -> list[_Item]:
        """Reads the whole text; gives what its outermost list is made of."""
        return self._list("").items

    def line_at(self, position: int) -> int:
        return self.line + bisect_left(self._breaks, position)

    def _list(self, closer: str) -> _State:
        """Reads commands up to `closer` or the end."""
        state = _State()
        while self.position < self.end:
            char = self.text[self.position]
            if char in _BLANK and (blanks := _BLANKS.match(self.text, self.position, self.end)):
                self.position = blanks.end()
            elif char in "\\`^" and self.text.startswith("\n", self.position + 1):
                self.position += 2
            elif char == "#":
                self._to_line_end()
            elif state.array:
                self._array(state, char)
            elif char == "\n":
                self._finish(state, "\n")
                self.position += 1
                self._skip_heredocs()
            elif state.words and state.words[0] == "[[" and state.words[-1] != "]]" and char in "&|<>()":
                state.words.append(Word(char, self.line_at(self.position)))
                self.position += 1
            elif char in ";&|":
                self._operator(state)
            elif char in "<>":
                self._redirect(state)
            elif char == "(":
                self._open(state)
            elif char == ")":
                self.position += 1
                if state.loose:
                    state.loose -= 1
                elif closer == ")":
                    break
                else:
                    state.words = []
            elif self._take_word(state) == "}" == closer:
                break
        self._finish(state, "")
        _mark_toothless(state.items)
        _mark_piped(state.items)
        return state

    def _nested(self, closer: str) -> list[_Found]:
        before = len(self.found)
        self.depth += 1
        self._list(closer)
        self.depth -= 1
        return self.found[before:]

    def _subshell(self) -> list[_Found]:
        """The commands up to a closing parenthesis; where they go is left again with it."""
        found = self._nested(")")
        if moves := [one for one in found if one.words[0] in ("cd", "pushd")]:
            moves[0].words[0] = Word("pushd", moves[0].words[0].line)
            self.found.append(_Found([Word("popd", self.line_at(self.position))], self.position))
        return found

    def _finish(self, state: _State, operator: str) -> None:
        if state.words and not state.header:
            variants = [_without_assignments(words) for words in self.variables.written_out(state.words)]
            self.variables.note(state.words, variants[0])
            branch = next((one for one in reversed(self.branches) if one), None)
            found = [
                _Found(words, state.start, given=state.words, branch=branch) for words in variants if words and not _is_assigned(words)
            ]
            if found:
                self.found += found
                state.items.append(_Item(found, operator))
        elif state.words[:1] == ["for"] and state.words[2:3] == ["in"]:
            self.variables.note_loop(state.words)
        elif state.items and not state.items[-1].operator:
            state.items[-1].operator = operator
        state.words = []
        state.skip = state.header = False

    def _operator(self, state: _State) -> None:
        pair = self.text[self.position : self.position + 2]
        if pair == "&>":
            self.position += 1
            return
        if pair in ("&&", "||", ";;", ";&", "|&"):
            self.position += 2
        else:
            pair = pair[0]
            self.position += 1
        self._finish(state, {";;": ";", ";&": ";", "|&": "|"}.get(pair, pair))
        if pair == ";;":
            self._pattern()

    def _case(self, subject: str) -> None:
        """Begins a `case`: behind its `in`."""
        self.cases += 1
        self.branches.append(_Branch([], ()) if self._is_argument(MARKS.sub("", subject)) else None)
        self._pattern()

    def _is_argument(self, subject: str) -> bool:
        """Whether a word is what the script is called with, or a variable that takes it over."""
        if _ARGUMENT.match(subject):
            return True
        name = subject.strip("${}").partition(":")[0]
        if self.cases > _MAX_CASES or not _NAME.fullmatch(name):
            return False
        taken_over = rf"\b{name}=[\"']?\$\{{?[1-9@*]|\bfor[ \t]+{name}(?:[ \t]+in[ \t]+[\"']?\$[@*{{]|[ \t]*[;\n])"
        return re.search(taken_over, self.text) is not None

    def _pattern(self) -> None:
        """Reads the pattern of a `case` branch."""
        while self.position < self.end and self.text[self.position] in " \t\r\n":
            self.position += 1
        if not self.text.startswith("esac", self.position):
            end = self.text.find(")", self.position, min(self.end, self.position + _WINDOW))
            if end >= 0 and self.branches and (branch := self.branches[-1]):
                patterns = tuple(part.strip(" \t\"'(") for part in self.text[self.position : end].split("|"))
                branch.case.append(patterns)
                self.branches[-1] = _Branch(branch.case, patterns)
            self.position = end + 1 if end >= 0 else self.position

    def _redirect(self, state: _State) -> None:
        match = _REDIRECT.match(self.text, self.position, self.end)
        operator = match[0] if match else self.text[self.position]
        if state.words and state.end == self.position and state.words[-1].isdigit():
            state.words.pop()
        self.position += len(operator)
        if operator in ("<(", ">("):
            if self.depth < MAX_DEPTH:
                self._nested(")")
        elif operator in ("<<", "<<-"):
            while self.position < self.end and self.text[self.position] in _BLANK:
                self.position += 1
            if delimiter := self._word():
                self.heredocs.append((delimiter, state.words))
        else:
            state.skip = True

    def _open(self, state: _State) -> None:
        if function := _FUNCTION.match(self.text, self.position, self.end):
            self.position = function.end()
            state.words = []
            state.skip = False
        elif state.words and state.words[-1].endswith("=") and state.end == self.position:
            self.position += 1
            state.array = True
        elif state.words:
            self.position += 1
            state.loose += 1
        elif self.text.startswith("((", self.position) and (end := self.text.find("))", self.position, self.position + _WINDOW)) >= 0:
            line = self.line_at(self.position)
            state.start = self.position
            state.words = [Word("((", line), Word(self.text[self.position + 2 : end].strip(), line)]
            self.position = end + 2
        else:
            self.position += 1
            if self.depth < MAX_DEPTH:
                state.items.append(_Item(self._subshell(), group=True))

    def _array(self, state: _State, char: str) -> None:
        if char == ")":
            state.array = False
        start = self.position
        self._word()
        if self.position == start:
            self.position += 1

    def _take_word(self, state: _State) -> str:
        """Reads a word into the state; gives it when it stood bare where a command begins."""
        start = self.position
        value = self._word()
        if self.position == start:
            self.position += 1
            return ""
        bare = self.text[start : self.position] == value
        if state.skip:
            state.skip = False
            return ""
        if state.words:
            if bare and value == "in" and state.header and state.words[0] == "case":
                subject = state.words[1] if len(state.words) > 1 else ""
                self._finish(state, ";")
                self._case(str(subject))
                return ""
        elif bare and value == "{" and self.depth < MAX_DEPTH:
            state.items.append(_Item(self._nested("}"), group=True))
            return ""
        elif bare and value in _KEYWORDS:
            if value == "esac" and self.branches:
                self.branches.pop()
            return value
        elif bare and value == "function":
            state.skip = True
            return ""
        else:
            state.start = start
            state.header = bare and value in _HEADERS
        if value or not bare:
            state.words.append(Word(value, self.line_at(start)))
        state.end = self.position
        return ""

    def _word(self) -> str:
        """The word that starts here without its quotes, up to a blank or an operator."""
        parts: list[str] = []
        text = self.text
        while self.position < self.end:
            if plain := _PLAIN.match(text, self.position, self.end):
                self.position = plain.end()
                if not parts and (self.position == self.end or text[self.position] in _BREAK):
                    return plain[0]
                parts.append(plain[0])
                continue
            char = text[self.position]
            if char in _BREAK or char.isspace():
                break
            if char == "\\":
                escaped = text[self.position + 1 : self.position + 2]
                parts.append("" if escaped == "\n" else escaped)
                self.position += 2
            elif char == "'":
                end = text.find("'", self.position + 1, self.end)
                parts.append(text[self.position + 1 : end] if end >= 0 else char)
                self.position = (end if end >= 0 else self.position) + 1
            elif char == '"':
                parts.append(self._double())
            else:
                parts.append(self._special(char, UNQUOTED))
        self.position = min(self.position, self.end)
        return "".join(parts)

    def _double(self) -> str:
        text = self.text
        self.position += 1
        if text.find('"', self.position, self.end) < 0:
            return '"'
        parts: list[str] = []
        while self.position < self.end:
            if plain := _QUOTED.match(text, self.position, self.end):
                parts.append(plain[0])
                self.position = plain.end()
                continue
            char = text[self.position]
            if char == '"':
                self.position += 1
                break
            if char == "\\":
                escaped = text[self.position + 1 : self.position + 2]
                parts.append("" if escaped == "\n" else escaped if escaped in '"\\$`' else char + escaped)
                self.position += 2
            else:
                parts.append(self._special(char, IN_QUOTES))
        return "".join(parts)

    def _special(self, char: str, mark: str) -> str:
        """A substitution, parameter or placeholder as written; the commands of a substitution are found on the way.

        The name of a variable that is set comes between two of `mark`.
        """
        text, start = self.text, self.position
        if (variable := VARIABLE.match(text, start, self.end)) and (name := variable[variable.lastindex or 0]) in self.variables:
            self.position = variable.end()
            return f"{mark}{name}{mark}"
        if text.startswith("${{", start) or text.startswith("{{", start):
            return self._raw("}}")
        if text.startswith("{%", start):
            self._raw("%}")
            return ""
        if text.startswith("$((", start):
            return self._raw("))")
        if parameter := _PARAMETER.match(text, start, self.end):
            self.position = parameter.end()
            return parameter[0]
        if text.startswith("$(", start) and self.depth < MAX_DEPTH:
            self.position += 2
            self._subshell()
            return self.variables.place(text[start : self.position]) or text[start : self.position]
        if char == "`" and self.depth < MAX_DEPTH and (end := text.find("`", start + 1, self.end)) >= 0:
            outer, self.end, self.position = self.end, end, start + 1
            self._nested("")
            self.end, self.position = outer, end + 1
            return text[start : self.position]
        self.position += 2 if text.startswith("$(", start) else 1
        if text.startswith("$'", start) or text.startswith('$"', start):
            return ""
        return text[start : self.position]

    def _raw(self, closer: str) -> str:
        start = self.position
        end = self.text.find(closer, start, min(self.end, start + _WINDOW))
        self.position = end + 2 if end >= 0 else start + 1
        return self.text[start : self.position]

    def _to_line_end(self) -> None:
        end = self.text.find("\n", self.position, self.end)
        self.position = end if end >= 0 else self.end

    def _skip_heredocs(self) -> None:
        """Steps over the bodies of the here-documents of the line before; those fed to a shell are commands."""
        pending, self.heredocs = self.heredocs, []
        for delimiter, words in pending:
            starts = self._starts_of(delimiter)
            index = bisect_left(starts, self.position)
            if index == len(starts) or starts[index] > self.end:
                continue
            outer, body_end = self.end, starts[index]
            if wrappers.reads_commands(words) and self.depth < MAX_DEPTH:
                self.end = body_end
                self._nested("")
                self.end = outer
            elif found := next((one for one in islice(reversed(self.found), _NEAR) if one.given is words), None):
                body = Word(self.text[self.position : body_end], self.line_at(self.position))
                if wrappers.tells_another_machine(words):
                    found.words = [*found.words, body]  # It runs as the last word of `ssh` does.
                else:
                    found.fed = body
            self.position = body_end
            self._to_line_end()

    def _starts_of(self, line: str) -> list[int]:
        if self._line_starts is None:
            self._line_starts = {}
            start = 0
            for text in self.text.split("\n"):
                self._line_starts.setdefault(text.strip(), []).append(start)
                start += len(text) + 1
        return self._line_starts.get(line, [])


def _is_assigned(words: list[Word]) -> bool:
    """Whether the words are an assignment as PowerShell writes one."""
    return words[0].startswith("$") and words[1:2] in (["="], ["+="])


def _without_assignments(words: list[Word]) -> list[Word]:
    first = 0
    while first < len(words) and _ASSIGNMENT.match(words[first]):
        first += 1
    return words[first:]


def _mark_toothless(items: list[_Item]) -> None:
    """Marks the commands whose failure the rest of their list throws away, from the last to the first."""
    weak = False
    for index in range(len(items) - 2, -1, -1):
        item, after = items[index], items[index + 1]
        weak = weak and item.operator in ("&&", "||", "|")
        if item.operator == "||":
            weak = weak or _always_succeeds(after, items[index + 2] if index + 2 < len(items) else None)
        elif item.operator == ";":
            weak = _is_success(after)
        if weak:
            for found in item.found:
                found.toothless = True


def _mark_unjudged(items: list[_Item]) -> None:
    """Marks what comes before the last commands of a shell that goes on after a failure, and ends as the last ones do."""
    ends = [index for index, item in enumerate(items[:-1]) if item.operator in (";", "\n")]
    for item in items[: ends[-1] + 1] if ends else ():
        for found in item.found:
            found.toothless = True


def _mark_piped(items: list[_Item]) -> None:
    """Marks what is piped with the program that gets it in the end."""
    end = ""
    for item, after in zip(reversed(items[:-1]), reversed(items)):
        if item.operator != "|":
            end = ""
            continue
        end = end or (_program_in(after.found[0].words) if after.found else "")
        for found in item.found:
            found.into = found.into or end


def _program_in(words: list[Word]) -> str:
    """The program that a command starts, be it in a container or on another machine."""
    words = wrappers.peel(words)
    for _ in range(MAX_INLINE):
        if not (inner := wrappers.inner(words)):
            break
        words = wrappers.peel(inner)
    return str(words[0]).rpartition("/")[2] if words else ""


def _is_success(item: _Item) -> bool:
    if item.group or not item.found:
        return False
    words = item.found[0].words
    return words[0] in ("true", ":", "/bin/true") or words in (["exit", "0"], ["return", "0"])


def _always_succeeds(item: _Item, after: _Item | None) -> bool:
    if item.group:
        return bool(item.found) and all(found.words[0] in ("echo", "printf", "true", ":") for found in item.found)
    if _is_success(item):
        return True
    if not item.found or item.found[0].words[0] not in ("echo", "printf"):
        return False
    fails = after is not None and not after.group and bool(after.found) and after.found[0].words[0] in ("exit", "return", "false")
    return not fails or (after is not None and _is_success(after))
