"""Which commands, tasks and files an automatic trigger reaches, and by which chain."""

from __future__ import annotations

import gc
from functools import cache
from weakref import ref

import pytest

from rung.detect import match, starts_of
from rung.hits import Match
from rung.matchers import Matchers
from rung.modules import Modules
from rung.packs import load_packs
from rung.readers import with_command_lines
from rung.readers.containers import read_dockerfile
from rung.readers.github_actions import read_action, read_workflow
from rung.readers.shell import split
from rung.readers.tasks import read_script
from rung.records import AROUND, Call, Command, Definition, Fact, Import, Job, Resource, Role, SourceFile, Step, Task, Trigger, Workflow
from rung.tree import Point, Tree
from rung.wiring import Root, Wiring

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
    read = [with_command_lines(matchers().matched(one), matchers(), b"") for one in files]
    return Wiring(read, starts_of(match(read, matchers())))


def places(wiring: Wiring, path: str) -> list[str]:
    return [f"{hop.path}:{hop.line}" for hop in wiring.of(Point(path)) or ()]


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


@pytest.mark.parametrize(
    ("runs", "command", "reached"),
    [
        ("{using: docker, image: Dockerfile}", 'ENTRYPOINT ["python", "/opt/fit.py"]', {"tidy/fit.py"}),
        ("{using: node20, main: dist/index.js}", "", {"tidy/dist/index.js"}),
        ("{using: docker, image: docker://elsewhere/image}", "", set()),
    ],
    ids=["a Dockerfile", "a script for Node", "an image of others"],
)  # fmt: skip
def test_an_action_of_the_repository_runs_its_program(runs: str, command: str, reached: set[str]) -> None:
    action = read_action("tidy/action.yml", f"name: tidy\nruns: {runs}\n".encode())
    image = read_dockerfile("tidy/Dockerfile", f"FROM python\nCOPY . /opt\n{command}\n".encode())
    others = [file(path) for path in ("tidy/fit.py", "fit.py", "tidy/dist/index.js")]
    wiring = Wiring([workflow(uses="./tidy"), file("tidy/action.yml", *action), file("tidy/Dockerfile", *image), *others])

    assert {one.path for one in others if wiring.of(Point(one.path))} == reached


@pytest.mark.parametrize(
    ("command", "reached"),
    [
        ("Rscript run.R", {"run.R", "R/fit.R"}),
        ("Rscript -e source('R/fit.R')", {"R/fit.R"}),
        ("R -e rmarkdown::render('report.Rmd')", {"report.Rmd"}),
        ("Rscript -e lintr::lint('R/fit.R')", set()),
        ("julia --project run.jl", {"run.jl", "src/fit.jl"}),
    ],
)
def test_scripts_of_r_and_julia_reach_those_that_they_take_in(command: str, reached: set[str]) -> None:
    others = [
        file("run.R", Import(line=1, module="r:./R/fit.R")), file("R/fit.R"), file("report.Rmd"),
        file("run.jl", Import(line=1, module="julia:./src/fit.jl")), file("src/fit.jl"), file("fit.R"),
    ]  # fmt: skip
    wiring = Wiring([workflow(command), *others])

    assert {one.path for one in others if wiring.of(Point(one.path))} == reached


def test_a_test_run_takes_the_tests_that_its_globs_name() -> None:
    names = ("tests/test_ab.py", "tests/test_b.py")
    wiring = wired(workflow("pytest tests/test_a*.py"), *(file(name, role=Role.TEST) for name in names))

    assert wiring.of(Point("tests/test_ab.py"))
    assert not wiring.of(Point("tests/test_b.py"))


def test_what_follows_a_subshell_runs_where_the_subshell_was_started() -> None:
    script = Task(line=1, kind="shell", name="run.sh", commands=split("(cd docs && make book)\npython fit.py\n"))
    wiring = Wiring([workflow("bash run.sh"), file("run.sh", script), file("fit.py"), file("docs/fit.py"), file("docs/Makefile", make("book", "ls", path="docs/Makefile"))])  # fmt: skip

    assert wiring.of(Point("fit.py"))
    assert not wiring.of(Point("docs/fit.py"))
    assert wiring.of(Point("docs/Makefile", make("book", "ls", path="docs/Makefile")))


def test_a_program_that_is_written_in_a_command_starts_the_modules_that_it_calls_and_not_those_it_only_imports() -> None:
    files = file("src/__init__.py"), file("src/train.py"), file("src/extra.py")
    calling = Command(line=9, words=("python", "-c", "…"), code=(
        Import(line=9, module="src.train.run"), Import(line=9, module="src.extra"), Call(line=9, name="src.train.run"),
    ))  # fmt: skip
    job = Job(line=5, id="build", steps=(Step(line=8, commands=(calling,)),))
    wiring = Wiring(
        [file(WORKFLOW, Workflow(line=1, system="github-actions", triggers=(Trigger(line=2, kind="push"),), jobs=(job,))), *files]
    )

    assert places(wiring, "src/train.py")[-2:] == [f"{WORKFLOW}:9", "src/train.py:1"]
    assert not places(wiring, "src/extra.py")


