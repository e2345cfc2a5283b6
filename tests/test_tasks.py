"""Whatever names a unit of commands becomes a task: its commands on their lines, what it needs, and what it reads and writes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from textwrap import dedent

import pytest

from rung.readers.containers import read_dockerfile
from rung.readers.tasks import READINGS
from rung.records import Fact, Problem, Task
from rung.targets.roles import template_path


def facts(path: str, text: str) -> list[Fact]:
    """The facts of everything that claims the path; the text's first line is line 1."""
    data = dedent(text).lstrip("\n").encode()
    return [fact for reading in READINGS if reading.claims(template_path(path)) for fact in reading.read(path, data)]


def tasks(path: str, text: str) -> dict[str, Task]:
    return {fact.name: fact for fact in facts(path, text) if isinstance(fact, Task)}


def lines(task: Task) -> list[tuple[int, str]]:
    return [(command.line, " ".join(command.words)) for command in task.commands]


def test_a_makefile_gives_its_targets_with_variables_put_in() -> None:
    found = tasks(
        "Makefile",
        """
        PYTHON ?= $(shell which python3)
        SRC := src tests
        define EACH
        \t@for d in a; do \\
        \t\tterraform -chdir=$$d $(1); \\
        \tdone
        endef
        .PHONY: all test
        all: test | build  # everything
        test lint: $(SRC)
        \t@$(PYTHON) -m pytest $(SRC) \\
        \t  -q && echo $@
        ifeq ($(CI),true)
        \t-ruff check $(UNKNOWN)
        endif
        %.o: %.c
        \tcc $<
        plan: ; $(call EACH,plan)
        deploy: STAGE = prod
        deploy: plan
        \t$(MAKE) -C infra up
        """,
    )
    assert list(found) == ["all", "test", "lint", "%.o", "plan", "deploy"]
    assert found["all"].needs == ("test", "build")
    assert lines(found["test"]) == [(11, "pytest src tests -q"), (12, "echo test"), (14, "ruff check ${UNKNOWN}")]
    assert [command.toothless for command in found["test"].commands] == [False, False, True]
    assert found["lint"].needs == ("src", "tests")
    assert lines(found["%.o"]) == [(17, "cc %.c")]
    assert lines(found["plan"]) == [(18, "terraform -chdir=a plan")]
    assert (found["deploy"].line, found["deploy"].needs, lines(found["deploy"])) == (20, ("plan",), [(21, "make -C infra up")])


def test_a_variable_of_a_makefile_that_others_name_is_put_in() -> None:
    found = tasks(
        "Makefile",
        """
        VERBOSE ?= 0
        QUIET_0 := @
        QUIET_1 :=
        QUIET = $(QUIET_$(VERBOSE))
        LOOP = $(LOOP$(LOOP))
        push:
        \t$(QUIET)docker push shop
        \t$(LOOP) ls
        """,
    )
    assert lines(found["push"])[0] == (7, "docker push shop")


def test_a_justfile_gives_recipes_aliases_and_script_bodies() -> None:
    found = tasks(
        "justfile",
        """
        set shell := ["bash", "-c"]
        image := "app"
        alias t := test

        # run tests
        @test *args="-q: x": build (lint "a")
            pytest {{args}}
            -docker build -t {{image}} .

        build:
            #!/usr/bin/env bash
            set -e
            make all
        lint what:
            #!/usr/bin/env python
            import x
        """,
    )
    assert found["t"].needs == ("test",)
    assert found["test"].needs == ("build", "lint")
    assert lines(found["test"]) == [(7, "pytest {{args}}"), (8, "docker build -t app .")]
    assert found["test"].commands[1].toothless
    assert lines(found["build"]) == [(12, "set -e"), (13, "make all")]
    assert found["lint"].commands == ()


