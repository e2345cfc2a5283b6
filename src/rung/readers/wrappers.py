"""Programs that only start other programs: what is peeled off a command, and what it starts besides itself."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import dropwhile
from typing import Self

from msgspec import Struct

from rung.expressions import regex

MAX_PROGRAM = 300
"""Characters of a program's name; a longer word names none."""
MAX_LAYERS = 12
"""Wrappers around wrappers that are peeled."""


class Word(str):
    """A word of a command, and its line in the file."""

    line: int

    def __new__(cls, text: str, line: int) -> Self:
        """The text, and the line that it starts on."""
        word = super().__new__(cls, text)
        word.line = line
        return word


class _Wrapper(Struct, frozen=True):
    verbs: tuple[str, ...] = ()
    """Subcommand that makes it a wrapper (`run` of `poetry run`)."""
    valued: frozenset[str] = frozenset()
    """Options that take the next word."""
    positional: int = 0
    """Words of its own before the command (`timeout 10m cmd`)."""
    versioned: bool = False
    """The command can carry a version (`npx cowsay@1`)."""
    unless: frozenset[str] = frozenset()
    """Options with which it is no wrapper (`command -v`)."""


def options(text: str) -> frozenset[str]:
    """The options of a text, as a set."""
    return frozenset(text.split())


_UV = options(
    "--with --python -p --extra --group --package --project --env-file --directory --index --with-requirements --with-editable"
    " --only-group --no-group --no-extra --index-url --default-index --extra-index-url --cache-dir --config-file --link-mode --from -w -C"
    " --resolution --prerelease --color --refresh-package --upgrade-package --no-binary-package --index-strategy"
)
_CONDA = options("-n --name -p --prefix --cwd -r --root-prefix -e --env")
_NODE = options("-p --package -c --call -w --workspace --filter -F -C --dir --prefix")
_SUDO = options("-u -g -h -p -C -r -t -U -D --user --group --host --prompt --chdir")
_WRAPPERS: dict[str, tuple[_Wrapper, ...]] = {
    "sudo": (_Wrapper(valued=_SUDO),),
    "doas": (_Wrapper(valued=options("-u -C")),),
    "env": (_Wrapper(valued=options("-u --unset -C --chdir")),),
    "cross-env": (_Wrapper(),),
    "time": (_Wrapper(valued=options("-f -o --format --output")),),
    "nice": (_Wrapper(valued=options("-n --adjustment")),),
    "ionice": (_Wrapper(valued=options("-c -n -p --class --classdata")),),
    "nohup": (_Wrapper(),),
    "setsid": (_Wrapper(),),
    "exec": (_Wrapper(valued=options("-a")),),
    "command": (_Wrapper(unless=options("-v -V")),),
    "builtin": (_Wrapper(),),
    "xvfb-run": (_Wrapper(valued=options("-s -n -e -f -p -w --server-args --server-num --error-file --auth-file")),),
    "timeout": (_Wrapper(valued=options("-s -k --signal --kill-after"), positional=1),),
    "gtimeout": (_Wrapper(valued=options("-s -k --signal --kill-after"), positional=1),),
    "stdbuf": (_Wrapper(valued=options("-i -o -e --input --output --error")),),
    "unbuffer": (_Wrapper(),),
    "sshpass": (_Wrapper(valued=options("-p -f -d -P")),),
    "travis_retry": (_Wrapper(),),
    "travis_wait": (_Wrapper(),),
    "chronic": (_Wrapper(),),
    "flock": (_Wrapper(valued=options("-w --timeout -E"), positional=1),),
    "taskset": (_Wrapper(positional=1),),
    "gosu": (_Wrapper(positional=1),),
    "su-exec": (_Wrapper(positional=1),),
    "tini": (_Wrapper(valued=options("-p -e")),),
    "/sbin/tini": (_Wrapper(),),
    "/usr/bin/tini": (_Wrapper(),),
    "dumb-init": (_Wrapper(),),
    "xargs": (_Wrapper(valued=options("-n -I -P -L -d -a -E -s --max-args --max-procs --delimiter --arg-file --replace")),),
    "uv": (_Wrapper(("run",), _UV), _Wrapper(("tool", "run"), _UV, versioned=True)),
    "uvx": (_Wrapper((), _UV, versioned=True, unless=options("--version")),),
    "pipx": (_Wrapper(("run",), options("--spec --python --pip-args"), versioned=True),),
    "poetry": (_Wrapper(("run",), options("-C --directory -P --project")),),
    "pipenv": (_Wrapper(("run",)),),
    "pdm": (_Wrapper(("run",), options("-p --project --venv -c --config")),),
    "rye": (_Wrapper(("run",), options("-p --pyproject")),),
    "hatch": (_Wrapper(("run",), options("-e --env -p --project")),),
    "pixi": (_Wrapper(("run",), options("-e --environment --manifest-path --color")),),
    "conda": (_Wrapper(("run",), _CONDA),),
    "mamba": (_Wrapper(("run",), _CONDA),),
    "micromamba": (_Wrapper(("run",), _CONDA),),
    "npx": (_Wrapper((), _NODE, versioned=True, unless=options("--version")),),
    "npm": (_Wrapper(("exec",), _NODE, versioned=True),),
    "pnpm": (_Wrapper(("exec",), _NODE), _Wrapper(("dlx",), _NODE, versioned=True)),
    "yarn": (_Wrapper(("exec",), _NODE), _Wrapper(("dlx",), _NODE, versioned=True)),
    "bun": (_Wrapper(("x",), versioned=True),),
    "bunx": (_Wrapper(versioned=True),),
    "bundle": (_Wrapper(("exec",)),),
    "dotenv": (_Wrapper(("run",), options("-f --file -e")), _Wrapper((), options("-f --file -e -v"), unless=options("set get list unset"))),
    "doppler": (_Wrapper(("run",), options("-p --project -c --config -t --token")),),
    "infisical": (_Wrapper(("run",), options("--env --path --projectId --token")),),
    "op": (_Wrapper(("run",), options("--env-file --account")),),
    "aws-vault": (_Wrapper(("exec",), options("-d --duration --region"), positional=1),),
    "chamber": (_Wrapper(("exec",), positional=1),),
    "direnv": (_Wrapper(("exec",), positional=1),),
    "pyenv": (_Wrapper(("exec",)),),
    "asdf": (_Wrapper(("exec",)),),
    "mise": (_Wrapper(("exec",)), _Wrapper(("x",))),
}
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "ash", "/bin/bash", "/bin/sh", "/usr/bin/bash", "/bin/zsh"})
_POWERSHELLS = frozenset({"pwsh", "powershell"})
_BOTH = frozenset({"srun", "mpirun", "mpiexec", "opentelemetry-instrument", "ddtrace-run", "newrelic-admin", "watchmedo", "nodemon"})
"""Programs that count themselves and start another one named in their arguments."""