def test_a_script_that_writes_down_what_an_app_answers_to_does_not_run_the_app_that_it_imports() -> None:
    ends = Import(line=1, module="app.ends")
    files = file("app/__init__.py"), file("app/ends.py"), file("export_openapi.py", ends), file("openapi_client.py", ends)

    describing = wired(workflow("python export_openapi.py"), *files)
    calling = wired(workflow("python openapi_client.py"), *files)

    assert places(describing, "export_openapi.py")
    assert not places(describing, "app/ends.py")
    assert places(calling, "app/ends.py")


def test_a_path_from_the_checkout_folder_of_the_system_is_one_from_the_root() -> None:
    script = file("pkg/train.py")

    for command in (
        "python $GITHUB_WORKSPACE/pkg/train.py",
        "${CI_PROJECT_DIR}/pkg/train.py",
        "python $(Build.SourcesDirectory)/pkg/train.py",
        "python $BUILDKITE_BUILD_CHECKOUT_PATH/pkg/train.py",
    ):
        wiring = Wiring([workflow(command), script])
        assert places(wiring, "pkg/train.py")
        assert not wiring.unknown()
    unknown = Wiring([workflow("python $SOMEWHERE/pkg/train.py"), script])
    assert not places(unknown, "pkg/train.py")
    assert unknown.unknown()


@pytest.mark.parametrize("kind", ["hatch", "pdm", "rye", "pixi", "pipenv"])
def test_a_task_is_started_by_the_name_that_is_left_when_its_runner_is_taken_off(kind: str) -> None:
    task = Task(line=3, kind=kind, name="test", commands=(Command(line=4, words=("python", "check.py")),))

    def chain(command: str) -> list[str]:
        return places(Wiring([workflow(command), file("pyproject.toml", task), file("check.py")]), "check.py")

    assert chain("test")
    assert chain("test --quick")
    for own in ("test -f data.csv", "test ! -d out", "test $A = b"):
        assert not chain(own), own


def test_a_task_of_a_file_that_the_makefile_includes_is_started() -> None:
    files = file("Makefile", make("all")), file("mk/fit.mk", make("fit", "python fit.py")), file("fit.py")

    assert places(Wiring([workflow("make fit"), *files]), "fit.py")
    assert not places(Wiring([workflow("make all"), *files]), "fit.py")
    assert not places(Wiring([workflow("make gone"), *files]), "fit.py")


def test_a_task_may_be_a_function_of_a_module() -> None:
    task = Task(line=3, kind="poe", name="fit", inputs=("shop.fit:main",))
    files = file("pyproject.toml", task), file("shop/__init__.py"), file("shop/fit.py")

    assert places(Wiring([workflow("poe fit"), *files]), "shop/fit.py")


@pytest.mark.parametrize(
    ("command", "reached"),
    [
        ("pnpm --filter @shop/web check", True),
        ("pnpm --filter=web... check", True),
        ("npm run check -w web", True),
        ("yarn workspace @shop/web check", True),
        ("pnpm -r check", True),
        ("turbo run check", True),
        ("nx run-many --targets=lint,check", True),
        ("pnpm --filter api check", False),
        ("pnpm check", False),
        ("turbo run lint", False),
    ],
)
def test_a_script_of_a_package_is_started_by_the_workspace(command: str, reached: bool) -> None:
    script = Task(line=3, kind="npm", name="check", commands=(Command(line=4, words=("node", "tool.js")),))
    files = file("package.json", Task(line=3, kind="npm", name="other")), file("apps/web/package.json", script), file("apps/web/tool.js")

    assert bool(places(Wiring([workflow(command), *files]), "apps/web/tool.js")) is reached


@pytest.mark.parametrize(
    ("command", "reached"),
    [("npm ci", False), ("npm install ci", False), ("npm run ci", True), ("npm --prefix . run-script ci", True), ("yarn ci", True)],
)
def test_npm_runs_a_script_only_where_it_is_told_to(command: str, reached: bool) -> None:
    scripts = [
        Task(line=line, kind="npm", name=name, commands=(Command(line=line, words=("node", f"{name[-2:]}.js")),))
        for line, name in ((3, "ci"), (4, "check:ci"), (5, "lint:it"))
    ]
    wiring = Wiring([workflow(command), file("package.json", *scripts), file("ci.js"), file("it.js")])

    assert bool(places(wiring, "ci.js")) is reached
    assert not places(Wiring([workflow("npm run it"), file("package.json", *scripts), file("it.js")]), "it.js")


def test_what_always_runs_is_sought_in_the_nearest_folder_that_has_it() -> None:
    tree = Tree([file("shop/dbt/models/orders.sql"), file("bank/dbt/models/loans.sql"), file("models/all.sql")])

    assert tree.matching(("**/models/*.sql",), "shop/dags") == ["shop/dbt/models/orders.sql"]
    assert tree.matching(("**/models/*.sql",), "bank") == ["bank/dbt/models/loans.sql"]
    assert len(tree.matching(("**/models/*.sql",), "docs/dags")) == 3
    assert tree.matching(("**/seeds/*.sql",), "shop/dags") == []


