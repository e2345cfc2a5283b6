"""Packages that commands install: `pip install x`, `conda install y`, `npm install -g z`, R's own ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.requirements import MAX_DEPENDENCIES, python_requirement
from rung.readers.wrappers import options
from rung.records import Command, Dependency

_VALUED = options(
    "-r --requirement -c --constraint -i --index-url --extra-index-url -f --find-links -t --target --prefix --root --src --timeout"
    " --retries --trusted-host --platform --python-version --abi --implementation --progress-bar --cache-dir --proxy --cert -e --editable"
    " --global-option --build-option --config-settings -C -p --python --group --extra --only-group --index --no-binary --only-binary"
    " -n --name --channel --file --use-feature --log --report --upgrade-strategy --default-index --index-strategy --torch-backend"
)
_CONDA = regex(r"(?:[\w./-]+::)?([A-Za-z0-9_][\w.-]*)\s*([=<>!~].*)?")
_NPM = regex(r"(@?[^@\s]+)(?:@(.+))?")
_NPM_EXACT = regex(r"v?\d+\.\d+\.\d+[\w.+-]*")
_R_CALL = regex(
    r"(?:install\.packages|pkg_install|pak|install_version|BiocManager::install)\(\s*(?:pkgs\s*=\s*)?(c\([^()]*\)|[\"'][\w.]+[\"'])"
)
_R_NAME = regex(r"[\"']([A-Za-z][\w.]*)[\"']")
_NOT_A_NAME = regex(r"[./~$({<-]|\w+[/\\]|[^=<>~!@ ]*\.(?:whl|txt|zip|gz|toml|bz2)$")


def installed(commands: Iterable[Command]) -> Iterator[Dependency]:
    """A dependency for each package that the commands name to an installer."""
    return islice((found for command in commands for found in _of(command)), MAX_DEPENDENCIES)


def _of(command: Command) -> Iterator[Dependency]:
    words, line = _without_options(command.words), command.line
    if words[:2] == ("pip", "install"):
        yield from _python(words[2:], line)
    elif words[:3] == ("uv", "pip", "install"):
        yield from _python(words[3:], line)
    elif words[:2] in (("uv", "add"), ("poetry", "add"), ("pdm", "add"), ("pipenv", "install")) or words[:3] == ("uv", "tool", "install"):
        yield from _python(words[3 if words[1] == "tool" else 2 :], line)
    elif words[0] in ("conda", "mamba", "micromamba") and words[1:2] in (("install",), ("create",)):
        yield from _conda(words[2:], line)
    elif (words[:1] == ("npm",) and words[1:2] in (("install",), ("i",), ("add",))) or words[:2] in (
        ("pnpm", "add"),
        ("yarn", "add"),
        ("yarn", "global"),
    ):
        yield from _npm(tuple(word for word in words[2:] if word != "add"), line)
    elif words[0] == "install2.r":
        for word in _named(words[1:], frozenset({"-l", "-r", "-n", "-d", "--libloc", "--repos", "--ncpus", "--deps"})):
            yield Dependency(line=line, ecosystem="cran", name=word)
    elif words[0] in ("R", "Rscript"):
        for text in words[1:]:
            for call in _R_CALL.finditer(text[:20_000]):
                yield from (Dependency(line=line, ecosystem="cran", name=name) for name in _R_NAME.findall(call[1]))


def _without_options(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command without options between program and subcommand (`pip --no-cache-dir install`)."""
    start = 1
    while start < len(words) and words[start].startswith("-") and words[0] in ("pip", "uv", "conda", "mamba", "micromamba", "npm"):
        start += 1
    return (words[0], *words[start:])


def _named(words: tuple[str, ...], valued: frozenset[str]) -> Iterator[str]:
    """The words that name something to install."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in valued
        elif not _NOT_A_NAME.match(word):
            yield word


def _python(words: tuple[str, ...], line: int) -> Iterator[Dependency]:
    for word in _named(words, _VALUED):
        if found := python_requirement(word, line, "main"):
            yield found


def _conda(words: tuple[str, ...], line: int) -> Iterator[Dependency]:
    for word in _named(words, _VALUED):
        if named := _CONDA.fullmatch(word[:200]):
            version = (named[2] or "").strip()
            pinned = bool(re.match(r"==?\d[^*,<>]*$", version))
            yield Dependency(line=line, ecosystem="conda", name=named[1].lower(), version=version, pinned=pinned)


def _npm(words: tuple[str, ...], line: int) -> Iterator[Dependency]:
    for word in _named(words, frozenset({"--prefix", "--registry", "-w", "--workspace", "--cwd"})):
        if named := _NPM.fullmatch(word[:200]):
            version = "" if named[2] in (None, "latest") else named[2]
            yield Dependency(line=line, ecosystem="npm", name=named[1], version=version, pinned=bool(_NPM_EXACT.fullmatch(version)))