def test_a_taskfile_gives_commands_dependencies_sources_and_products() -> None:
    found = tasks(
        "Taskfile.yml",
        """
        version: "3"
        vars: {IMAGE: app}
        tasks:
          short: make x
          train:
            deps: [data, {task: env}]
            sources: [src/*.py]
            generates: [model.pkl]
            cmds:
              - python train.py
              - cmd: docker push {{.IMAGE}}
                ignore_error: true
              - task: report
              - |
                make a
                make b
        """,
    )
    assert lines(found["short"]) == [(4, "make x")]
    train = found["train"]
    assert train.needs == ("data", "env", "report")
    assert (train.inputs, train.outputs) == (("src/*.py",), ("model.pkl",))
    assert lines(train) == [(10, "python train.py"), (11, "docker push app"), (15, "make a"), (16, "make b")]
    assert [command.toothless for command in train.commands] == [False, True, False, False]


def test_tox_environments_inherit_refer_and_expand() -> None:
    found = tasks(
        "tox.ini",
        """
        [tox]
        envlist = py{311,312}, lint

        [testenv]
        commands =
            {envpython} -m pytest {posargs:tests} \\
                -q
            - coverage report

        [testenv:lint]
        commands = ruff check .
        [testenv:{a,b}-all]
        commands_pre = py311: make x
        commands = {[testenv:lint]commands}
        """,
    )
    assert found["py312"].needs == ("testenv",)
    assert [text for _, text in lines(found["testenv"])] == ["pytest tests -q", "coverage report"]
    assert found["testenv"].commands[1].toothless
    assert lines(found["lint"]) == [(11, "ruff check .")]
    assert [text for _, text in lines(found["b-all"])] == ["make x", "ruff check ."]
    assert tasks("setup.cfg", "[flake8]\nmax-line-length = 88\n") == {}


def test_nox_sessions_hold_the_commands_of_the_helpers_they_call() -> None:
    found = tasks(
        "noxfile.py",
        """
        import nox

        def helper(session):
            session.run("coverage", "report")

        @nox.session(python=["3.11"], name="unit", requires=["lint"])
        def tests(session: nox.Session) -> None:
            session.install("-e", ".", "pytest")
            session.run("python", "-m", "pytest", *session.posargs, f"--cov={x}")
            helper(session)
            session.notify("docs")

        @nox.session
        def lint(session): session.run(*ARGS)
        """,
    )
    assert lines(found["unit"]) == [(8, "pip install -e . pytest"), (9, "pytest --cov={}"), (4, "coverage report")]
    assert found["unit"].needs == ("lint", "docs")
    assert found["lint"].commands == ()


def test_nox_sessions_put_lists_among_the_words_of_a_command() -> None:
    found = tasks(
        "noxfile.py",
        """
        import nox

        PLACES = ["src", "tests"]

        @nox.session
        def lint(session): session.run("ruff", "check", *PLACES)

        @nox.session
        def unit(session):
            words = ("pytest", "-q")
            session.run(*words, *(session.posargs or ("tests/",)))

        @nox.session
        def either(session):
            words = ["pytest"]
            if session.posargs:
                words = ["pytest", "slow"]
            session.run("python", *words)
        """,
    )
    assert lines(found["lint"]) == [(6, "ruff check src tests")]
    assert lines(found["unit"]) == [(11, "pytest -q tests/")]
    assert lines(found["either"]) == [(18, "python")]


def test_invoke_tasks_are_read_where_invoke_is_imported() -> None:
    text = """
        from invoke import task

        @task
        def build_all(c): c.run("make all", warn=True)

        @task(build_all, pre=[call(clean)])
        def train(ctx, lr=1):
            ctx.run(f"uv run python -m train --lr {lr}")
            other.run("not this")
        """
    found = tasks("tasks.py", text)
    assert lines(found["build-all"]) == [(4, "make all")]
    assert found["build-all"].commands[0].toothless
    assert lines(found["train"]) == [(8, "train --lr {}")]
    assert found["train"].needs == ("build-all", "clean")
    assert set(tasks("tasks/ml.py", text)) == {"ml.build-all", "ml.train"}
    default = tasks("tasks/ml.py", text.replace("pre=", "default=True, pre="))
    assert (set(default), default["ml"].needs) == ({"ml.build-all", "ml.train", "ml"}, ("ml.train",))
    assert "tasks" not in tasks("tasks.py", text.replace("pre=", "default=True, pre="))
    assert tasks("app/tasks.py", text.replace("invoke", "celery")) == {}


