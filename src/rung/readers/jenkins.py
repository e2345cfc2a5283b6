"""Jenkinsfiles, declarative and scripted: the blocks of the Groovy text, read without running any of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers.documents import text_of
from rung.readers.reading import PIPELINE, Claims, Reading
from rung.readers.shell import split
from rung.readers.workflows import Source, at_directory, both
from rung.records import Command, Fact, Job, Problem, Step, Trigger, Workflow

MAX_BYTES = 512 * 1024
MAX_DEPTH = 60
"""Blocks within blocks."""

_TOKEN = regex(
    r"""(?P<blank>[^\S\n]+|//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<end>\n|;)
    |(?P<text>'''(?:[^\\']|\\(?:.|\Z)|'(?!''))*+(?:'''|\Z)|\"\"\"(?:[^\\"]|\\(?:.|\Z)|"(?!""))*+(?:\"\"\"|\Z)
        |'(?:[^\\'\n]|\\(?:.|\Z))*+(?:'|(?=\n)|\Z)|"(?:[^\\"\n]|\\(?:.|\Z))*+(?:"|(?=\n)|\Z))
    |(?P<pattern>==?~\s*/(?:[^/\\\n]|\\.)*+(?:/|(?=\n)|\\|\Z))
    |(?P<word>@?[\w.$]+)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_SHELLS = ("sh", "bat", "powershell", "pwsh")
_SKIPPED_BLOCKS = frozenset({"environment", "options", "tools", "parameters", "axes", "excludes", "libraries", "environmentVariables"})
_SKIPPED_STEPS = frozenset(
    {"echo", "println", "print", "error", "return", "import", "package", "label", "if", "else", "properties", "library", "throw", "sleep"}
)
_LENIENT_BLOCKS = ("catchError", "warnError")
_PUSH_TRIGGERS = ("pollSCM", "githubPush", "gitlab", "bitbucketPush", "gogs", "scm")
_BRANCHED = regex(r"\b(?:branch|changeset)\b|\bBRANCH_NAME\b|\bGIT_BRANCH\b")


class _Token(Struct, frozen=True):
    kind: str
    """word, text (a string's content), mark, end."""
    text: str
    line: int


class _Node(Struct):
    """A statement: its tokens, and what stands in its braces when it has any."""

    head: list[_Token]
    line: int
    children: list[_Node] = field(default_factory=list)
    block: bool = False

    @property
    def name(self) -> str:
        return next((token.text for token in self.head if token.kind == "word"), "")


class _Stage(Struct):
    """What has been read of the stage that the scanner is in."""

    steps: list[Step] = field(default_factory=list)
    post: list[Step] = field(default_factory=list)
    image: str = ""
    condition: str = ""
    disabled: bool = False
    manual: bool = False
    matrix: bool = False


class _Place(Struct, frozen=True):
    """What the blocks around a step say about it."""

    condition: str = ""
    directory: str = ""
    lenient: bool = False


def _is_jenkinsfile(path: str) -> bool:
    lower = path.lower()
    if "jenkins" not in lower and not lower.endswith(".groovy"):
        return False
    name = posixpath.basename(path)
    return (
        name.startswith("Jenkinsfile")
        or lower.endswith(".jenkinsfile")
        or name.lower() in ("jenkins", "jenkinsfile")
        or (lower.endswith(".groovy") and re.search(r"jenkins|pipeline", lower) is not None)
    )


def read(path: str, data: bytes) -> Iterable[Fact]:
    """A Jenkinsfile as a `Workflow` with a job for each stage; Groovy that is no pipeline gives nothing.

    A file called Jenkinsfile is what a multibranch project builds on every push, so it counts as pushed unless
    it names its triggers; the job of a file of another name is made by hand on the server.
    """
    source = Source(path, data)
    if len(data) > MAX_BYTES:
        return [Problem(line=0, what="larger than 512 KiB, not read as a pipeline")]
    reader = _Reader(source)
    nodes, deep = _parse(text_of(data))
    if deep:
        source.facts.append(Problem(line=deep, what=f"blocks nested deeper than {MAX_DEPTH} levels are left out"))
    reader.read(nodes)
    if reader.jobs:
        line = nodes[0].line if nodes else 1
        triggers = reader.all_triggers(posixpath.basename(path).startswith("Jenkinsfile"))
        source.facts.append(Workflow(line=line, system="jenkins", triggers=triggers, jobs=tuple(reader.jobs)))
    return source.facts


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind, written = str(match.lastgroup), match[0]
        if kind == "text":
            quote = written[:3] if written[:3] in ("'''", '"""') else written[0]
            content = written[len(quote) :].removesuffix(quote)
            yield _Token(kind, re.sub(r"\\(.)", _unescaped, content, flags=re.DOTALL), line)
        elif kind != "blank":
            yield _Token("mark" if kind == "pattern" else kind, written, line)
        line += written.count("\n")


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "\n": "\\\n"}.get(match[1], match[1])