def test_the_folder_that_a_step_names_is_that_of_its_tasks_however_it_is_written() -> None:
    script = Task(line=3, kind="npm", name="build", commands=(Command(line=4, words=("node", "tool.js")),))
    command = Command(line=9, words=("npm", "run", "build"))
    for folder in ("web", "./web", "web/", "${{ github.workspace }}/web"):
        step = Step(line=8, commands=(command,), arguments=(("working-directory", folder),))
        jobs = (Job(line=5, id="build", steps=(step,)),)
        wiring = Wiring(
            [
                file(WORKFLOW, Workflow(line=1, system="github-actions", triggers=(Trigger(line=2, kind="push"),), jobs=jobs)),
                file("package.json", Task(line=3, kind="npm", name="test")),
                file("web/package.json", script),
                file("web/tool.js"),
            ]
        )

        assert places(wiring, "web/tool.js"), folder


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("github-actions", ".github/workflows/ci.yml"), ("gitea-actions", ".gitea/workflows/ci.yml"), ("circleci", ".circleci/config.yml"),
        ("travis", ".travis.yml"), ("bitbucket", "bitbucket-pipelines.yml"),
    ],
)  # fmt: skip
def test_a_workflow_runs_where_its_system_looks_for_it_and_nowhere_else(system: str, place: str) -> None:
    run = Step(line=4, commands=(Command(line=4, words=("python", "train.py")),))
    fact = Workflow(line=1, system=system, triggers=(Trigger(line=2, kind="push"),), jobs=(Job(line=3, id="a", steps=(run,)),))

    assert places(Wiring([file(place, fact), file("train.py")]), "train.py")
    assert not places(Wiring([file(f"copied/{place}", fact), file("train.py")]), "train.py")


