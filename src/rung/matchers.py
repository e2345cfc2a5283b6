"""The closed set of ways a signal matches facts, compiled once over all packs.

Each matcher is an index from the cheap part of a fact (a program's name, the last part of a call, a
package's name) to the few patterns that can match it, so that the cost of a scan grows with the facts and not with the packs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, cached_property, lru_cache, partial
from itertools import chain
from typing import Any, Generic, TypeVar

from msgspec import Raw, msgpack

from rung import asking, canonical, globs, hits, needles, patterns, store
from rung.asking import Arguments, StepAsked, Wanted
from rung.canonical import Canonical, Tables, tables_of
from rung.charts import chart_installed_by, charts_of
from rung.globs import GlobIndex, index_globs
from rung.hits import Match, Owned, called_by
from rung.narrowing import Narrowing, holds_state, is_question, words_of
from rung.needles import Needles
from rung.patterns import Attributes, CallPattern, CommandPattern, Keys, bare_name
from rung.records import (
    NO_PROOF,
    Call,
    Command,
    Dependency,
    Evidence,
    Fact,
    Image,
    Import,
    Job,
    Literal,
    PackError,
    Packs,
    Resource,
    Role,
    Setting,
    Signal,
    SourceFile,
    Start,
    Step,
    Strength,
    Task,
    Test,
    Workflow,
)
from rung.targets.roles import template_path
from rung.texts import Hit, Texts, TextsWanted
from rung.wildcards import Condition, Owners, folded, glob, last_part

K = TypeVar("K")
T = TypeVar("T")
G = TypeVar("G")
NAME = "@name"
"""The attribute by which signals ask for what a resource is called where it is declared."""


def program_of(words: tuple[str, ...]) -> str:
    """The name of the program that a command starts, without its folder."""
    return words[0].rsplit("/", 1)[-1].lower() if words else ""


class Matchers:
    """All signals of all packs, ready to be tried on the facts of a file.

    Raises:
        PackError: the arguments of a signal's matcher are wrong; names the pack, the signal and the key.
    """

    def __init__(self, packs: Packs) -> None:
        self._owned: list[Owned] = []
        """Signals and starts by their numbers."""
        self.by_matcher: dict[str, list[Owned]] = defaultdict(list)
        """Signals and starts by their matcher."""
        self._types = packs.resources
        known = {capability.id: capability for capability in packs.capabilities}
        for detector in packs.detectors:
            identity, title = detector.id, detector.title
            for number, signal in enumerate(detector.signals, len(self._owned)):
                capability = known.get(signal.capability)
                self._owned.append(Owned(f"{identity}/{signal.id}", identity, title, signal, capability=capability, number=number))
            for number, start in enumerate(detector.starts, len(self._owned)):
                self._owned.append(Owned(f"{identity}/starts/{start.id}", identity, title, _as_signal(start), start, number=number))
        for owned in self._owned:
            self.by_matcher[owned.signal.matcher].append(owned)
        self._by_key = {owned.key: owned for owned in self._owned}
        self.signals = [owned for owned in self._owned if not owned.start]
        self._keys: dict[tuple[str, ...], Keys] = {}
        """For the signals that ask about a file: who of them asks about a key."""
        self._names: dict[tuple[str, ...], Owners[Owned]] = {}
        """For the signals that ask about the tests of a file: who of them asks about a name."""
        self._named = lru_cache(maxsize=1 << 14)(self._named_for)
        self._command_of = lru_cache(maxsize=4096)(self._command_for)
        self._open_commands_of = lru_cache(maxsize=4096)(self._open_commands_for)
        self._keys_of = lru_cache(maxsize=4096)(self._keys_for)
        self.keys_asked = lru_cache(maxsize=1024)(self._keys_asked)
        """The last parts of the attributes that signals ask a resource of a canonical type for."""
        self.asking_for = lru_cache(maxsize=1024)(self._asking_for)
        """The signals that a live resource of a canonical type can match."""
        self._names_of = lru_cache(maxsize=256)(self._names_for)
        self.digest = packs.digest
        """Tells the packs."""
        self._parts = self._known(packs.digest)
        """What signals are found by, as plain texts with their numbers; each part is unpacked when it is first asked."""
        self._grouped = lru_cache(maxsize=4096)(self._group)
        self._files_of = self._by_path("file", asking.file, tuple)
        self._tests_of = self._by_path("test", asking.test, tuple)
        self._settings_of = self._by_path("config", asking.setting, tuple)
        self._narrowing = cache(Narrowing)

    # ── compiling ────────────────────────────────────────────────────────────────────────────────────

    def _each(self, matcher: str, read: Callable[[Owned, Arguments], Iterable[T]]) -> Iterator[T]:
        """What is read of the arguments of the signals of one matcher; raises `PackError` when they are not all understood."""
        for owned in self.by_matcher[matcher]:
            given = Arguments(owned.signal.arguments)
            try:
                yield from read(owned, given)
                given.done()
            except (ValueError, re.error) as error:
                raise _wrong(owned, error) from error

    @cached_property
    def _imports(self) -> dict[str, list[tuple[str, Owned]]]:
        return _listed(self._each("import", lambda owned, given: ((_root(module), (module, owned)) for module in given.texts("any"))))

    @cached_property
    def _gates_of(self) -> Callable[[str], tuple[Owned, ...]]:
        return Owners(self._each("gate", asking.anything)).of

    @cached_property
    def _literals_of(self) -> Callable[[str], tuple[Owned, ...]]:
        return Owners(self._each("literal", asking.anything)).of

    @cached_property
    def _uses_of(self) -> Callable[[str], tuple[StepAsked, ...]]:
        return self._by_name({"step": asking.step})

    @cached_property
    def _workflows(self) -> list[tuple[Callable[[Workflow], Iterator[int]], Owned]]:
        return list(self._each("workflow", asking.workflow))

    @cached_property
    def _images_of(self) -> Callable[[str], tuple[tuple[Condition, Owned], ...]]:
        return Owners(self._each("image", asking.image)).of

    @cached_property
    def _charts_of(self) -> Callable[[str], tuple[Owned, ...]]:
        return Owners(self._each("chart", asking.chart)).of

    @cached_property
    def _charts_named(self) -> dict[str, tuple[str, ...]]:
        """By canonical type, the attributes that name charts."""
        return msgpack.decode(self._parts["charts"], type=dict[str, tuple[str, ...]])

    @cached_property
    def _types_of(self) -> Callable[[str], tuple[Wanted, ...]]:
        """By the canonical type."""
        return self._by_name({"resource": asking.resource, "api": asking.api})

    @cached_property
    def _canonical(self) -> Canonical:
        return Canonical(msgpack.decode(self._parts["canonical"], type=Tables))

    @cached_property
    def _dependencies(self) -> dict[str, dict[str, list[int]]]:
        """By ecosystem and name."""
        return msgpack.decode(self._parts["dependencies"], type=dict[str, dict[str, list[int]]])

    @cached_property
    def _calls(self) -> _Made[CallPattern]:
        """By the last part of the name."""
        return _Made(self._parts["calls"], CallPattern, self._owned)

    @cached_property
    def _open_calls(self) -> _Made[CallPattern]:
        """Those that leave the last part open, by the first."""
        return _Made(self._parts["open calls"], CallPattern, self._owned)

    @cached_property
    def _ends(self) -> dict[str, frozenset[str]]:
        """The last parts of the names of calls by the first part; for `*` those that are asked for whatever is before them."""
        return msgpack.decode(self._parts["ends"], type=dict[str, frozenset[str]])

    @cached_property
    def _commands(self) -> _Made[CommandPattern]:
        """By the program."""
        return _Made(self._parts["commands"], CommandPattern, self._owned)

    @cached_property
    def _open_commands(self) -> list[tuple[Condition, CommandPattern, Owned]]:
        """Those that leave the program open."""
        return [
            (glob(pattern.program), pattern, owned)
            for pattern, owned in _Made(self._parts["open commands"], CommandPattern, self._owned).of("")
        ]

    @cached_property
    def _numbers_at(self) -> Callable[[str], tuple[int, ...]]:
        """Of the signals that go by files' paths; a template is the file that is made of it."""
        find = msgpack.decode(self._parts["paths"], type=GlobIndex).finder()
        return lru_cache(maxsize=1 << 14)(lambda path: find(template_path(path)))

    @cached_property
    def _needles(self) -> dict[str, Needles]:
        """What must be in a text for the pattern of a text signal to match."""
        return msgpack.decode(self._parts["needles"], type=dict[str, Needles])

    def _known(self, digest: str) -> dict[str, Raw]:
        """What signals are found by; worked out once for a set of packs, as all of them are read for it.

        That is also when all signals are seen to be right.
        """
        by = (__file__, asking.__file__, canonical.__file__, globs.__file__, hits.__file__, needles.__file__, patterns.__file__)
        return store.compiled("signals", digest, dict[str, Raw], self._work_out, by=by) if digest else self._work_out()

    def _work_out(self) -> dict[str, Raw]:
        for name in ("_imports", "_gates_of", "_literals_of", "_workflows", "_images_of", "_charts_of"):
            getattr(self, name)
        dependencies: dict[str, dict[str, list[int]]] = {}
        for (ecosystem, package), owned in self._each("dependency", asking.dependency):
            dependencies.setdefault(ecosystem, {}).setdefault(package, []).append(owned.number)
        calls = list(self._each("call", asking.call))
        ends: dict[str, set[str]] = {"*": set()}
        for pattern, _ in calls:
            if "*" not in pattern.last:
                ends.setdefault("*" if "*" in pattern.root else pattern.root, set()).add(pattern.last)
        commands = list(self._each("command", asking.command))
        paths = (
            *self._globs("file", asking.file),
            *self._globs("test", asking.test),
            *self._globs("config", asking.setting),
            *self._globs("text", asking.text),
        )
        parts = {
            "dependencies": dependencies,
            "calls": _listed((pattern.last, (pattern.text, owned.number)) for pattern, owned in calls if "*" not in pattern.last),
            "open calls": _listed((pattern.root, (pattern.text, owned.number)) for pattern, owned in calls if "*" in pattern.last),
            "ends": {root: sorted(lasts) for root, lasts in ends.items()},
            "commands": _listed(
                (pattern.program.lower(), (pattern.text, owned.number)) for pattern, owned in commands if not pattern.is_open
            ),
            "open commands": _listed(("", (pattern.text, owned.number)) for pattern, owned in commands if pattern.is_open),
            "paths": index_globs(paths),
            "needles": dict(self._each("text", asking.needles)),
            "canonical": tables_of(self._types),
            "charts": {found.type: tuple(map(folded, found.charts)) for found in self._types if found.charts},
            "step": self._globs("step", asking.step),
            "resource": self._globs("resource", asking.resource),
            "api": self._globs("api", asking.api),
        }
        return {name: Raw(msgpack.encode(part)) for name, part in parts.items()}

    def _globs(self, matcher: str, read: _ByGlobs[object]) -> list[tuple[tuple[str, ...], int]]:
        """The globs that the signals of a matcher go by, with their numbers."""
        return list(self._each(matcher, partial(_globs_of, read)))

    def _group(self, numbers: tuple[int, ...]) -> dict[str, list[Owned]]:
        return _listed((owned.signal.matcher, owned) for owned in map(self._owned.__getitem__, numbers))

    def _by_matcher_at(self, path: str) -> dict[str, list[Owned]]:
        """The signals and starts that go by files' paths and ask about one, by their matcher; files of one kind are asked about by the same."""
        return self._grouped(self._numbers_at(path))

    def _by_path(self, matcher: str, read: _ByGlobs[T], gather: Callable[[Iterable[T]], G]) -> Callable[[str], G]:
        """What the signals of a matcher ask about a file, by its path; their arguments are read when a path is first theirs."""
        asked = cache(lambda owned: _only(read, owned))
        of = lru_cache(maxsize=4096)(lambda numbers: gather([asked(owned) for owned in self._grouped(numbers).get(matcher, ())]))
        return lambda path: of(self._numbers_at(path))

    def _by_name(self, reads: Mapping[str, _ByGlobs[T]]) -> Callable[[str], tuple[T, ...]]:
        """What the signals of some matchers ask about a fact, by its name; their arguments are read when a name is first theirs."""
        kept = (msgpack.decode(self._parts[matcher], type=list[tuple[tuple[str, ...], int]]) for matcher in reads)
        numbers_of = Owners(chain.from_iterable(kept)).of
        asked = cache(lambda owned: _only(reads[owned.signal.matcher], owned))
        return lru_cache(maxsize=4096)(lambda name: tuple([asked(self._owned[number]) for number in numbers_of(name)]))

    # ── matching ─────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def texts(self) -> Texts:
        """The text signals."""
        wanted_in = self._by_path("text", asking.text, lambda found: TextsWanted(found, self._needles))
        return Texts(wanted_in, self._needles, self._narrowing)

    def wants_text(self, path: str) -> bool:
        """Whether any text signal looks into files of this path."""
        return "text" in self._by_matcher_at(path)

    def asks_for_settings(self, path: str) -> bool:
        """Whether any configuration signal looks into files of this path."""
        return bool(self.asking_for_settings(path))

    def asking_for_settings(self, path: str) -> Sequence[Owned]:
        """The configuration signals and starts that look into a file of this path."""
        return self._by_matcher_at(path).get("config", ())

    def could_show(self, kinds: Collection[str], role: Role, asking: Iterable[Owned]) -> tuple[str, ...]:
        """The capabilities that the given matchers could have shown in a file of a role; configuration only those of the signals that are `asking` for it."""
        asked = {owned.key for owned in asking}
        return tuple(
            owned.signal.capability
            for owned in self.signals
            if owned.signal.matcher in kinds
            and owned.signal.strength > Strength.DECLARED
            and role in owned.signal.where
            and (owned.signal.matcher != "config" or owned.key in asked)
        )

    def called(self, languages: tuple[str, ...]) -> tuple[Collection[str], Collection[str], Mapping[str, AbstractSet[str]]]:
        """By which parts of their names calls of some languages are asked for: any other call matches nothing.

        First parts that are enough, last parts that are enough, and first parts with the last parts that go with them.
        """
        roots = {root for root in self._open_calls.written if root.startswith(languages)}
        ends = {root: lasts for root, lasts in self._ends.items() if root.startswith(languages)}
        return roots, self._ends["*"], ends

    def may_match(self, name: str) -> bool:
        """Whether a call of this name matches anything, if its arguments do."""
        return bool(self._named(name))

    def _keys_for(self, path: str) -> Keys:
        """The configuration signals that ask about a file, by key; shared by like files."""
        settings = self._settings_of(path)
        names = tuple(owned.key for _, _, owned in settings)
        if names not in self._keys:
            self._keys[names] = Keys(settings)
        return self._keys[names]

    def _names_for(self, path: str) -> Owners[Owned]:
        """The signals that ask about the tests of a file, by the tests' names; shared by like files."""
        tests = self._tests_of(path)
        asking = tuple(owned.key for _, owned in tests)
        if asking not in self._names:
            self._names[asking] = Owners(tests)
        return self._names[asking]

    def matched(self, file: SourceFile, *, texts: Iterable[Hit] = (), by_path: bool = True, bare: bool = False) -> SourceFile:
        """A file with what matches in it, and of its facts those that are looked at again.

        Args:
            file: with all its facts.
            texts: the hits of text signals, as `texts.found_in` gives them.
            by_path: whether signals that ask for a file's path are meant too.
            bare: whether the file holds but remarks, so that its path can't prove more than a declaration.
        """
        found: list[Match] = []
        if file.role not in NO_PROOF:
            if by_path:
                found.extend(match for match in self._match_file(file) if not bare or match.owned.signal.strength <= Strength.DECLARED)
            found.extend(Match(self._by_key[key], line) for key, line, _ in texts)
            found.extend(self._match_facts(file))
        return hits.settled(file, [match for match in found if file.role in match.owned.roles])

    def matches(self, file: SourceFile, is_local: Callable[[str], bool]) -> Iterator[Match]:
        """What counts of a file's hits; `is_local(root)` tells whether a module is the repository's own."""
        for hit in file.hits:
            if all(not all(map(is_local, group)) for group in hit.modules):
                yield hits.match_of(hit, self._by_key[hit.key], file.facts)

    def starting(self, file: SourceFile) -> Iterator[Match]:
        """The matches of starts in a settled file that name a command line."""
        for hit in file.hits:
            owned = self._by_key[hit.key]
            if owned.start and owned.start.shell:
                yield hits.match_of(hit, owned, file.facts)

    def _match_facts(self, file: SourceFile) -> Iterator[Match]:
        settings = [fact for fact in file.facts if fact.__class__ is Setting]
        if settings:
            yield from self._match_settings(file, settings)
        for fact in file.facts:
            if isinstance(fact, Setting):
                continue
            if isinstance(fact, Call):
                for match in self._match_call(fact):
                    narrowing = self._narrowing(match.owned)
                    if narrowing.is_place(file.path) and not self._imports_any(file, narrowing.apart):
                        yield from self._beside(match, narrowing.beside, file)
            elif isinstance(fact, Import):
                yield from self._match_import(fact)
            elif isinstance(fact, Workflow):
                kinds = {trigger.kind for trigger in fact.triggers}
                for match in self._match_workflow(file, fact):
                    wanted = self._narrowing(match.owned).triggers
                    if not wanted or wanted & kinds:
                        yield match
            elif isinstance(fact, Task):
                for command in fact.commands:
                    for match in self._match_command(file, command):
                        if not self._narrowing(match.owned).triggers:
                            yield match._replace(task=fact)
                    # Not of a workflow's steps: what these install is mostly for their own cluster, to test against.
                    for owned in self._charts_of(chart_installed_by(command.words)):
                        yield Match(owned, command.line, command, toothless=command.toothless, task=fact)
            else:
                for owned in self._match_simple(file, fact):
                    yield Match(owned, fact.line, fact)

    def _match_settings(self, file: SourceFile, settings: Sequence[Setting]) -> Iterator[Match]:
        """What the settings of a file match: a start's matches one by one, a signal's as the first of them, as there may be very many."""
        asking = self._keys_of(file.path).asking(setting.key for setting in settings)
        counted: dict[str, list[Any]] = {}
        for setting in settings:
            for is_value, owned in asking[setting.key]:
                if not is_value(setting.value):
                    continue
                if owned.start is not None:
                    yield Match(owned, setting.line, setting)
                elif known := counted.get(owned.key):
                    known[2] += 1
                    if setting.line < known[1].line:
                        known[1] = setting
                else:
                    counted[owned.key] = [owned, setting, 1]
        for owned, first, number in counted.values():
            if (barred := self._narrowing(owned).without) and any(barred(setting.key) for setting in settings):
                continue
            yield Match(owned, first.line, first, number=number)

    def _match_file(self, file: SourceFile) -> Iterator[Match]:
        for owned, is_excluded, options in self._files_of(file.path):
            if is_excluded(file.path):
                continue
            too_small = options["min_size"] is not None and file.size < options["min_size"]
            too_large = options["max_size"] is not None and file.size > options["max_size"]
            if not too_small and not too_large and (options["lfs"] is None or options["lfs"] == file.lfs):
                yield Match(owned, 1 if file.size else 0)

    def _match_simple(self, file: SourceFile, fact: Fact) -> Iterator[Owned]:
        if isinstance(fact, Dependency):
            for number in self._dependencies.get(fact.ecosystem, {}).get(fact.name.lower(), ()):
                yield self._owned[number]
        elif isinstance(fact, Literal):
            yield from self._literals_of(fact.value)
        elif isinstance(fact, Test) and fact.assertions:
            yield from self._names_of(file.path).of(fact.name)
        elif isinstance(fact, Image):
            yield from (owned for is_use, owned in self._images_of(_image_name(fact.name)) if is_use(fact.use))
        elif isinstance(fact, Resource) and fact.conditional != "false":
            canonical = self._canonical.canonical(fact)
            yield from self.of_resource(fact, canonical)
            for name in charts_of(fact, self._charts_named, canonical):
                yield from self._charts_of(name)

    def of_resource(self, resource: Resource, canonical: str) -> Iterator[Owned]:
        """The signals and starts that match a resource of a canonical type, declared or live."""
        attributes: Attributes | None = None
        is_state = holds_state(resource)
        for wanted in self._types_of(canonical):
            if not wanted.is_dialect(resource.dialect) or (is_state and wanted.owned.signal.capability.startswith("data.")):
                continue
            if wanted.attributes or wanted.without:
                attributes = attributes or Attributes(
                    ((NAME, resource.name), *((folded(key), value) for key, value in resource.attributes))
                )
                if not attributes.fit(wanted.attributes, wanted.without, whole=wanted.whole):
                    continue
            yield wanted.owned

    def canonical(self, resource: Resource) -> str:
        """The canonical type of a resource."""
        return self._canonical.canonical(resource)

    @cached_property
    def in_files(self) -> frozenset[str]:
        """The capabilities that a file can show."""
        return frozenset(owned.signal.capability for owned in self.signals if owned.signal.matcher != "api")

    def signal(self, evidence: Evidence) -> Signal:
        """The signal that a piece of evidence matched."""
        return self._by_key[f"{evidence.detector}/{evidence.signal}"].signal

    def _keys_asked(self, canonical: str) -> frozenset[str]:
        asked = ((*(key for key, _ in wanted.attributes), *wanted.without) for wanted in self._types_of(canonical))
        return frozenset(last_part(key) for keys in asked for key in keys)

    def _asking_for(self, canonical: str) -> tuple[Owned, ...]:
        return tuple(wanted.owned for wanted in self._types_of(canonical) if wanted.is_dialect(asking.LIVE) and not wanted.owned.start)

    def _match_call(self, call: Call) -> Iterator[Match]:
        if call.kind == "gate":
            for owned in dict.fromkeys(owned for word in call.name.split() for owned in self._gates_of(word)):
                yield Match(owned, call.line, call, call.end_line)
            return
        for pattern, owned, modules in self._named(call.name):
            if pattern.fits(call):
                yield Match(owned, call.line, call, call.end_line, modules=modules)

    def _named_for(self, name: str) -> tuple[tuple[CallPattern, Owned, tuple[tuple[str, ...], ...]], ...]:
        """The patterns that mean calls of a name, with the modules that a match of one hangs on."""
        bare = bare_name(name)
        modules = ((bare.partition(".")[0],),)
        asked = self._patterns_of(bare)
        return tuple([(pattern, owned, () if "*" in pattern.root else modules) for pattern, owned in asked if pattern.is_named(name, bare)])

    def _patterns_of(self, bare: str) -> Iterator[tuple[CallPattern, Owned]]:
        """The patterns that go by the ends of a name without brackets."""
        root = bare.partition(".")[0]
        for asked in (self._calls.of(bare.rpartition(".")[2]), self._open_calls.of(root)):
            yield from (found for found in asked if found[0].root == root or "*" in found[0].root)

    def _beside(self, match: Match, modules: tuple[str, ...], file: SourceFile) -> Iterator[Match]:
        """The match, if its file imports one of the modules, should its signal ask for some."""
        if not modules:
            yield match
            return
        below = tuple(module + end for module in modules for end in "./")
        imported = (fact.module for fact in file.facts if isinstance(fact, Import))
        roots = {_root(module) for module in imported if module in modules or module.startswith(below)}
        if roots:
            yield match._replace(modules=(*match.modules, tuple(sorted(roots))))

    def _imports_any(self, file: SourceFile, modules: tuple[str, ...]) -> bool:
        """Whether a file imports one of the modules, or something below it."""
        below = tuple(module + end for module in modules for end in "./")
        return bool(modules) and any(
            fact.module in modules or fact.module.startswith(below) for fact in file.facts if isinstance(fact, Import)
        )

    def _match_import(self, fact: Import) -> Iterator[Match]:
        root = _root(fact.module)
        for module, owned in self._imports.get(root, ()):
            if fact.module == module or fact.module.startswith((module + ".", module + "/")):
                yield Match(owned, fact.line, modules=((root,),))

    def _command_for(self, words: tuple[str, ...]) -> tuple[Owned, ...]:
        program = program_of(words)
        lowered = frozenset(word.lower() for word in words[1:])
        asking = (*self._commands.of(program), *self._open_commands_of(program))
        return tuple(owned for pattern, owned in asking if pattern.matches(words, lowered))

    def _open_commands_for(self, program: str) -> tuple[tuple[CommandPattern, Owned], ...]:
        return tuple((pattern, owned) for is_program, pattern, owned in self._open_commands if is_program(program))

    def _match_command(self, file: SourceFile, command: Command) -> Iterator[Match]:
        """What a command matches by its words, and by the program that is written in it; nothing where it only asks what a program is."""
        if is_question(command):
            return
        for owned in self._command_of(words_of(command)):
            if not self._narrowing(owned).spares(command):
                yield Match(owned, command.line, command, toothless=command.toothless)
        seen = set()
        for fact in command.code:
            for match in self._match_call(fact) if isinstance(fact, Call) else self._match_import(fact):
                narrowing = self._narrowing(match.owned)
                if match.owned.start is None and match.owned.key not in seen and not narrowing.beside and narrowing.is_place(file.path):
                    seen.add(match.owned.key)
                    yield Match(match.owned, fact.line, command, toothless=command.toothless, modules=match.modules)

    def _match_workflow(self, file: SourceFile, workflow: Workflow) -> Iterator[Match]:
        for lines, owned in self._workflows:
            for line in lines(workflow):
                job = next((job for job in workflow.jobs if job.line == line), None)
                yield Match(owned, line, workflow=workflow, job=job)
        for job in workflow.jobs:
            if job.uses:
                yield from self._match_uses(workflow, job, called_by(job))
            for step in job.steps:
                if step.uses:
                    yield from self._match_uses(workflow, job, step)
                for command in step.commands:
                    for match in self._match_command(file, command):
                        if not self._narrowing(match.owned).spares_job(job):
                            yield match._replace(workflow=workflow, job=job, step=step)

    def _match_uses(self, workflow: Workflow, job: Job, step: Step) -> Iterator[Match]:
        attributes = Attributes((*step.arguments, ("@if", f"{job.condition} {step.condition}".strip())))
        for asked in dict.fromkeys((*self._uses_of(step.uses.partition("@")[0]), *self._uses_of(step.uses))):
            if attributes.fit(asked.arguments, asked.without):
                yield Match(asked.owned, step.line, step, workflow=workflow, job=job, step=step)


