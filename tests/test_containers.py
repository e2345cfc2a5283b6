"""Container files say what is built on what, what is installed and started, and which services stand together."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from rung.readers.containers import READINGS
from rung.records import Dependency, Fact, Image, Problem, Resource, Setting, Task


def facts(path: str, text: str) -> list[Fact]:
    """The facts of everything that claims the path; the text's first line is line 1."""
    data = dedent(text).lstrip("\n").encode()
    return [fact for reading in READINGS if reading.claims(path) for fact in reading.read(path, data)]


def images(found: list[Fact]) -> list[tuple[int, str, str]]:
    return [(fact.line, fact.name, fact.use) for fact in found if isinstance(fact, Image)]


def task(found: list[Fact], kind: str) -> Task:
    (only,) = [fact for fact in found if isinstance(fact, Task) and fact.kind == kind]
    return only


def lines(task: Task) -> list[tuple[int, str]]:
    return [(command.line, " ".join(command.words)) for command in task.commands]


DOCKERFILE = """
    # syntax=docker/dockerfile:1
    ARG TAG=3.11
    FROM --platform=linux/amd64 python:${TAG}-slim AS base
    COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/
    RUN --mount=type=cache,target=/root \\
        apt-get update && \\
        # a comment in between
        pip --no-cache-dir install "torch==2.1.0" pandas -r requirements.txt \\
          --index-url https://x/y
    COPY --chown=a requirements.txt src/ ./
    FROM base
    COPY --from=base /x /y
    ADD ["train.py", "https://x/y", "/app/"]
    RUN ["python", "-m", "compileall", "."]
    RUN <<EOF
    conda install -y -c forge numpy=1.26
    EOF
    USER app
    EXPOSE 8000 9000
    HEALTHCHECK --interval=5s CMD curl localhost
    ENTRYPOINT ["uv", "run", "python"]
    CMD ["-m", "app.serve"]
    """


def test_a_dockerfile_names_its_base_images_but_not_its_stages() -> None:
    assert images(facts("Dockerfile", DOCKERFILE)) == [(3, "python:3.11-slim", "base"), (4, "ghcr.io/astral-sh/uv:0.5", "base")]


def test_build_commands_stand_on_their_lines_and_local_files_are_inputs() -> None:
    build = task(facts("Dockerfile", DOCKERFILE), "docker")
    assert lines(build) == [
        (6, "apt-get update"),
        (8, "pip --no-cache-dir install torch==2.1.0 pandas -r requirements.txt --index-url https://x/y"),
        (14, "compileall ."),
        (16, "conda install -y -c forge numpy=1.26"),
    ]
    assert build.inputs == ("requirements.txt", "src/", "train.py")
    assert build.name == "Dockerfile"


def test_packages_installed_while_building_are_dependencies() -> None:
    found = [fact for fact in facts("Dockerfile", DOCKERFILE) if isinstance(fact, Dependency)]
    assert [(fact.line, fact.ecosystem, fact.name, fact.version, fact.pinned) for fact in found] == [
        (8, "pypi", "torch", "==2.1.0", True), (8, "pypi", "pandas", "", False), (16, "conda", "numpy", "=1.26", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("pip install . ./x ./y.whl -e z $A 'a[b]>=1'", ["pypi a"]),
        ("uv pip install --system x", ["pypi x"]),
        ("npm install -g serve@1.2.3 @a/b", ["npm serve", "npm @a/b"]),
        ("yarn global add x", ["npm x"]),
        ("install2.r --error xgboost", ["cran xgboost"]),
        ("Rscript -e \"install.packages(c('a', 'b.c'))\"", ["cran a", "cran b.c"]),
        ("pip download x", []),
        ("apt-get install -y python3-numpy", []),
    ],
)
def test_installers_name_what_they_install(run: str, expected: list[str]) -> None:
    found = facts("Dockerfile", f"FROM a\nRUN {run}\n")
    assert [f"{fact.ecosystem} {fact.name}" for fact in found if isinstance(fact, Dependency)] == expected


def test_the_last_stage_says_what_a_container_starts() -> None:
    start = task(facts("a/Dockerfile.gpu", DOCKERFILE), "docker-start")
    assert (start.line, lines(start), start.name) == (21, [(21, "app.serve")], "a/Dockerfile.gpu")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("CMD python a.py && b", ["python a.py", "b"]),
        ('ENV P=x\nCMD ["sh", "-c", "python $P.py"]', ["python x.py"]),
        ('ENTRYPOINT ["/run.sh"]', ["/run.sh"]),
        ("CMD a\nFROM x AS y\nCMD b", ["b"]),
        ("CMD a\nFROM first\nRUN x", ["a"]),
    ],
)
def test_every_form_of_start_is_read(end: str, expected: list[str]) -> None:
    assert [text for _, text in lines(task(facts("Dockerfile", f"FROM i AS first\n{end}\n"), "docker-start"))] == expected