def _parse(text: str) -> tuple[list[_Node], int]:
    """The top statements of the file, and the line from which on it was nested too deep (0: nowhere)."""
    root = _Node([], 1, block=True)
    stack: list[tuple[_Node, int]] = [(root, 0)]
    head: list[_Token] = []
    parentheses = depth = deep = 0

    def finish() -> None:
        if any(token.kind != "mark" for token in head):
            stack[-1][0].children.append(_Node(list(head), head[0].line))
        head.clear()

    for token in _tokens(text):
        if token.text == "{" and token.kind == "mark":
            depth += 1
            if depth > MAX_DEPTH:
                deep = deep or token.line
                continue
            node = _Node(list(head), head[0].line if head else token.line, block=True)
            head.clear()
            stack[-1][0].children.append(node)
            stack.append((node, parentheses))
            parentheses = 0
        elif token.text == "}" and token.kind == "mark":
            depth = max(depth - 1, 0)
            if depth >= MAX_DEPTH or len(stack) == 1:
                continue
            finish()
            parentheses = stack.pop()[1]
        elif token.kind == "end" and (not parentheses or token.text == ";"):
            if not (head and head[-1].text == "," and token.text == "\n"):
                finish()
        elif token.kind != "end":
            parentheses = max(parentheses + {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text if token.kind == "mark" else "", 0), 0)
            head.append(token)
    finish()
    return root.children, deep


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.jobs: list[Job] = []
        self.triggers: list[Trigger] = []
        self.first_condition = 0
        """The line of the first condition on a branch: only a multibranch project knows branches."""

    def read(self, nodes: list[_Node]) -> None:
        root = _Stage()
        if not any(node.name in ("pipeline", "node", "stage", "podTemplate", "timestamps") and node.block for node in nodes):
            self._libraries(nodes)
            return
        after = self._walk(nodes, (), root, _Place())
        for name, steps in (("pipeline", root.steps), ("post", root.post)):
            if steps:
                self.jobs.append(
                    Job(line=steps[0].line, id=name, needs=after if name == "post" else (), steps=tuple(steps), image=root.image)
                )

    def all_triggers(self, multibranch: bool) -> tuple[Trigger, ...]:
        """The triggers that are written down, with the push that a branch condition implies."""
        found = {(trigger.kind, trigger.cron): trigger for trigger in self.triggers}
        if not any(kind == "push" for kind, _ in found) and (self.first_condition or (multibranch and not found)):
            found["push", ""] = Trigger(line=self.first_condition or 1, kind="push")
        return tuple(found.values()) or (Trigger(line=1, kind="manual"),)

    def _libraries(self, nodes: list[_Node]) -> None:
        """A file that only calls a shared library: the pipeline itself stands elsewhere."""
        for node in nodes:
            if node.name in ("@Library", "library"):
                for token in node.head:
                    if token.kind == "text":
                        uses = f"library:{token.text}"
                        self.jobs.append(Job(line=node.line, id=uses, uses=uses))

    def _walk(self, nodes: list[_Node], before: tuple[str, ...], stage: _Stage, place: _Place) -> tuple[str, ...]:
        """Reads statements in order; gives the jobs that whatever follows has to wait for."""
        start, group = before, list[str]()
        for node in nodes:
            name = node.name
            branch = node.block and (name == "parallel" or (node.head[:1] and node.head[0].text == ",")) and _label(node)
            if branch:
                if name == "parallel" or not group:
                    start, group = tuple(group) or before, []
                group.extend(self._stage(node, branch, start, stage, place))
                continue
            if group:
                before, group = tuple(group), []
            if not node.block:
                self._statement(node, stage, place)
            elif name == "stage":
                before = self._stage(node, _first_text(node) or "stage", before, stage, place)
            elif name == "parallel":
                ends = [end for child in node.children for end in self._walk([child], before, stage, place)]
                before = tuple(ends) or before
            else:
                before = self._block(node, before, stage, place)
        return tuple(group) or before

    def _stage(self, node: _Node, label: str, before: tuple[str, ...], outer: _Stage, place: _Place) -> tuple[str, ...]:
        known = len(self.jobs)
        stage = _Stage(image=outer.image, matrix=outer.matrix)
        after = self._walk(node.children, before, stage, place)
        nested = len(self.jobs) > known
        steps = stage.steps + stage.post
        if nested and stage.condition:
            self.jobs[known:] = [
                replace(job, condition=both(stage.condition, job.condition), disabled=job.disabled or stage.disabled)
                for job in self.jobs[known:]
            ]
        if nested and not steps and not stage.manual:
            return after
        self.jobs.append(
            Job(
                line=node.line,
                id=label,
                needs=after if nested else before,
                steps=tuple(steps),
                environment="approval" if stage.manual else "",
                image=stage.image,
                condition=stage.condition,
                disabled=stage.disabled,
                manual=stage.manual,
                matrix=stage.matrix,
            )
        )
        return (label,)

    def _block(self, node: _Node, before: tuple[str, ...], stage: _Stage, place: _Place) -> tuple[str, ...]:
        name = node.name
        if name in _SKIPPED_BLOCKS:
            return before
        if name == "triggers":
            for child in node.children:
                self._triggers(child.head)
        elif name == "when":
            self._when(node, stage)
        elif name == "input":
            stage.manual = True
        elif name == "agent":
            self._agent(node, stage)
        elif name == "post":
            for child in node.children:
                inner = _Stage()
                self._walk(child.children, before, inner, replace(place, condition=both(place.condition, f"post {child.name}")))
                stage.post.extend(inner.steps)
        else:
            if name == "docker.image" and (image := _first_text(node)):
                stage.image = self.source.image(image, node.line)
            stage.matrix = stage.matrix or name == "matrix"
            return self._walk(node.children, before, stage, self._inside(node, place))
        return before

    def _inside(self, node: _Node, place: _Place) -> _Place:
        name = node.name
        if name == "dir":
            return replace(place, directory=posixpath.join(place.directory, _first_text(node)))
        if name in _LENIENT_BLOCKS:
            return replace(place, lenient=True)
        if name in ("if", "else"):
            text = _written(node.head)
            if _BRANCHED.search(text):
                self.first_condition = self.first_condition or node.line
            return replace(place, condition=both(place.condition, text))
        return place

    def _when(self, node: _Node, stage: _Stage) -> None:
        tokens = list(_all_tokens(node.children))
        stage.condition = _written(tokens)
        words = {token.text for token in tokens if token.kind == "word"}
        if re.fullmatch(r"expression (?:return )?false", stage.condition):
            stage.disabled = True
        for word, kind in (("changeRequest", "pull_request"), ("buildingTag", "tag")):
            if word in words:
                self.triggers.append(Trigger(line=node.line, kind=kind))
        if _BRANCHED.search(stage.condition):
            self.first_condition = self.first_condition or node.line

    def _agent(self, node: _Node, stage: _Stage) -> None:
        for child in node.children:
            statements = child.children if child.block else [child]
            for statement in statements:
                if statement.name in ("image", "docker") and (image := _first_text(statement)):
                    stage.image = self.source.image(image, statement.line)

    def _triggers(self, head: list[_Token]) -> None:
        """The trigger calls among some tokens (`cron('H 2 * * *')`, `pollSCM('')`, `upstream(…)`)."""
        for index, token in enumerate(head):
            after = head[index + 1] if index + 1 < len(head) else token
            if token.kind != "word" or not (after.text in ("(", "upstreamProjects") or after.kind == "text"):
                continue
            if token.text in ("cron", "parameterizedCron"):
                crons = [t.text.strip() for t in head[index:] if t.kind == "text" and re.match(r"\s*(?:[@*H\d]|TZ=|%)", t.text)]
                self.triggers.append(Trigger(line=token.line, kind="schedule", cron=crons[0] if crons else ""))
            elif token.text in _PUSH_TRIGGERS:
                self.triggers.append(Trigger(line=token.line, kind="push"))
            elif token.text == "upstream":
                self.triggers.append(Trigger(line=token.line, kind="upstream"))
            elif token.text in ("GenericTrigger", "genericTrigger", "issueCommentTrigger", "githubPullRequest", "dockerHubTrigger"):
                self.triggers.append(Trigger(line=token.line, kind="event"))

    def _statement(self, node: _Node, stage: _Stage, place: _Place) -> None:
        head = node.head
        if any(token.text in ("pipelineTriggers", "triggers") for token in head):
            self._triggers(head)
            return
        if any(token.text == "@Library" for token in head):
            return
        if node.name in ("agent", "docker"):
            return
        if (commands := self._shell(head)) is not None:
            stage.steps.append(_step(place, node, "", commands, ()))
            return
        at = next((index + 1 for index, token in enumerate(head) if token.text == "=" and token.kind == "mark"), 0)
        call = head[at:]
        if not call or call[0].kind != "word" or call[0].text in _SKIPPED_STEPS or call[0].text == "def" or len(call) < 2:
            return
        name = call[0].text
        if name == "input":
            stage.manual = True
        elif _is_call(call) and (not at or name.startswith("docker.")):
            stage.steps.append(_step(place, node, name, (), _arguments(call[1:])))

    def _shell(self, head: list[_Token]) -> tuple[Command, ...] | None:
        """The commands of a `sh` call among some tokens; None when there is no such call."""
        for index, token in enumerate(head):
            if token.kind == "word" and token.text in _SHELLS:
                rest = head[index + 1 :]
                while rest and (rest[0].text in ("(", ":", "script", "[") and rest[0].kind != "text"):
                    rest = rest[1:]
                text = rest[0] if rest and rest[0].kind == "text" else _script_argument(rest)
                return split(text.text, text.line) if text else ()
        return None