_ASSIGNMENT = regex(r"[A-Za-z_]\w*=")
_PYTHON = regex(r"(?:python|pypy)(?:\d(?:\.\d+)?)?[tdw]?|py")
_PYTHON_VARIABLE = regex(
    r"\$(?:[{(]|\{\{\s*)?(?:[A-Za-z]+_)?(?:PYTHON|PY|python)(?:_?(?:3|BIN|EXE|EXECUTABLE|CMD|INTERPRETER|COMMAND))?(?::?[-=][^}]*)?[})]*"
)
_INSTALLED = regex(
    r"(?:(?:/usr(?:/local)?|/opt(?:/[\w.-]+)+|.*env[^/]*|\$.*|.*conda[^/]*|/)/?bin|.*node_modules/\.bin|.*[Ee]nv[^/]*/Scripts)/([\w-]+(?:\d\.\d+)?)"
)
_NODES = frozenset({"node", "tsx", "ts-node", "bun"})
_NODE_PROGRAM = regex(r"(?:.*/)?node_modules/\.bin/[\w.-]+")
_PROGRAMS = {"aws-cdk": "cdk", "cdktf-cli": "cdktf", "firebase-tools": "firebase", "netlify-cli": "netlify"}
"""Packages of npm that are started by their own names, and the program that each holds."""
_PREFIXED = regex(r"\$\{\w*(?:PREFIX|BIN|VENV)\w*\}([A-Za-z][\w.-]*)")
"""`${PREFIX}pytest`, where the variable is a folder or nothing."""
_PIP_VARIABLE = regex(r"\$[{(]?PIP3?[})]?")
_PIP = regex(r"pip\d(?:\.\d+)?")
_SCRIPT = regex(r"(?:python|pypy)[\d.]*|bash|sh|.*\.(?:py|sh|R|jl)")
_DOCKER = frozenset({"docker", "podman", "nerdctl", "nvidia-docker"})
_DOCKER_VALUED = options(
    "-v --volume -e --env -p --publish -w --workdir -u --user --name --network --net --mount --env-file --entrypoint --gpus --shm-size -m"
    " --memory --cpus -h --hostname --platform --pull --label -l --add-host --restart --runtime --device --ipc --pid --cap-add --cap-drop"
    " --security-opt --ulimit --link --log-driver --log-opt --tmpfs --volumes-from --cidfile --dns --expose --health-cmd --index"
)
_COMPOSE_GLOBAL = options(
    "-f --file -p --project-name --env-file --profile --project-directory --ansi --progress -H --host -c --context -l --log-level"
)
_RETRY = regex(r"(?:\w+[_-])?(?:retry|retries)(?:[_-](?:cmd|command|run))?")
_RETRY_WORD = regex(r"-\S*|\d+[smh]?|\$\{\w+:-\d+\}")
"""What a function that tries a command again is given before the command."""
_COVERAGE_VALUED = options("--source --omit --include --rcfile --data-file --context --concurrency --source-pkgs")