def test_npm_scripts_need_their_hooks() -> None:
    found = tasks("package.json", json.dumps({"scripts": {"test": "npx jest && tsc", "pretest": "eslint ."}}, indent=1))
    assert [text for _, text in lines(found["test"])] == ["jest", "tsc"]
    assert (found["test"].line, found["test"].needs) == (3, ("pretest",))


def test_targets_of_an_nx_project_run_from_the_folder_that_they_name() -> None:
    found = tasks(
        "apps/shop/project.json",
        """
        {"targets": {
          "build": {"executor": "nx:run-commands", "options": {"commands": ["cdk synth", {"command": "ls"}], "cwd": "apps/shop"}},
          "up": {"command": "make up"},
          "test": {"executor": "@nx/jest:jest"},
          "pack": {"executor": "@nx/esbuild:esbuild"}}}
        """,
    )

    assert {name: lines(task) for name, task in found.items()} == {
        "build": [(2, "cd ../../apps/shop"), (2, "cdk synth"), (2, "ls")],
        "up": [(3, "cd ../.."), (3, "make up")],
        "test": [(4, "jest")],
    }


def test_pyproject_scripts_of_every_runner_are_tasks() -> None:
    found = tasks(
        "pyproject.toml",
        """
        [project.scripts]
        train = "app.train:main"
        [tool.poe.tasks]
        lint = "ruff check ."
        check = ["lint", {cmd = "pytest"}]
        serve = {shell = "make serve", deps = ["lint"], ignore_fail = true}
        go = {script = "app.go:main(1)"}
        [tool.pdm.scripts]
        both = {composite = ["lint", "echo a b"]}
        vector = {cmd = ["python", "-m", "x"]}
        [tool.hatch.envs.test.scripts]
        unit = "pytest {args}"
        cov = ["unit --cov", "- coverage html"]
        [tool.taskipy.tasks]
        docs = {cmd = "mkdocs build"}
        [tool.pixi.tasks]
        fit = {cmd = "python fit.py", depends-on = ["docs"], inputs = ["a.csv"], outputs = ["m.pkl"]}
        [tool.tox]
        legacy_tox_ini = '''
        [testenv:py]
        commands = mypy .
        '''
        """,
    )
    assert (found["train"].kind, found["train"].line, found["train"].inputs) == ("console", 2, ("app.train:main",))
    assert (found["lint"].kind, lines(found["lint"])) == ("poe", [(4, "ruff check .")])
    assert (found["check"].needs, lines(found["check"])) == (("lint",), [(5, "pytest")])
    assert found["serve"].needs == ("lint",)
    assert found["serve"].commands[0].toothless
    assert found["go"].inputs == ("app.go:main",)
    assert (found["both"].kind, found["both"].needs) == ("pdm", ("lint", "echo"))
    assert [text for _, text in lines(found["vector"])] == ["x"]
    assert (found["cov"].kind, found["cov"].needs, found["cov"].commands[1].toothless) == ("hatch", ("unit",), True)
    assert found["docs"].kind == "taskipy"
    assert (found["fit"].needs, found["fit"].inputs, found["fit"].outputs) == (("docs",), ("a.csv",), ("m.pkl",))
    assert (found["py"].kind, lines(found["py"])) == ("tox", [(21, "mypy .")])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = --cov=shop -q"),
        (".pytest.ini", "[pytest]\naddopts = --cov=shop\n  -q"),
        ("tox.ini", "[pytest]\naddopts = --cov=shop -q"),
        ("setup.cfg", "[tool:pytest]\naddopts = --cov=shop -q"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "--cov=shop -q"'),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = ["--cov=shop", "-q"]'),
        ("pyproject.toml", '[tool.pytest]\naddopts = ["--cov=shop", "-q"]'),
    ],
)
def test_options_that_pytest_is_given_by_its_configuration_are_a_run_with_them(path: str, text: str) -> None:
    (task,) = tasks(path, text).values()
    assert (task.kind, task.line, [command.words for command in task.commands]) == ("pytest", 2, [("pytest", "--cov=shop", "-q")])