def test_what_only_a_person_starts_or_never_runs_reaches_nothing() -> None:
    script = file("train.py")

    assert places(Wiring([workflow("python train.py"), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", on="manual"), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", disabled=True), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", manual=True), script]), "train.py")
    assert not places(Wiring([workflow("python train.py", path="sub/.github/workflows/ci.yml"), script]), "train.py")
    assert not places(Wiring([workflow("python $SCRIPT"), script]), "train.py")


def test_a_workflow_that_waits_for_a_job_that_it_has_not_runs_nothing_where_its_system_refuses_it() -> None:
    def waiting(system: str, need: str) -> SourceFile:
        run = Step(line=4, commands=(Command(line=4, words=("python", "train.py")),))
        jobs = (Job(line=3, id="a", steps=(run,)), Job(line=6, id="b", needs=(need,)))
        place = ".github/workflows/ci.yml" if system == "github-actions" else ".gitlab-ci.yml"
        return file(place, Workflow(line=1, system=system, triggers=(Trigger(line=2, kind="push"),), jobs=jobs))

    script = file("train.py")

    assert places(Wiring([waiting("github-actions", "a"), script]), "train.py")
    assert places(Wiring([waiting("github-actions", "${{ matrix.a }}"), script]), "train.py")
    assert not places(Wiring([waiting("github-actions", "gone"), script]), "train.py")
    assert places(Wiring([waiting("gitlab-ci", "gone"), script]), "train.py")


def test_a_called_workflow_and_a_local_action_run_when_their_caller_does() -> None:
    called = workflow("python train.py", on="call", path=".github/workflows/train.yml")
    action = workflow("bash run.sh", on="call", path="tools/act/action.yml")
    action = file("tools/act/action.yml", *action.facts)
    files = [workflow(uses="./.github/workflows/train.yml"), called, file("train.py")]
    by_full_name = workflow(uses="org/repo/.github/workflows/train.yml@main")

    assert places(Wiring(files), "train.py")
    assert places(Wiring([by_full_name, *files[1:]]), "train.py")
    assert not places(Wiring(files[1:]), "train.py")


def test_a_task_runner_without_a_name_starts_the_first_make_target_but_every_tox_environment() -> None:
    tasks = (Task(line=1, kind="tox", name="py", commands=()), Task(line=2, kind="tox", name="lint", commands=()))
    tox = Wiring([workflow("tox"), file("tox.ini", *tasks)])
    targets = (make("a"), make("b"))
    made = Wiring([workflow("make"), file("Makefile", *targets)])

    assert [bool(tox.of(Point("tox.ini", task))) for task in tasks] == [True, True]
    assert [bool(made.of(Point("Makefile", task))) for task in targets] == [True, False]


@pytest.mark.parametrize(
    ("command", "started"),
    [
        ("nox -s test", ["test"]),
        ("nox -s test-3.12", ["test"]),
        ("nox -s test-pypy3.10(rows='2')", ["test"]),
        ("nox -s test-${VERSION}", ["test"]),
        ("nox -s test(rows='2')", ["test"]),
        ("nox -s test-data-3.12", ["test-data"]),
        ("nox -s test-docs", []),
    ],
)
def test_a_session_of_nox_is_named_with_its_interpreter_and_parameters(command: str, started: list[str]) -> None:
    sessions = [Task(line=line, kind="nox", name=name, commands=()) for line, name in enumerate(("test", "test-data", "lint"), 1)]
    wiring = Wiring([workflow(command), file("noxfile.py", *sessions)])

    assert [task.name for task in sessions if wiring.of(Point("noxfile.py", task))] == started


def test_a_test_run_reaches_the_tests_but_not_what_they_import() -> None:
    wiring = wired(workflow("pytest"), file("tests/test_a.py", Import(line=1, module="model"), role=Role.TEST), file("model.py"))

    assert places(wiring, "tests/test_a.py")
    assert not places(wiring, "model.py")


@pytest.mark.parametrize(
    ("command", "reached"),
    [
        ("cd api && pytest -q", ["api/tests/test_a.py"]),
        ("cd api && pytest tests", ["api/tests/test_a.py"]),
        ("cd jobs && pytest */test_*.py", ["jobs/one/test_c.py", "jobs/tests/test_b.py"]),
        ("cd web && pytest", ["api/tests/test_a.py", "jobs/one/test_c.py", "jobs/tests/test_b.py", "tests/test_d.py"]),
        ("pytest tests", ["tests/test_d.py"]),
    ],
)
def test_a_test_run_in_a_folder_reaches_the_tests_there(command: str, reached: list[str]) -> None:
    names = ("api/tests/test_a.py", "jobs/one/test_c.py", "jobs/tests/test_b.py", "tests/test_d.py")
    run = Step(line=8, commands=split(command))
    ran = Workflow(line=1, system="github-actions", triggers=(Trigger(line=2, kind="push"),), jobs=(Job(line=5, id="build", steps=(run,)),))
    wiring = wired(file(WORKFLOW, ran), file("web/app.py"), *(file(name, role=Role.TEST) for name in names))

    assert [name for name in names if places(wiring, name)] == reached


@pytest.mark.parametrize(
    ("command", "reached"),
    [
        ("python -m unittest tests.test_a tests.deep.test_c.Rows.test_sum -v", ["tests/test_a.py", "tests/deep/test_c.py"]),
        ("python -m unittest tests.deep", ["tests/deep/test_c.py"]),
        ("cd tests && python -m unittest test_b", ["tests/test_b.py"]),
        ("python -m unittest discover -s tests", ["tests/test_a.py", "tests/test_b.py", "tests/deep/test_c.py"]),
        ("python -m unittest elsewhere.test_a", ["tests/test_a.py", "tests/test_b.py", "tests/deep/test_c.py"]),
    ],
)
def test_a_test_run_that_names_modules_reaches_only_these(command: str, reached: list[str]) -> None:
    names = ("tests/test_a.py", "tests/test_b.py", "tests/deep/test_c.py")
    run = Step(line=8, commands=split(command))
    ran = Workflow(line=1, system="github-actions", triggers=(Trigger(line=2, kind="push"),), jobs=(Job(line=5, id="build", steps=(run,)),))
    wiring = wired(file(WORKFLOW, ran), *(file(name, role=Role.TEST) for name in names))

    assert [name for name in names if places(wiring, name)] == reached


def test_a_schedule_that_starts_a_server_runs_nothing_of_what_it_serves() -> None:
    files = [file("web.py", Import(line=1, module="fit")), file("fit.py")]

    def scheduled(command: str) -> bool:
        finder = wired(workflow(command, on="schedule"), *files)
        return finder.of(Point("fit.py"), only=Root.SCHEDULE) is not None

    assert scheduled("python web.py")
    assert not scheduled("uvicorn web:app")


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


@pytest.mark.parametrize(
    ("imported", "reached"),
    [
        ("shop.watch.Monitor", ["shop/watch/monitor.py"]),
        ("shop.Monitor", ["shop/watch/monitor.py"]),
        ("shop.watch", ["shop/watch/__init__.py", "shop/watch/monitor.py", "shop/watch/tracking.py"]),
        ("shop", ["shop/__init__.py", "shop/watch/__init__.py", "shop/watch/monitor.py", "shop/watch/tracking.py"]),
        ("shop.watch.LIMIT", ["shop/watch/__init__.py", "shop/watch/monitor.py", "shop/watch/tracking.py"]),
    ],
)
def test_a_name_that_a_package_only_hands_on_leads_to_where_it_comes_from(imported: str, reached: list[str]) -> None:
    files = [
        file("job.py", Import(line=1, module=imported)),
        file("shop/__init__.py", Import(line=1, module=".watch.Monitor"), Import(line=2, module=".watch.shop")),
        file("shop/watch/__init__.py", Import(line=1, module=".monitor.Monitor"), Import(line=2, module=".tracking.Tracker")),
        file("shop/watch/monitor.py"),
        file("shop/watch/tracking.py"),
        workflow("python job.py"),
    ]
    wiring = Wiring(files)

    assert [found.path for found in files if found.path.startswith("shop") and places(wiring, found.path)] == reached


def test_packages_that_hand_a_name_to_each_other_end() -> None:
    wiring = wired(
        workflow("python job.py"),
        file("job.py", Import(line=1, module="a.name")),
        file("a/__init__.py", Import(line=1, module="b.name")),
        file("b/__init__.py", Import(line=1, module="a.name")),
    )

    assert places(wiring, "job.py")


def test_an_image_build_runs_the_commands_of_its_dockerfile() -> None:
    task = Task(line=1, kind="docker", name="docker/Dockerfile", commands=(Command(line=3, words=("python", "train.py")),))
    wiring = Wiring([workflow("docker build -f docker/Dockerfile ."), file("docker/Dockerfile", task)])

    assert wiring.of(Point("docker/Dockerfile", task))


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


def task(kind: str, name: str, *commands: str, line: int = 3, **more: object) -> Task:
    return Task(line=line, kind=kind, name=name, commands=tuple(Command(line=4, words=tuple(c.split())) for c in commands), **more)  # type: ignore[arg-type]


def test_a_crontab_line_and_a_service_start_without_a_person_but_are_no_continuous_integration() -> None:
    cron = Wiring([file("crontab", task("cron", "nightly", "python train.py")), file("train.py")])
    unit = Wiring([file("app.service", task("systemd", "app.service", "python serve.py")), file("serve.py")])

    assert places(cron, "train.py") == ["crontab:3", "crontab:4", "train.py:1"]
    assert cron.of(Point("train.py"), only=Root.CI) is None
    assert places(unit, "serve.py")[0] == "app.service:3"


def test_a_schedule_is_told_from_a_push_and_from_a_service() -> None:
    script = file("train.py")

    assert Wiring([workflow("python train.py", on="schedule"), script]).of(Point("train.py"), only=Root.SCHEDULE)
    assert Wiring([file("crontab", task("cron", "nightly", "python train.py")), script]).of(Point("train.py"), only=Root.SCHEDULE)
    assert Wiring([workflow("python train.py"), script]).of(Point("train.py"), only=Root.SCHEDULE) is None
    assert (
        Wiring([file("a.service", task("systemd", "a.service", "python train.py")), script]).of(Point("train.py"), only=Root.SCHEDULE)
        is None
    )


def test_a_timer_is_a_schedule_of_its_service() -> None:
    timer, service = task("timer", "a.timer", needs=("a.service",)), task("systemd", "a.service", "python train.py")
    wiring = Wiring([file("units/a.timer", timer), file("units/a.service", service), file("train.py")])

    chain = wiring.of(Point("train.py"), only=Root.SCHEDULE) or ()
    assert [f"{hop.path}:{hop.line}" for hop in chain] == ["units/a.timer:3", "units/a.service:3", "units/a.service:4", "train.py:1"]
    assert chain[0].what == "on schedule"


def test_a_module_is_found_below_a_source_root_that_is_marked_as_a_package_too() -> None:
    files = [file("lib/src/__init__.py"), file("lib/src/jobs/__init__.py"), file("lib/src/jobs/load.py")]

    assert places(Wiring([workflow("jobs.load"), *files]), "lib/src/jobs/load.py")


def test_a_schedule_in_a_dag_reaches_what_its_commands_and_imports_run_and_a_schedule_of_none_does_not() -> None:
    def dag(schedule: str) -> Wiring:
        calls = (
            Call(line=5, name="airflow.DAG", keywords=(("schedule", schedule),)),
            Call(line=7, name="airflow.operators.bash.BashOperator", keywords=(("bash_command", "cd jobs && python load.py"),)),
        )
        return wired(file("dags/d.py", Import(line=1, module="lib"), *calls), file("jobs/load.py"), file("lib.py"))

    assert places(dag("@daily"), "jobs/load.py") == ["dags/d.py:5", "dags/d.py:7", "jobs/load.py:1"]
    assert places(dag("@daily"), "lib.py") == ["dags/d.py:5", "dags/d.py:1"]
    assert dag("@daily").of(Point("dags/d.py"))[0].what == "on schedule (Apache Airflow)"  # type: ignore[index]
    assert not places(dag("None"), "jobs/load.py")


def test_a_schedule_of_a_dag_runs_the_functions_that_its_file_names_and_no_other() -> None:
    dag = (
        Call(line=5, name="airflow.DAG", keywords=(("schedule", "@daily"),)),
        Definition(line=0, name=AROUND, uses=("load",)),
        Definition(line=7, name="load", end_line=8, uses=("lib.read",)),
        Definition(line=10, name="fit", end_line=11, uses=("lib.fit",)),
    )
    parts = (Definition(line=1, name="read", end_line=2), Definition(line=4, name="fit", end_line=5))
    wiring = wired(file("dags/d.py", Import(line=1, module="lib"), *dag), file("dags/lib.py", *parts))

    assert wiring.of(Point("dags/lib.py", part="read"))
    assert not wiring.of(Point("dags/lib.py", part="fit"))


def test_a_folder_is_changed_until_it_is_taken_back() -> None:
    files = [file("ml/train.py"), file("train.py"), file("ml/after.py"), file("after.py")]
    shell = Wiring([workflow("pushd ml", "python train.py", "popd", "python after.py"), *files])

    reached = [path for path in ("ml/train.py", "train.py", "ml/after.py", "after.py") if shell.of(Point(path))]
    assert reached == ["ml/train.py", "after.py"]


def test_a_folder_is_changed_for_the_commands_after_it_and_in_make_for_its_line_only() -> None:
    files = [file("ml/train.py"), file("ml/other.py"), file("other.py")]
    shell = Wiring([workflow("cd ml", "python train.py"), *files])
    lines = Task(
        line=3,
        kind="make",
        name="all",
        commands=(Command(line=4, words=("cd", "ml")), Command(line=5, words=("python", "other.py"))),
    )
    made = Wiring([workflow("make"), file("Makefile", lines), *files])

    assert places(shell, "ml/train.py")
    assert places(made, "other.py")
    assert not places(made, "ml/other.py")


def test_compose_brings_up_its_services_but_not_those_of_a_profile_or_of_another_name() -> None:
    compose = file(
        "compose.yaml",
        task("compose", "app", "python app.py"),
        task("compose", "tools", "python tools.py", line=8),
        Resource(line=3, dialect="compose", type="compose/Service", name="app"),
        Resource(line=8, dialect="compose", type="compose/Service", name="tools", conditional="dev"),
    )
    files = [compose, file("app.py"), file("tools.py")]

    assert places(Wiring([workflow("docker compose up -d"), *files]), "app.py")
    assert not places(Wiring([workflow("docker compose up -d"), *files]), "tools.py")
    assert places(Wiring([workflow("docker compose up tools"), *files]), "tools.py")
    assert not places(Wiring([workflow("docker compose up tools"), *files]), "app.py")


def test_a_workload_runs_the_start_command_of_the_image_that_the_repository_builds_under_its_name() -> None:
    workload = Resource(
        line=2,
        dialect="kubernetes",
        type="apps/Deployment",
        name="api",
        attributes=(("spec.template.spec.containers.image", "ghcr.io/org/api:1"),),
    )
    dockerfile = file("Dockerfile", task("docker", "Dockerfile"), task("docker-start", "Dockerfile", "uvicorn api.main:app", line=9))
    built = workflow("docker build -t ghcr.io/org/api .", on="manual")
    files = [dockerfile, file("api/__init__.py"), file("api/main.py"), file("k8s/api.yaml", workload)]

    assert places(wired(built, *files), "api/main.py") == ["k8s/api.yaml:2", "Dockerfile:9", "Dockerfile:4", "api/main.py:1"]
    assert not places(wired(*files), "api/main.py")


def test_what_only_a_person_starts_keeps_the_chain_from_that_person() -> None:
    files = [workflow("python train.py", on="manual"), file("train.py", Import(line=1, module="lib")), file("lib.py")]
    wiring = Wiring(files)
    found = Match(next(iter(matchers().signals)), 1)

    assert wiring.of(Point("lib.py")) is None
    assert next(f"{hop.path}:{hop.line} {hop.what}" for hop in wiring.by_hand("lib.py", found)) == f"{WORKFLOW}:2 started by hand"
    assert Wiring(files[1:]).by_hand("lib.py", found) == ()


def test_what_is_decided_when_it_runs_or_stands_elsewhere_is_named_as_unknown() -> None:
    wiring = wired(
        workflow("make $TARGET", "python train.py", "$RUN -q", "$MAKE all"),
        workflow(uses="org/repo/.github/workflows/x.yml@v1", path=WORKFLOW + "2"),
    )

    assert [(one.path, one.line, one.what) for one in wiring.unknown()] == [
        (WORKFLOW, 9, "$RUN -q"),
        (WORKFLOW, 9, "make $TARGET"),
        (WORKFLOW + "2", 8, "org/repo/.github/workflows/x.yml@v1"),
    ]


def test_the_chain_is_the_shortest_and_an_endless_one_is_cut() -> None:
    chained = [file(f"m{index}.py", Import(line=1, module=f"m{index + 1}")) for index in range(100)]
    wiring = Wiring([workflow("make all", "python m0.py"), file("Makefile", make("all", "python m0.py")), *chained])

    assert places(wiring, "m0.py") == [f"{WORKFLOW}:2", f"{WORKFLOW}:5", f"{WORKFLOW}:8", f"{WORKFLOW}:9", "m0.py:1"]
    assert max(len(places(wiring, f"m{index}.py")) for index in range(100)) == 40


def test_a_resource_of_several_containers_runs_each_command_and_an_image_only_where_nothing_replaces_its_own() -> None:
    def container(name: str, *words: str) -> tuple[tuple[str, str], ...]:
        at = "spec.template.spec.containers."
        return ((at + "name", name), (at + "image", f"org/{name}:1"), *((at + "command", word) for word in words))

    containers = (*container("one", "python", "one.py"), *container("two"), *container("three", "sh", "-c", "cd jobs && python three.py"))
    pod = Resource(line=2, dialect="kubernetes", type="apps/Deployment", name="api", attributes=containers)
    dockerfiles = [
        file(f"{name}/Dockerfile", task("docker-start", f"{name}/Dockerfile", f"python start_{name}.py")) for name in ("one", "two")
    ]
    built = workflow("docker build -t org/one one", "docker build -t org/two two", on="manual")
    scripts = [file(path) for path in ("one.py", "jobs/three.py", "start_one.py", "start_two.py")]
    wiring = wired(file("pod.yaml", pod), built, *dockerfiles, *scripts)

    assert [path for path in ("one.py", "jobs/three.py", "start_one.py", "start_two.py") if places(wiring, path)] == [
        "one.py", "jobs/three.py", "start_two.py",
    ]  # fmt: skip


def test_a_declared_job_runs_when_something_refers_to_it_and_not_because_its_file_is_deployed() -> None:
    def job(name: str, **attributes: str) -> Resource:
        pairs = (("Source.BuildSpec", f"{name}.yml"), *attributes.items())
        return Resource(line=3 if name == "a" else 5, dialect="cloudformation", type="AWS::CodeBuild::Project", name=name, attributes=pairs)

    def rule(target: str) -> Resource:
        return Resource(line=9, dialect="cloudformation", type="AWS::Events::Rule", name="r", attributes=(("Targets.Arn", target),))

    specs = [file("a.yml"), file("b.yml")]
    deployed = wired(workflow("aws cloudformation deploy --template-file t.yaml"), file("t.yaml", job("a"), job("b")), *specs)
    called = wired(file("t.yaml", job("a"), job("b"), rule("${a.Arn}")), *specs)

    assert places(deployed, "t.yaml")
    assert not places(deployed, "a.yml")
    assert places(called, "a.yml")
    assert not places(called, "b.yml")


def test_a_path_whose_folder_is_computed_names_the_near_file_or_the_only_one_that_ends_so() -> None:
    def ran(*paths: str, word: str = "{}/steps/fit.py") -> list[str]:
        call = Call(line=2, name="subprocess.run", arguments=(f"python {word}",))
        wiring = wired(workflow("python ml/flow.py"), file("ml/flow.py", call), *(file(path) for path in paths))
        return [path for path in paths if places(wiring, path)]

    assert ran("ml/steps/fit.py", "old/steps/fit.py") == ["ml/steps/fit.py"]
    assert ran("jobs/steps/fit.py", "steps/unfit.py") == ["jobs/steps/fit.py"]
    assert ran("a/steps/fit.py", "b/steps/fit.py") == []
    assert ran("src/fit.py", "ml/fit.py", word="{}/../src/fit.py") == ["src/fit.py"]
    assert ran("jobs/src/fit.py", "jobs/fit.py", word="{}/../../src/fit.py") == ["jobs/src/fit.py"]
    assert ran("a/src/fit.py", "b/src/fit.py", word="{}/../src/fit.py") == []
    assert ran("fit.py", word="{}") == []


def test_imports_are_looked_up_anew_in_a_file_that_changed_among_the_same_paths() -> None:
    before, after, other = file("a.py"), file("a.py", Import(line=1, module="b")), file("b.py")

    assert Modules.among([before, other]).imported(before) == ()
    assert [path for _, path in Modules.among([after, other]).imported(after)] == ["b.py"]
    assert Modules.among([after]).imported(after) == ()


@pytest.mark.parametrize(
    ("path", "module", "other"),
    [("web/run.js", "js:./clean", "web/clean.js"), ("fit.R", "r:clean.R", "clean.R"), ("fit.py", "clean", "clean.py")],
)
def test_a_file_that_comes_is_found_by_those_that_were_there_before(path: str, module: str, other: str) -> None:
    importing, lone = file(path, Import(line=1, module=module)), file("lone.md")

    assert Modules.among([importing, lone]).imported(importing) == ()
    assert [found for _, found in Modules.among([importing, lone, file(other)]).imported(importing)] == [other]
    assert Modules.among([importing, lone]).imported(importing) == ()


def test_the_phases_of_a_codebuild_share_a_shell() -> None:
    def reached(system: str) -> bool:
        phases = (
            Step(line=3, name="install", commands=(Command(line=3, words=("cd", "server/app")),)),
            Step(line=5, name="build", commands=(Command(line=5, words=("cd", "../")), Command(line=6, words=("./ship.sh",)))),
        )
        build = Workflow(line=1, system=system, triggers=(Trigger(line=1, kind="push"),), jobs=(Job(line=2, id="build", steps=phases),))
        script = file("server/ship.sh", Task(line=1, kind="shell", name="server/ship.sh", commands=()))
        wiring = wired(file("buildspec.yml", build), script, file("server/app/app.py"))
        return wiring.of(Point("server/ship.sh", script.facts[0])) is not None  # type: ignore[arg-type]

    assert reached("codebuild")
    assert not reached("gitlab-ci")


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("js:@acme/shop-back-common/src/llm", "packages/back-common/src/llm.ts"),
        ("js:@acme/back-common/src/llm", "packages/back-common/src/llm.ts"),
        ("js:@acme/back-common", "packages/back-common/src/index.ts"),
        ("js:@acme/shop-back-common/src/other", None),
        ("js:@acme/shop-back-common", None),
        ("js:shop-back-common/src/llm", None),
    ],
)
def test_a_package_of_the_repository_is_found_by_its_name_with_or_without_the_products(module: str, path: str | None) -> None:
    packages = [
        file("packages/back-common/package.json"),
        file("packages/back-common/src/llm.ts"),
        file("packages/back-common/src/index.ts"),
    ]
    api = file("packages/api/src/main.ts", Import(line=1, module=module))

    assert [found for _, found in Modules.among([*packages, api]).imported(api)] == ([path] if path else [])


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("jvm:shop.rows.Rows", "till/src/main/java/shop/rows/Rows.java"),
        ("jvm:shop.rows.Rows.keep", "till/src/main/java/shop/rows/Rows.java"),
        ("jvm:shop.lake.Lake", "lake/src/main/scala/shop/lake/Lake.scala"),
        ("jvm:other.rows.Rows", None),
        ("jvm:rows", None),
        ("jvm:", None),
        ("jvm:shop.Till", None),
    ],
)
def test_a_class_of_the_jvm_is_found_by_its_package_in_the_nearest_module(module: str, path: str | None) -> None:
    classes = [
        file("stock/src/main/java/shop/rows/Rows.java"),
        file("till/src/main/java/shop/rows/Rows.java"),
        file("lake/src/main/scala/shop/lake/Lake.scala"),
    ]
    till = file("till/src/main/java/shop/Till.java", Import(line=1, module=module))

    assert [found for _, found in Modules.among([*classes, till]).imported(till)] == ([path] if path else [])