def peel(words: list[Word]) -> list[Word]:
    """The command without the wrappers in front of it, its program's name made plain."""
    for _ in range(MAX_LAYERS):
        if not words:
            break
        words = [_plain_program(words[0]), *words[1:]]
        if words[0] == "python":
            inner = _python(words)
            if inner[0] == "python":
                return inner
        elif words[0] in _NODES:
            inner = _of_node(words)
        else:
            inner = _unwrap(words)
        if inner is words:
            break
        words = inner
    return _as_test(words)


def inline_text(words: list[Word]) -> Word | None:
    """The text that a shell is told to run (`bash -c "…"`), if the command is such a one."""
    program = words[0].rpartition("/")[2] if words[0] in _SHELLS else str(words[0])
    if program == "eval" and len(words) > 1:
        return Word(" ".join(words[1:]), words[1].line)
    for index, word in enumerate(words[1:-1], 1):
        if program in _SHELLS and re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return words[index + 1]
        if program in _POWERSHELLS and word.lower() in ("-c", "-command"):
            return Word(" ".join(words[index + 1 :]), words[index + 1].line)
        if program in _SHELLS and not word.startswith(("-", "+")) and words[index - 1] not in ("-o", "-O", "+o"):
            return None
    return None


def python_source(words: list[Word], fed: Word | None) -> Word | None:
    """The program that Python is told to run, as an argument (`python -c "…"`) or on standard input; None if the command is no such one."""
    if words[0] != "python":
        return None
    for index, word in enumerate(words[1:], 1):
        if word == "-c":
            return words[index + 1] if index + 1 < len(words) else None
        if not word.startswith("-") or word == "-":
            return fed if word == "-" else None
    return fed


def reads_commands(words: list[Word]) -> bool:
    """Whether the command is a shell that takes its commands from standard input."""
    plain = _plain(words)
    return bool(plain) and plain[0] in _SHELLS and all(word.startswith("-") for word in plain[1:])


def tells_another_machine(words: list[Word]) -> bool:
    """Whether the command is `ssh`, whose standard input another machine is given to run."""
    return _plain(words)[:1] == ["ssh"]


def _plain(words: list[Word]) -> list[Word]:
    """A command without the assignments before it and the wrappers around it."""
    return peel([word for word in words if not _ASSIGNMENT.match(word)])


def inner(words: list[Word]) -> list[Word]:
    """The command that a command starts besides counting itself (`docker run image cmd`); empty if none."""
    program = words[0]
    if program in _DOCKER or program == "docker-compose":
        return _in_container(words)
    if program == "coverage":
        return _covered(words)
    if program == "kubectl" and "exec" in words[1:4]:
        return _after(words, "--")
    if program == "find":
        return [word for word in _after(words, "-exec", "-execdir") if word not in (";", "+", "{}")]
    if program == "nix":
        return _after(words, "-c", "--command")
    if program == "nix-shell":
        return _in_shell(_after(words, "--run")[:1])
    if program == "dojo":  # It runs the text in a container of its own.
        return _in_shell([word for word in words[1:] if " " in word][:1])
    if _RETRY.fullmatch(program):
        return list(dropwhile(_RETRY_WORD.fullmatch, words[1:]))
    if program in _BOTH:
        for index, word in enumerate(words[1:], 1):
            if _SCRIPT.fullmatch(word) and not words[index - 1].startswith("--"):
                return words[index:]
    return []


def outer(words: list[Word]) -> list[Word]:
    """A command without the words of the one that it starts in a container: `build` of `docker run image build` is none of its own."""
    image = _container(words)[1] if words[0] in _DOCKER or words[0] == "docker-compose" else 0
    return words[: image + 1] if image else words


def _in_shell(text: list[Word]) -> list[Word]:
    """The command by which a shell runs a text, if there is one."""
    return [Word("bash", text[0].line), Word("-c", text[0].line), *text] if text else []


def _after(words: list[Word], *flags: str) -> list[Word]:
    return next((words[index + 1 :] for index, word in enumerate(words) if word in flags), [])


def _plain_program(word: Word) -> Word:
    if len(word) > MAX_PROGRAM:
        return word
    text = _plain_name(str(word))
    return word if text == word else Word(text, word.line)