def _step(place: _Place, node: _Node, uses: str, commands: tuple[Command, ...], arguments: tuple[tuple[str, str], ...]) -> Step:
    return Step(
        line=node.line,
        uses=uses,
        commands=commands,
        arguments=arguments + at_directory(place.directory),
        condition=place.condition,
        continue_on_error=place.lenient,
    )


def _script_argument(tokens: list[_Token]) -> _Token | None:
    for key, colon, value in zip(tokens, tokens[1:], tokens[2:]):
        if key.text == "script" and colon.text == ":" and value.kind == "text":
            return value
    return None


def _is_call(tokens: list[_Token]) -> bool:
    """Whether some tokens are a step with arguments (`junit 'x'`, `build job: 'x'`, `archive(…)`)."""
    return tokens[1].kind == "text" or tokens[1].text == "(" or (len(tokens) > 2 and tokens[2].text == ":") or tokens[0].text == "checkout"


def _label(node: _Node) -> str:
    """The name of a branch of a scripted `parallel` (`parallel a: {`, `, 'b': {`)."""
    if node.head and node.head[-1].text == ":" and len(node.head) > 1:
        return node.head[-2].text
    return ""


def _first_text(node: _Node) -> str:
    return next((token.text for token in node.head if token.kind == "text"), "")


def _all_tokens(nodes: list[_Node]) -> Iterator[_Token]:
    for node in nodes:
        yield from node.head
        yield from _all_tokens(node.children)


def _written(tokens: Iterable[_Token]) -> str:
    return " ".join(f"'{token.text}'" if token.kind == "text" else token.text for token in tokens)[:500]


def _arguments(tokens: list[_Token]) -> tuple[tuple[str, str], ...]:
    """`key: value` pairs and plain strings (under `value`) of a step's call."""
    found: list[tuple[str, str]] = []
    for index, token in enumerate(tokens[:200]):
        key = tokens[index - 2].text if index >= 2 and tokens[index - 1].text == ":" and tokens[index - 1].kind == "mark" else ""
        if key and token.kind in ("text", "word"):
            found.append((key, token.text[:2000]))
        elif token.kind == "text" and not (index + 1 < len(tokens) and tokens[index + 1].text == ":"):
            found.append(("value", token.text[:2000]))
    return tuple(found)


READINGS = (Reading(name="jenkins", shows=PIPELINE, claims=Claims(_is_jenkinsfile), read=read),)