@pytest.mark.parametrize("name", ["js:/clean", "js:", "js:@", "js:@/", "js:./", "js:~", "js:..", "js:@shop/", ".", "..", "", "a..b", "*"])
def test_an_import_that_names_no_module_leads_nowhere(name: str) -> None:
    files = [
        file("web/run.js", Import(line=1, module=name)),
        file("web/clean.js"),
        file("web/package.json"),
        file("run.py", Import(line=1, module=name)),
    ]

    assert [Modules.among(files).imported(one) for one in files] == [(), (), (), ()]


TASKS = """#!/bin/sh
task="${1:-all}"
python setup.py
case "$task" in
  fit|learn)
    python fit.py ;;
  "check")
    for one in a b; do python $one.py; done
    ;;
  both) ./go fit check ;;
  rel*) python release.py ;;
  *) python usage.py ;;
esac
"""


@pytest.mark.parametrize(
    ("script", "command", "reached"),
    [
        (TASKS, "./go fit", {"setup", "fit"}),
        (TASKS, "bash go learn -q", {"setup", "fit"}),
        (TASKS, "./go check", {"setup", "a", "b"}),
        (TASKS, "./go both", {"setup", "fit", "a", "b"}),
        (TASKS, "./go release", {"setup", "release"}),
        (TASKS, "./go help", {"setup", "usage"}),
        (TASKS, "./go", {"setup", "fit", "a", "b", "release", "usage"}),
        (TASKS, "./go $WHAT", {"setup", "fit", "a", "b", "release", "usage"}),
        (TASKS.replace('task="${1:-all}"', 'for task in "$@"; do true; done'), "./go fit", {"setup", "fit"}),
        (TASKS.replace('"$task"', "$1"), "./go fit", {"setup", "fit"}),
        (TASKS.replace('"$task"', "$(uname)"), "./go fit", {"setup", "fit", "a", "b", "release", "usage"}),
        (TASKS.replace('"check"', "--check"), "./go fit", {"setup", "fit", "a", "b", "release", "usage"}),
        ("case $1 in a) case $2 in b) python fit.py;; esac; python a.py;; c) python b.py;; esac; python setup.py", "bash go a b", {"fit", "a", "setup"}),
    ],
)  # fmt: skip
def test_of_a_script_s_branches_those_run_that_its_arguments_choose(script: str, command: str, reached: set[str]) -> None:
    programs = [file(f"{name}.py") for name in ("setup", "fit", "a", "b", "release", "usage")]
    tasks = file("go", *read_script("go", ("" if script.startswith("#!") else "#!/bin/sh\n").encode() + script.encode()))
    wiring = Wiring([workflow(command), tasks, *programs])

    assert {one.path.removesuffix(".py") for one in programs if wiring.of(Point(one.path))} == reached