@lru_cache(maxsize=1024)
def _plain_name(text: str) -> str:
    if text.lower().endswith(".exe"):
        text = text[:-4]
    if prefixed := _PREFIXED.fullmatch(text):
        text = prefixed[1]
    if installed := _INSTALLED.fullmatch(text.replace("\\", "/")):
        text = installed[1]
    if _PYTHON.fullmatch(text) or _PYTHON_VARIABLE.fullmatch(text):
        text = "python"
    elif _PIP.fullmatch(text) or _PIP_VARIABLE.fullmatch(text):
        text = "pip"
    elif text == ".":
        text = "source"
    return text


def _unwrap(words: list[Word]) -> list[Word]:
    for wrapper in _WRAPPERS.get(words[0], ()):
        start = 1
        if wrapper.verbs:
            start = _after_options(words, 1, wrapper.valued)
            if tuple(words[start : start + len(wrapper.verbs)]) != wrapper.verbs:
                continue
            start += len(wrapper.verbs)
        if wrapper.unless.intersection(words[start : start + 1]):
            continue
        first = _after_options(words, start, wrapper.valued) + wrapper.positional
        while first < len(words) and (_ASSIGNMENT.match(words[first]) or words[first] == "--" or words[first].isdigit()):
            first += 1
        if first >= len(words):
            continue
        program = words[first]
        if len(program) > MAX_PROGRAM:
            continue
        if wrapper.versioned:
            package = re.sub(r"(?<=.)@[^/]*$", "", re.sub(r"[=<>~!\[].*", "", program))
            program = Word(_PROGRAMS.get(package, package), program.line)
        if words[0] == "hatch":
            program = Word(re.sub(r"^[\w.+-]+:", "", program), program.line)
        return [program, *words[first + 1 :]]
    return words


def _after_options(words: list[Word], index: int, valued: frozenset[str]) -> int:
    """The index of the first word that is neither an option nor an option's value."""
    while index < len(words) and words[index].startswith("-"):
        if words[index] == "--":
            return index + 1
        index += 2 if words[index] in valued else 1
    return index


def _python(words: list[Word]) -> list[Word]:
    """`python -m X …` as X …, else python with its script first."""
    index = 1
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        option = words[index]
        if option == "-m":
            return words[index + 1 :] or words
        if re.fullmatch(r"-m[a-z][\w.]*", option):
            return [Word(option[2:], option.line), *words[index + 1 :]]
        if option == "-c" or (option[1:2] not in "uOBWXIsSEqvdbx0123456789"):
            return [words[0], *words[index:]]
        combined = re.fullmatch(r"-[uOBIsSEqvdbx]+([mc])", option)
        if combined:
            rest = words[index + 1 :]
            return (rest if combined[1] == "m" else [words[0], Word("-c", option.line), *rest]) or words
        index += 2 if option in ("-W", "-X") else 1
    return [words[0], *(words[index:] or words[1:])]


def _of_node(words: list[Word]) -> list[Word]:
    """`node node_modules/.bin/X …` as X …: what an interpreter is told to run is an installed program."""
    first = next((index for index, word in enumerate(words[1:], 1) if not word.startswith("-")), 0)
    return words[first:] if first and len(words[first]) <= MAX_PROGRAM and _NODE_PROGRAM.fullmatch(words[first]) else _unwrap(words)


def _as_test(words: list[Word]) -> list[Word]:
    """`[ … ]` and `[[ … ]]` as the command `test`."""
    if words and words[0] in ("[", "[["):
        end = -1 if words[-1] in ("]", "]]") else len(words)
        return [Word("test", words[0].line), *words[1:end]]
    return words


def _in_container(words: list[Word]) -> list[Word]:
    start, image = _container(words)
    command = words[image + 1 :] if image else []
    for index, word in enumerate(words[start:image], start):
        if word == "--entrypoint" and words[index + 1]:
            return [words[index + 1], *command]
        if word.startswith("--entrypoint=") and len(word) > len("--entrypoint="):
            return [Word(word.partition("=")[2], word.line), *command]
    return command


def _container(words: list[Word]) -> tuple[int, int]:
    """Where the verb and the image, container or service stand in a command that starts another one in it; zeros in one that does not."""
    start = _after_options(words, 1, _COMPOSE_GLOBAL)
    compose = words[0] == "docker-compose"
    if not compose and words[start : start + 1] == ["compose"]:
        compose = True
        start = _after_options(words, start + 1, _COMPOSE_GLOBAL)
    if not compose and words[start : start + 1] == ["container"]:
        start += 1
    if words[start : start + 1] not in (["run"], ["exec"]):
        return 0, 0
    return start, _after_options(words, start + 1, _DOCKER_VALUED)


def _covered(words: list[Word]) -> list[Word]:
    if words[1:2] != ["run"]:
        return []
    index = 2
    while index < len(words) and words[index].startswith("-"):
        if words[index] in ("-m", "--module"):
            return words[index + 1 :]
        index += 2 if words[index] in _COVERAGE_VALUED else 1
    return [Word("python", words[0].line), *words[index:]] if index < len(words) else []