def test_a_configuration_of_pytest_without_options_gives_no_run() -> None:
    assert tasks("pytest.ini", "[pytest]\naddopts =\ntestpaths = tests") == {}


def test_a_mise_file_gives_its_tasks() -> None:
    found = tasks(
        "mise.toml",
        """
        [tools]
        uv = "latest"
        [tasks]
        lint = "ruff check ."
        [tasks.check]
        depends = ["lint", "check:types"]
        run = ["mise run test", {task = "docs"}]
        [tasks."check:types"]
        run = "uv run mypy src"
        """,
    )
    assert {name: task.kind for name, task in found.items()} == dict.fromkeys(("lint", "check", "check:types"), "mise")
    assert (lines(found["lint"]), lines(found["check:types"])) == ([(4, "ruff check .")], [(9, "mypy src")])
    assert (found["check"].needs, lines(found["check"])) == (("docs", "lint", "check:types"), [(7, "mise run test")])
    assert tasks(".config/mise.toml", '[tasks]\na = "pytest"\n')
    assert not tasks("promise.toml", '[tasks]\na = "pytest"\n')


def test_the_scripts_of_a_pipfile_are_tasks() -> None:
    found = tasks("Pipfile", '[packages]\nrich = "*"\n[scripts]\ntest = "pytest -q"\n')
    assert {name: (task.kind, lines(task)) for name, task in found.items()} == {"test": ("pipenv", [(4, "pytest -q")])}


def test_shell_scripts_are_tasks_named_by_their_path() -> None:
    found = tasks("deploy/run.sh", "#!/bin/sh\nset -e\nuv run train.py\n")
    assert lines(found["deploy/run.sh"]) == [(2, "set -e"), (3, "train.py")]
    assert lines(tasks("scripts/go", "#!/usr/bin/env bash\nmake\n")["scripts/go"]) == [(2, "make")]
    assert lines(tasks("go", "#!/bin/bash\nmake\n")["go"]) == [(2, "make")]
    for path, text in (
        ("scripts/go", "make\n"),
        ("scripts/go", "#!/usr/bin/python\nmake\n"),
        ("src/go", "#!/bin/sh\nmake\n"),
        ("a.sh", "#!/usr/bin/perl\nx\n"),
    ):
        assert tasks(path, text) == {}


def test_windows_scripts_give_the_lines_that_start_programs() -> None:
    powershell = """
        <# make x
        #>
        param([string]$Name = "a")
        $x = "python"
        if ($x) {
          python .\\src\\train.py `
            --lr 1
          & "az" ml job create
        }
        """
    assert lines(tasks("a.ps1", powershell)["a.ps1"]) == [(6, "python ./src/train.py --lr 1"), (8, "az ml job create")]
    assert lines(tasks("a.bat", "@echo off\r\nrem make x\r\ncall python a\\b.py\r\n")["a.bat"]) == [(3, "python a/b.py")]


def test_dvc_stages_know_their_order_and_frozen_ones_run_nothing() -> None:
    found = tasks(
        "dvc.yaml",
        """
        stages:
          prepare:
            wdir: data
            cmd: python prepare.py
            deps: [raw.csv]
            outs:
              - clean.csv: {cache: false}
          train:
            cmd:
              - python train.py
              - echo done
            deps: [data/clean.csv]
            params: [lr, conf.yaml: [a]]
            metrics: [m.json]
          old:
            frozen: true
            cmd: python old.py
          each:
            foreach: [a, b]
            do:
              cmd: python each.py ${item}
        """,
    )
    assert (found["prepare"].inputs, found["prepare"].outputs) == (("data/raw.csv",), ("data/clean.csv",))
    assert lines(found["train"]) == [(10, "python train.py"), (11, "echo done")]
    assert (found["train"].needs, found["train"].inputs, found["train"].outputs) == (
        ("prepare",),
        ("data/clean.csv", "params.yaml", "conf.yaml"),
        ("m.json",),
    )
    assert found["old"].commands == ()
    assert lines(found["each"]) == [(21, "python each.py ${item}")]


