"""Which commands, tasks and files an automatic trigger reaches, and by which chain."""

from __future__ import annotations

from functools import cache

from rung.detect import match, starts_of
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.records import Command, Fact, Import, Job, Role, SourceFile, Step, Task, Trigger, Workflow
from rung.wiring import Wiring

WORKFLOW = ".github/workflows/ci.yml"


def file(path: str, *facts: Fact, role: Role = Role.SOURCE) -> SourceFile:
    return SourceFile(path=path, size=1, role=role, facts=facts)


def workflow(*commands: str, on: str = "push", path: str = WORKFLOW, uses: str = "", **job: object) -> SourceFile:
    words = tuple(Command(line=9, words=tuple(command.split())) for command in commands)
    jobs = (Job(line=5, id="build", steps=(Step(line=8, commands=words, uses=uses),), **job),)  # type: ignore[arg-type]
    return file(path, Workflow(line=1, system="github-actions", triggers=(Trigger(line=2, kind=on),), jobs=jobs))


def make(target: str, *commands: str, needs: tuple[str, ...] = (), path: str = "Makefile") -> Task:
    return Task(line=3, kind="make", name=target, needs=needs, commands=tuple(Command(line=4, words=tuple(c.split())) for c in commands))


@cache
def matchers() -> Matchers:
    return Matchers(load_packs())


def wired(*files: SourceFile) -> Wiring:
    """The wiring with what the packs say that the files start."""
    return Wiring(files, starts_of(match(files, matchers())))


def places(wiring: Wiring, path: str) -> list[str]:
    return [f"{hop.path}:{hop.line}" for hop in wiring.of_file(path) or ()]


def test_a_push_reaches_a_script_through_a_make_target_and_its_prerequisite_and_a_module_by_its_import() -> None:
    wiring = Wiring(
        [
            workflow("make all"),
            file("Makefile", make("all", needs=("train",)), make("train", "python src/train.py")),
            file("src/train.py", Import(line=2, module="lib.model")),
            file("src/lib/__init__.py"),
            file("src/lib/model.py"),
        ]
    )

    assert places(wiring, "src/lib/model.py") == [
        ".github/workflows/ci.yml:2", ".github/workflows/ci.yml:5", ".github/workflows/ci.yml:8", ".github/workflows/ci.yml:9",
        "Makefile:3", "Makefile:4", "src/train.py:1", "src/train.py:2",
    ]  # fmt: skip


def test_what_only_a_person_starts_or_never_runs_reaches_nothing() -> None:
    script = file("train.py")

    assert places(Wiring([workflow("python train.py"), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", on="manual"), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", disabled=True), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", manual=True), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", path="sub/.github/workflows/ci.yml"), script]), "train.py")
    assert not places(Wiring([workflow("python $SCRIPT"), script]), "train.py")


def test_a_called_workflow_and_a_local_action_run_when_their_caller_does() -> None:
    called = workflow("python train.py", on="call", path=".github/workflows/train.yml")
    action = workflow("bash run.sh", on="call", path="tools/act/action.yml")
    action = file("tools/act/action.yml", *action.facts)
    files = [workflow(uses="./.github/workflows/train.yml"), called, file("train.py")]

    assert places(Wiring(files), "train.py")
    assert not places(Wiring(files[1:]), "train.py")


def test_a_task_runner_without_a_name_starts_the_first_make_target_but_every_tox_environment() -> None:
    tasks = (Task(line=1, kind="tox", name="py", commands=()), Task(line=2, kind="tox", name="lint", commands=()))
    tox = Wiring([workflow("tox"), file("tox.ini", *tasks)])
    targets = (make("a"), make("b"))
    made = Wiring([workflow("make"), file("Makefile", *targets)])

    assert [bool(tox.of_task("tox.ini", task)) for task in tasks] == [True, True]
    assert [bool(made.of_task("Makefile", task)) for task in targets] == [True, False]


def test_a_test_run_reaches_the_tests_but_not_what_they_import() -> None:
    wiring = wired(workflow("pytest"), file("tests/test_a.py", Import(line=1, module="model"), role=Role.TEST), file("model.py"))

    assert places(wiring, "tests/test_a.py")
    assert not places(wiring, "model.py")


def test_a_relative_import_is_followed_inside_its_package_only() -> None:
    files = [
        file("pkg/__init__.py"),
        file("pkg/a.py", Import(line=1, module=".b.f")),
        file("pkg/b.py"),
        file("b.py"),
        workflow("python pkg/a.py"),
    ]
    wiring = Wiring(files)

    assert places(wiring, "pkg/b.py")
    assert not places(wiring, "b.py")


def test_an_image_build_runs_the_commands_of_its_dockerfile() -> None:
    task = Task(line=1, kind="docker", name="docker/Dockerfile", commands=(Command(line=3, words=("python", "train.py")),))
    wiring = Wiring([workflow("docker build -f docker/Dockerfile ."), file("docker/Dockerfile", task)])

    assert wiring.of_task("docker/Dockerfile", task)


def test_hooks_are_reached_by_a_run_of_them_and_by_their_action_but_not_by_their_installation() -> None:
    hooks = file(".pre-commit-config.yaml")

    for started in (
        workflow("pre-commit run --all-files"),
        workflow(uses="pre-commit/action@v3"),
        workflow(uses="owner/actions/pre-commit@main"),
    ):
        assert places(Wiring([started, hooks]), hooks.path)
    for idle in (workflow("pre-commit install"), workflow("pre-commit autoupdate"), workflow(uses="owner/pre-commit-update@v1")):
        assert not places(Wiring([idle, hooks]), hooks.path)