def test_user_ports_and_health_check_are_settings() -> None:
    found = [(fact.line, fact.key, fact.value) for fact in facts("Dockerfile", DOCKERFILE) if isinstance(fact, Setting)]
    assert found == [
        (18, "dockerfile.user", "app"), (19, "dockerfile.expose", "8000 9000"), (20, "dockerfile.healthcheck", "--interval=5s CMD curl localhost"),
    ]  # fmt: skip


COMPOSE = """
    services:
      api:
        build: {context: ./api, dockerfile: docker/Dockerfile}
        image: ${IMAGE}
        depends_on: {db: {condition: service_healthy}}
        entrypoint: ["uv", "run"]
        command: ["uvicorn", "app:app"]
        environment:
          - MODE=prod
        profiles: [full]
      db:
        image: postgres:16
        command: >
          bash -c "make a
          && make b"
      bare:
        image: x/y
        command: ["--only-flags"]
    """


def test_compose_services_are_resources_with_images_and_tasks() -> None:
    found = facts("deploy/docker-compose.prod.yml", COMPOSE)
    assert images(found) == [(12, "postgres:16", "service"), (17, "x/y", "service")]
    resources = {fact.name: fact for fact in found if isinstance(fact, Resource)}
    assert (resources["api"].type, resources["api"].references, resources["api"].conditional) == ("compose/Service", ("db",), "full")
    assert ("environment.MODE", "prod") in resources["api"].attributes
    assert ("build.context", "./api") in resources["api"].attributes
    tasks = {fact.name: fact for fact in found if isinstance(fact, Task)}
    assert set(tasks) == {"api", "db"}
    assert lines(tasks["api"]) == [(6, "uvicorn app:app")]
    assert (tasks["api"].needs, tasks["api"].inputs) == (("db",), ("api/docker/Dockerfile",))
    assert lines(tasks["db"]) == [(14, "make a"), (15, "make b")]


def test_a_development_container_gives_its_image_and_settings() -> None:
    found = facts(".devcontainer/devcontainer.json", '// c\n{"image": "a/b:1",\n "features": {"x": {}},}\n')
    assert images(found) == [(2, "a/b:1", "base")]
    assert Setting(line=3, key="devcontainer.features.x", value="") in found


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("Dockerfile", True), ("a/b/Dockerfile.gpu", True), ("train.dockerfile", True), ("Dockerfile-dev", True), ("Containerfile", True),
        ("compose.yaml", True), ("docker-compose.override.yml", True), ("test-docker-compose.yml", True), (".devcontainer/x/devcontainer.json", True),
        ("Dockerfile.dockerignore", False), (".dockerignore", False), ("Dockerfile.md", False), ("composer-plan.yml", False), ("dockerfile.py", False),
        ("Dockerfile_lint.sh", False),
    ],
)  # fmt: skip
def test_container_files_are_told_by_their_names(path: str, claimed: bool) -> None:
    assert any(reading.claims(path) for reading in READINGS) is claimed


@pytest.mark.parametrize(
    ("path", "text"),
    [("Dockerfile", "hello world\n"), ("compose.yml", "services: [\n"), ("devcontainer.json", "{"), ("devcontainer.json", "[]")],
)
def test_what_cannot_be_read_is_a_problem(path: str, text: str) -> None:
    assert any(isinstance(fact, Problem) for fact in facts(path, text))


@pytest.mark.parametrize(
    "text", ["", "FROM", "FROM a\nRUN", "FROM a\nCOPY", "FROM a\nCMD []", "FROM a\nRUN <<X", "FROM a\nENV A", "FROM ${A}\nRUN \\"]
)
def test_broken_dockerfiles_never_raise(text: str) -> None:
    facts("Dockerfile", text)


def test_arguments_that_refer_to_each_other_stay_bounded() -> None:
    chain = "\n".join(f"ARG A{n}=$A{n + 1}$A{n + 1}" for n in range(50)) + "\n"
    found = facts("Dockerfile", chain * 3 + "FROM x:$A0" + "$A1" * 500 + "\n" + json.dumps(["x"]) + "\n")
    assert all(len(name) <= 2000 for _, name, _ in images(found))