# ── what signals ask for ─────────────────────────────────────────────────────────────────────────────


class _Made(Generic[T]):
    """Patterns with who asks for them, by a key; taken apart when a fact first has that key."""

    def __init__(self, packed: Raw, make: Callable[[str], T], owned: Sequence[Owned]) -> None:
        self.written = msgpack.decode(packed, type=dict[str, list[tuple[str, int]]])
        """The patterns as they are in packs, with the numbers of who asks."""
        self._make, self._owned = make, owned
        self._made: dict[str, list[tuple[T, Owned]]] = {}

    def of(self, key: str) -> Sequence[tuple[T, Owned]]:
        """The patterns of a key."""
        made = self._made.get(key)
        if made is None:
            if key not in self.written:
                return ()
            made = self._made[key] = [(self._make(text), self._owned[number]) for text, number in self.written[key]]
        return made


_ByGlobs = Callable[[Owned, Arguments], Iterable[tuple[tuple[str, ...], T]]]


def _only(read: _ByGlobs[T], owned: Owned) -> T:
    """What a signal asks beside its globs."""
    [(_, asked)] = read(owned, Arguments(owned.signal.arguments))
    return asked


def _globs_of(read: _ByGlobs[object], owned: Owned, given: Arguments) -> Iterator[tuple[tuple[str, ...], int]]:
    return ((patterns, owned.number) for patterns, _ in read(owned, given))


def _listed(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _wrong(owned: Owned, error: Exception) -> PackError:
    what = "start" if owned.start else "signal"
    return PackError(f"detectors/{owned.detector}.yaml: {what} `{owned.signal.id}`: match.{owned.signal.matcher}: {error}")


def _as_signal(start: Start) -> Signal:
    """A start as a signal, so that it is compiled and matched as one."""
    return Signal(
        id=start.id, capability="", strength=Strength.DECLARED, matcher=start.matcher, arguments=start.arguments, where=start.where
    )


def _root(module: str) -> str:
    """What an import is indexed by: the first dotted part; for other languages the prefix and the whole first name."""
    if ":" in module:
        language, _, name = module.partition(":")
        parts = name.split("/")
        head = "/".join(parts[:2]) if name.startswith("@") else parts[0]
        return f"{language}:{head.split('.')[0] if language != 'js' else head}"
    return module.split(".", 1)[0]


def _image_name(name: str) -> str:
    """An image's name without digest and tag: `ghcr.io/a/b:1@sha256:…` → `ghcr.io/a/b`."""
    name = name.split("@", 1)[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.split(':')[0]}" if head else last.split(":")[0]