def test_rules_of_snakemake_have_the_commands_of_their_shell_or_script() -> None:
    found = tasks(
        "workflow/rules/fit.smk",
        '''
        rule fetch:
            output: "raw.csv"
            shell:
                "curl -o {output} "
                'https://example.org/raw.csv'

        checkpoint clean:
            shell: """
                python clean.py {input}
                echo "done"
                """

        rule fit:
            script: "../scripts/fit.R"

        rule old:
            run:
                shell("python old.py")
        ''',
    )

    assert {task.kind for task in found.values()} == {"snakemake"}
    assert [task.line for task in found.values()] == [1, 7, 13, 16]
    assert lines(found["fetch"]) == [(4, "curl -o {output} https://example.org/raw.csv")]
    assert lines(found["clean"]) == [(9, "python clean.py {input}"), (10, "echo done")]
    assert lines(found["fit"]) == [(14, "Rscript workflow/rules/../scripts/fit.R")]
    assert lines(found["old"]) == []


LAUNCHED = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>org.shop.train</string>
  <key>ProgramArguments</key>
  <array>
    <string>/usr/bin/python3</string>
    <string>train.py</string><string>--fast</string>
  </array>
  <key>StartInterval</key>
  <integer>900</integer>
</dict>
</plist>
"""


def test_entry_points_processes_schedules_and_services_are_tasks() -> None:
    project = tasks("MLproject", 'name: x\nentry_points:\n  main:\n    command: "python train.py {lr}"\n')
    assert (project["main"].kind, lines(project["main"])) == ("mlproject", [(4, "python train.py {lr}")])
    assert lines(tasks("Procfile", "web: cd app && gunicorn x\n")["web"]) == [(1, "cd app"), (1, "gunicorn x")]
    cron = tasks("cron.d/train", "# c\nMAILTO=x\n0 3 * * MON-FRI root /usr/bin/python train.py\n@daily ml make x\n")
    assert {name: lines(task) for name, task in cron.items()} == {"0 3 * * MON-FRI": [(3, "python train.py")], "@daily": [(4, "make x")]}
    assert lines(tasks("crontab", "*/5 * * * * make x\n")["*/5 * * * *"]) == [(1, "make x")]
    assert lines(tasks("deploy/backup-cron", "0 3 * * 1 make x\n")["0 3 * * 1"]) == [(1, "make x")]
    service = tasks("a/train.service", "[Service]\nExecStart=-/usr/bin/python3 train.py \\\n  --x\n")
    assert lines(service["train.service"]) == [(2, "python train.py --x")]
    assert service["train.service"].commands[0].toothless
    timer = facts("train.timer", "[Timer]\nOnCalendar=daily\n")
    assert [fact.needs for fact in timer if isinstance(fact, Task)] == [("train.service",)]
    filled_in = facts("units/train.timer.template", "[Timer]\nOnCalendar=daily\n")
    assert [fact.needs for fact in filled_in if isinstance(fact, Task)] == [("train.service",)]
    assert {name: (task.kind, task.line, lines(task)) for name, task in tasks("a.plist", LAUNCHED).items()} == {
        "org.shop.train": ("cron", 11, [(6, "python train.py --fast")])
    }
    kept = LAUNCHED.replace("StartInterval", "KeepAlive").replace("<integer>900</integer>", "<true/>")
    assert [task.kind for task in tasks("a.plist", kept).values()] == ["systemd"]
    program = LAUNCHED.replace("<dict>", "<dict><key>Program</key><string>/opt/shop/run</string>")
    assert lines(tasks("a.plist", program)["org.shop.train"]) == [(3, "/opt/shop/run train.py --fast")]
    assert tasks("a.plist", LAUNCHED.replace("StartInterval", "Nice")) == {}
    assert tasks("a.plist", LAUNCHED.replace("<dict>", "<dict><key>Disabled</key><true/>")) == {}
    assert lines(tasks("supervisord.conf", "[program:api]\ncommand = uvicorn a:b\n")["api"]) == [(2, "uvicorn a:b")]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ('(crontab -l; echo "0 3 * * * cd app && python fit.py") | crontab -\n', {"0 3 * * *": [(1, "cd app"), (1, "python fit.py")]}),
        ('AT="0 3 * * *"\nJOB="$AT ./fit.sh"\necho "$JOB" | crontab -\n', {"0 3 * * *": [(3, "./fit.sh")]}),
        ("crontab - <<END\nMAILTO=x\n*/5 * * * * make fit\n@daily make x\nEND\n", {"*/5 * * * *": [(3, "make fit")], "@daily": [(4, "make x")]}),
        ("cat <<END > jobs\n0 3 * * 1 make fit\nEND\ncrontab -u ml jobs\n", {"0 3 * * 1": [(2, "make fit")]}),
        ("echo '0 3 * * * ml make fit' | sudo tee /etc/cron.d/fit\n", {"0 3 * * *": [(1, "make fit")]}),
        ("# 0 3 * * * make fit\necho '0 3 * * * make fit'\ncrontab -e\n", {}),
        ("echo '0 3 * * * make fit' > jobs\ncrontab -l\n", {}),
    ],
    ids=["added", "by variables", "a here-document", "a file", "the system's", "said only", "listed only"],
)  # fmt: skip
def test_entries_that_a_script_or_an_image_puts_into_a_crontab_are_schedules(text: str, entries: dict[str, list[tuple[int, str]]]) -> None:
    def found(facts: Iterable[Fact]) -> dict[str, list[tuple[int, str]]]:
        return {fact.name: lines(fact) for fact in facts if isinstance(fact, Task) and fact.kind == "cron"}

    assert found(facts("install.sh", text)) == entries
    if "<<" not in text:
        image = "FROM a\nRUN " + text.strip().replace("\n", "; \\\n")
        moved = {name: [(line + 1, said) for line, said in listed] for name, listed in entries.items()}
        assert found(read_dockerfile("Dockerfile", image.encode())) == moved


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dvc.yaml", "stages: [\n"), ("tox.ini", "a\n[x\n"), ("noxfile.py", "def (:\n"), ("Makefile", "x" * (512 * 1024 + 1)), ("noxfile.py", "(" * 5000),
        ("Taskfile.yml", "a: b: c\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_problem(path: str, text: str) -> None:
    assert any(isinstance(fact, Problem) for fact in facts(path, text))


@pytest.mark.parametrize("path", ["pyproject.toml", "package.json", "setup.cfg", "pixi.toml"])
def test_a_broken_manifest_is_reported_once_by_the_reading_of_manifests(path: str) -> None:
    assert facts(path, "[[[") == []


@pytest.mark.parametrize(
    "path",
    [
        "Makefile",
        "a.mk",
        "justfile",
        "Taskfile.yml",
        "tox.ini",
        "noxfile.py",
        "tasks.py",
        "package.json",
        "mise.toml",
        "a.sh",
        "a.ps1",
        "dvc.yaml",
        "Snakefile",
    ],
)
@pytest.mark.parametrize(
    "text",
    ['rule a:\n  shell: "' + "'" * 999, "", "\0", "\ufffd", "- 1", "[]", "null", "stages: 3", "tasks: [a, 1]", "a: {b: c}", "$(" * 999],
)
def test_strange_contents_never_raise(path: str, text: str) -> None:
    facts(path, text)