def test_what_a_wiring_holds_goes_with_it() -> None:
    wiring = Wiring(
        [workflow("make all"), file("Makefile", make("all", "python fit.py")), file("fit.py", Import(line=1, module="lib")), file("lib.py")]
    )
    tree = ref(wiring.tree)
    gc.disable()
    try:
        del wiring
        assert tree() is None
    finally:
        gc.enable()


SENT = "name: Image\non: {first}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - {step}\n"
TAKEN = "on:\n  {second}\njobs:\n  b:\n    runs-on: x\n    steps:\n      - run: python fit.py\n"
DISPATCH = "repository_dispatch:\n    types: [fit]"


@pytest.mark.parametrize(
    ("first", "step", "second", "reached"),
    [
        ("workflow_dispatch", "uses: peter-evans/repository-dispatch@v3\n        with: {event-type: fit}", DISPATCH, False),
        ("push", "uses: peter-evans/repository-dispatch@v3\n        with: {event-type: fit}", DISPATCH, True),
        ("workflow_dispatch", "uses: peter-evans/repository-dispatch@v3\n        with: {event-type: other}", DISPATCH, True),
        ("workflow_dispatch", "uses: peter-evans/repository-dispatch@v3\n        with: {event-type: fit, repository: a/b}", DISPATCH, True),
        ("workflow_dispatch", "run: gh api repos/a/b/dispatches -f event_type=fit", DISPATCH, False),
        ("workflow_dispatch", "run: make", DISPATCH, True),
        ("workflow_dispatch", "uses: acme/tell@v1\n        with: {event-type: fit}", DISPATCH, True),
        ("workflow_dispatch", "run: make", "workflow_run:\n    workflows: [Image]", False),
        ("[workflow_dispatch, workflow_call]", "run: make", "workflow_run:\n    workflows: [Image]", True),
        ("push", "run: make", "workflow_run:\n    workflows: [Image]", True),
        ("workflow_dispatch", "run: make", "workflow_run:\n    workflows: [Image, Elsewhere]", True),
        ("workflow_dispatch", "run: make", "workflow_run:\n    workflows: [Image]\n  push:", True),
    ],
)  # fmt: skip
def test_what_runs_after_a_person_alone_does_not_run_by_itself(first: str, step: str, second: str, reached: bool) -> None:
    texts = {"a": SENT.replace("{first}", first).replace("{step}", step), "b": TAKEN.replace("{second}", second)}
    paths = {name: f".github/workflows/{name}.yml" for name in texts}
    workflows = [file(paths[name], *read_workflow(paths[name], text.encode())) for name, text in texts.items()]
    wiring = Wiring([*workflows, workflow("make", on="manual", path=".github/workflows/c.yml"), file("fit.py")])
    found = Match(next(iter(matchers().signals)), 1)

    assert bool(wiring.of(Point("fit.py"))) is reached
    assert bool(wiring.by_hand("fit.py", found)) is not reached
