"""What each matcher takes for a match, and what it must not."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from rung import records
from rung.hits import ONLY_MATCHED
from rung.matchers import Matchers
from rung.readers.reading import Asked
from rung.readers.shell import split
from rung.records import (
    Call,
    Command,
    Dependency,
    Detector,
    Fact,
    Image,
    Import,
    Job,
    Literal,
    Packs,
    Resource,
    ResourceType,
    Role,
    Setting,
    Signal,
    SourceFile,
    Step,
    Strength,
    Task,
    Trigger,
    Workflow,
)


def compiled(matcher: str, arguments: Any) -> Matchers:
    given = arguments if isinstance(arguments, dict) else {"any": arguments}
    signal = Signal(
        id="s", capability="data.quality", strength=Strength.IMPLEMENTED, matcher=matcher, arguments=given, where=(Role.SOURCE,)
    )
    types = (ResourceType(type="AWS::S3::Bucket", terraform=("aws_s3_bucket",)),)
    detector = Detector(id="d", title="D", homepage="", signals=(signal,))
    return Matchers(Packs(detectors=(detector,), capabilities=(), resources=types, frameworks=(), digest=""))


def matches(matcher: str, arguments: Any, *facts: Fact, path: str = "a.py", local: str = "", **file: Any) -> bool:
    matchers = compiled(matcher, arguments)
    read = matchers.matched(SourceFile(path=path, size=file.pop("size", 10), facts=facts, **file))
    return bool(list(matchers.matches(read, lambda root: root == local)))


@pytest.mark.parametrize(
    ("pattern", "call", "expected"),
    [
        ("mlflow.log_metric", Call(line=1, name="mlflow.log_metric"), True),
        ("mlflow.log_*", Call(line=1, name="mlflow.log_params"), True),
        ("mlflow.log_*", Call(line=1, name="other.log_params"), False),
        ("mlflow.*.log_model", Call(line=1, name="mlflow.sklearn.log_model"), True),
        ("mlflow.*.log_model", Call(line=1, name="mlflow.log_model"), False),
        ("*.fit", Call(line=1, name="self.model.fit"), True),
        ("*.fit", Call(line=1, name="fit"), False),
        ("a.f(x=)", Call(line=1, name="a.f", keywords=(("x", ""),)), True),
        ("a.f(x=)", Call(line=1, name="a.f", keywords=(("y", ""),)), False),
        ("a.f(x=on*)", Call(line=1, name="a.f", keywords=(("x", "one"),)), True),
        ("a.f(x=on*)", Call(line=1, name="a.f", keywords=(("x", "two"),)), False),
        ("a.f(x!=on*)", Call(line=1, name="a.f", keywords=(("x", "two"),)), True),
        ("a.f(x!=on*)", Call(line=1, name="a.f", keywords=(("y", "one"),)), True),
        ("a.f(x!=on*)", Call(line=1, name="a.f", keywords=(("x", "one"),)), False),
        ("a.f(*.csv, !*://*)", Call(line=1, name="a.f", arguments=("here", "one.csv")), True),
        ("a.f(*.csv, !*://*)", Call(line=1, name="a.f", arguments=("https://x.org/one.csv",)), False),
        ("a.read(s3://*)", Call(line=1, name="a.read", arguments=("s3://b/k",)), True),
        ("a.read(s3://*)", Call(line=1, name="a.read", arguments=("local",)), False),
        ("boto3.client[sagemaker].create_endpoint", Call(line=1, name="boto3.client[sagemaker].create_endpoint"), True),
        ("boto3.client[sagemaker].create_endpoint", Call(line=1, name="boto3.client[s3].create_endpoint"), False),
        ("boto3.client.create_endpoint", Call(line=1, name="boto3.client[sagemaker].create_endpoint"), True),
        ("a.b", Call(line=1, name="axb"), False),
    ],
)
def test_a_call_is_matched_by_its_resolved_name_and_its_arguments(pattern: str, call: Call, expected: bool) -> None:
    assert matches("call", [pattern], call) is expected


def test_a_call_may_match_by_its_name_whatever_its_arguments() -> None:
    matchers = compiled("call", ["*.log_model(name=)", "boto3.client[sagemaker].create_*", "mlflow.log_metric(acc)"])
    names = (
        "a.b.log_model", "log_model", "boto3.client[sagemaker].create_model", "boto3.client[s3].create_bucket", "mlflow.log_metric",
        "other.log_metric", "mlflow.log_param",
    )  # fmt: skip

    assert [name for name in names if matchers.may_match(name)] == [
        "a.b.log_model", "boto3.client[sagemaker].create_model", "mlflow.log_metric",
    ]  # fmt: skip


def test_a_module_of_the_repository_is_not_the_library_of_that_name() -> None:
    assert not matches("call", ["mlflow.log_metric"], Call(line=1, name="mlflow.log_metric"), local="mlflow")
    assert not matches("import", ["mlflow"], Import(line=1, module="mlflow.x"), local="mlflow")


@pytest.mark.parametrize(
    ("wanted", "module", "expected"),
    [
        ("mlflow", "mlflow", True),
        ("mlflow", "mlflow.sklearn", True),
        ("mlflow", "mlflowx", False),
        ("js:@a/b", "js:@a/b/c", True),
        ("js:@a/b", "js:@a/bc", False),
    ],
)
def test_an_import_is_matched_with_everything_below_it(wanted: str, module: str, expected: bool) -> None:
    assert matches("import", [wanted], Import(line=1, module=module)) is expected


@pytest.mark.parametrize(
    ("wanted", "ecosystem", "name", "expected"),
    [
        ("dvc", "pypi", "dvc", True),
        ("dvc", "conda", "dvc", True),
        ("dvc", "npm", "dvc", False),
        ("npm:dvc", "npm", "dvc", True),
        ("maven:org.dvc:dvc-core", "maven", "org.dvc:dvc-core", True),
        ("maven:org.dvc:dvc-core", "maven", "org.other:dvc-core", False),
        ("dvc", "pypi", "dvc-s3", False),
    ],
)
def test_a_dependency_is_matched_by_its_whole_name_in_its_ecosystem(wanted: str, ecosystem: str, name: str, expected: bool) -> None:
    assert matches("dependency", [wanted], Dependency(line=1, ecosystem=ecosystem, name=name)) is expected


@pytest.mark.parametrize(
    ("words", "into", "expected"),
    [
        (("dump", "shop"), "", True),
        (("dump", "shop"), "gzip", True),
        (("dump", "--empty", "shop"), "", False),
        (("dump", "--tables=a", "shop"), "", False),
        (("dump", "shop"), "load", False),
        (("dump", "load"), "", True),
    ],
)
def test_a_command_without_words_has_none_of_them_and_ends_in_none(words: tuple[str, ...], into: str, expected: bool) -> None:
    task = Task(line=1, kind="make", name="x", commands=(Command(line=2, words=words, into=into),))
    assert matches("command", {"run": ["dump"], "without": ["--empty", "--tables*", "|load"]}, task) is expected


@pytest.mark.parametrize(
    ("pattern", "words", "expected"),
    [
        ("dvc repro", ("dvc", "repro", "-f"), True),
        ("dvc repro", ("dvc", "--cd", "x", "repro"), True),
        ("dvc repro", ("dvc", "push"), False),
        ("terraform apply", ("/usr/bin/terraform", "-chdir=infra", "apply"), True),
        ("python *train*.py", ("python", "src/train.py"), True),
        ("python *train*.py", ("python", "src/test.py"), False),
        ("*.sh", ("./deploy.sh",), True),
    ],
)
def test_a_command_is_matched_by_its_program_and_its_words_in_order(pattern: str, words: tuple[str, ...], expected: bool) -> None:
    assert matches("command", [pattern], Task(line=1, kind="make", name="x", commands=(Command(line=2, words=words),))) is expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("from shop import train; train.main()", True),
        ("import subprocess; subprocess.run(['python', 'train.py'])", True),
        ("import train", False),
        ("import train; print('train')", False),
        ("import importlib; importlib.import_module('train')", False),
        ("from shop import client; client.get('training')", False),
    ],
)
def test_a_program_written_in_a_command_says_what_it_calls(program: str, expected: bool) -> None:
    task = Task(line=1, kind="make", name="x", commands=split(f'python -c "{program}"'))

    assert matches("command", ["python *train*"], task) is expected


def test_a_command_counts_unless_a_step_of_its_job_does_what_it_must_not() -> None:
    deploys = Step(line=5, commands=(Command(line=5, words=("kubectl", "apply")),))

    def runs(*before: Step) -> bool:
        jobs = (Job(line=3, id="j", steps=(*before, deploys)), Job(line=9, id="k", steps=(Step(line=10, uses="helm/kind-action@v1"),)))
        wanted = {"run": ["kubectl apply"], "apart": ["helm/kind-action*", "kind create *"]}
        return matches("command", wanted, Workflow(line=1, system="github-actions", jobs=jobs))

    assert runs()
    assert not runs(Step(line=4, uses="helm/kind-action@v1"))
    assert not runs(Step(line=4, commands=(Command(line=4, words=("kind", "create", "cluster")),)))


def test_a_job_counts_unless_it_or_one_of_its_kind_that_it_waits_for_does_what_it_must_not() -> None:
    plans = Step(line=5, commands=(Command(line=5, words=("terraform", "plan")),))
    wanted = {"job": ["*drift*"], "apart": ["terraform *"]}

    def found(*jobs: Job) -> bool:
        return matches("workflow", wanted, Workflow(line=1, system="github-actions", jobs=jobs))

    assert found(Job(line=3, id="drift"))
    assert found(Job(line=3, id="drift", needs=("infra",)), Job(line=4, id="infra", steps=(plans,)))
    assert not found(Job(line=3, id="drift", steps=(plans,)))
    assert not found(Job(line=3, id="drift", steps=(plans,)), Job(line=6, id="drift-report", needs=("drift",)))


def step(**fields: Any) -> Workflow:
    return Workflow(
        line=1,
        system="github-actions",
        triggers=(Trigger(line=2, kind="push"),),
        jobs=(Job(line=3, id="j", steps=(Step(line=4, **fields),)),),
    )


def test_a_step_is_matched_by_what_it_uses_without_the_version_and_by_its_arguments() -> None:
    assert matches("step", ["iterative/setup-cml"], step(uses="iterative/setup-cml@v2"))
    assert not matches("step", ["iterative/setup-cml"], step(uses="iterative/setup-dvc@v2"))
    wanted = {"uses": "docker/build-push-action", "with": {"push": True}}
    assert matches("step", wanted, step(uses="docker/build-push-action@v6", arguments=(("push", "true"),)))
    assert not matches("step", wanted, step(uses="docker/build-push-action@v6", arguments=(("push", "false"),)))
    keyless = {"uses": "pypa/gh-action-pypi-publish", "without": ["password"]}
    assert matches("step", keyless, step(uses="pypa/gh-action-pypi-publish@v1"))
    assert not matches("step", keyless, step(uses="pypa/gh-action-pypi-publish@v1", arguments=(("password", "${{ secrets.KEY }}"),)))


def test_a_step_is_matched_by_the_conditions_on_which_it_and_its_job_run() -> None:
    wanted = {"uses": "acme/open-issue", "with": {"@if": "*failure*"}}
    assert matches("step", wanted, step(uses="acme/open-issue@v1", condition="${{ failure() }}"))
    assert not matches("step", wanted, step(uses="acme/open-issue@v1", condition="success()"))
    assert not matches("step", wanted, step(uses="acme/open-issue@v1"))
    opens = Step(line=4, uses="acme/open-issue@v1")
    late = Workflow(line=1, system="github-actions", jobs=(Job(line=3, id="j", condition="failure()", steps=(opens,)),))
    assert matches("step", wanted, late)


def test_a_called_workflow_is_matched_by_what_the_job_hands_to_it() -> None:
    def called(value: str) -> Workflow:
        handed = Step(line=6, name="with", arguments=(("enable_linting", value),))
        job = Job(line=3, id="j", uses="owner/shared/.github/workflows/python.yml@main", steps=(handed,))
        return Workflow(line=1, system="github-actions", triggers=(Trigger(line=2, kind="push"),), jobs=(job,))

    wanted = {"uses": "*/.github/workflows/*", "with": {"*lint*": True}}
    assert matches("step", wanted, called("true"))
    assert not matches("step", wanted, called("false"))


def test_a_workflow_is_matched_by_its_system_its_triggers_and_its_jobs() -> None:
    assert matches("workflow", {"trigger": ["push"]}, step())
    assert not matches("workflow", {"trigger": ["schedule"]}, step())
    assert not matches("workflow", {"system": "jenkins"}, step())
    assert not matches("workflow", {"environment": "prod*"}, step())


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((("tox", {}), ("twine upload", {})), True),
        ((("twine upload", {}), ("tox", {})), False),
        ((("tox", {"continue_on_error": True}), ("twine upload", {})), False),
        ((("tox", {"condition": "github.event_name == 'pull_request'"}), ("twine upload", {})), False),
        ((("tox", {}), ("twine upload", {"condition": "always()"})), False),
        ((("tox", {"disabled": True}), ("twine upload", {})), False),
    ],
)
def test_a_step_holds_back_the_later_ones_of_its_job_when_it_always_runs_and_can_fail(steps: Any, expected: bool) -> None:
    made = tuple(Step(line=4, commands=(Command(line=4, words=tuple(run.split())),), **fields) for run, fields in steps)
    workflow = Workflow(line=1, system="jenkins", jobs=(Job(line=3, id="j", steps=made),))

    assert matches("workflow", {"first": ["tox*"], "then": ["twine upload*"]}, workflow) is expected


def test_a_job_is_held_back_by_one_that_it_waits_for_and_that_can_fail_a_check() -> None:
    def held_back(
        condition: str = "", needed: tuple[str, ...] = ("check",), idle: tuple[str, ...] = ("docker build*",), **check: Any
    ) -> bool:
        def job(name: str, run: str, **fields: Any) -> Job:
            return Job(line=3, id=name, steps=(Step(line=4, commands=(Command(line=4, words=tuple(run.split())),)),), **fields)

        jobs = (
            job("check", "pytest -q", **check),
            job("build", "docker build .", needs=needed),
            job("deploy", "ship", needs=("build",), condition=condition),
        )
        wanted = {"job": ["deploy"], "needs": True} | ({"idle": list(idle)} if idle else {})
        return matches("workflow", wanted, Workflow(line=1, system="jenkins", jobs=jobs))

    assert held_back()
    assert held_back(needed=(), idle=())
    assert held_back(condition="always() && needs.build.result == 'success'")
    assert held_back(needed=("a job of a template",))
    assert not held_back(condition="always()")
    assert not held_back(needed=())
    assert not held_back(continue_on_error=True)


def test_a_job_acts_unless_it_only_says_what_it_would_do() -> None:
    def acts(*steps: Step) -> bool:
        jobs = (Job(line=3, id="rollback", steps=steps),)
        return matches("workflow", {"job": ["rollback"], "acts": True}, Workflow(line=1, system="github-actions", jobs=jobs))

    def runs(*commands: str, into: str = "") -> Step:
        return Step(line=4, commands=tuple(Command(line=4, words=tuple(text.split()), into=into) for text in commands))

    gets, keeps = Step(line=4, uses="actions/checkout@v4"), Step(line=4, uses="actions/upload-artifact@v4")
    assert acts()
    assert acts(gets, runs("echo undoing", "kubectl rollout undo deployment/api"))
    assert acts(gets, runs("echo plan", into="kubectl"))
    assert acts(gets, runs("echo undoing"), Step(line=5, uses="owner/undo@v1"))
    assert acts(gets, Step(line=5))
    assert not acts(gets, runs("echo undoing", "sleep 5", "test 5 -eq 5", "cat"), keeps)


def test_a_command_that_asks_a_program_what_it_is_shows_nothing() -> None:
    def shows(*words: str) -> bool:
        return matches("command", ["pytest*"], Task(line=1, kind="make", name="x", commands=(Command(line=2, words=words),)))

    assert shows("pytest", "-q")
    assert shows("pytest")
    assert not shows("pytest", "--version")
    assert not shows("pytest", "--help")


def test_a_job_is_matched_by_its_condition() -> None:
    wanted = {"condition": ["*conclusion == 'success'*"]}
    made = Workflow(line=1, system="github-actions", jobs=(Job(line=3, id="j", condition="run.conclusion == 'success'"),))

    assert matches("workflow", wanted, made)
    assert not matches("workflow", wanted, step())


def test_a_resource_is_matched_by_its_canonical_type_and_attributes_in_any_spelling() -> None:
    attributes = (("versioning_configuration.status", "Enabled"),)
    bucket = Resource(line=1, dialect="terraform", type="aws_s3_bucket", attributes=attributes)
    wanted = {"type": "AWS::S3::Bucket", "where": {"VersioningConfiguration.Status": "Enabled"}}

    assert matches("resource", wanted, bucket)
    assert not matches("resource", {**wanted, "where": {"VersioningConfiguration.Status": "Suspended"}}, bucket)
    assert not matches("resource", ["AWS::S3::Bucket"], Resource(line=1, dialect="terraform", type="aws_s3_bucket", conditional="false"))


@pytest.mark.parametrize(
    ("name", "bucket", "expected"),
    [
        ("readings", "shop-readings", True),
        ("state", "shop-states-of-orders", True),
        ("terraform_state", "kept", False),
        ("tfstate", "kept", False),
        ("TerraformLockTable", "kept", False),
        ("this", "shop-tfstate-prod", False),
        ("this", "aws_s3_bucket.tf_state.id", False),
    ],
)
def test_what_holds_the_state_of_the_infrastructure_is_no_data(name: str, bucket: str, expected: bool) -> None:
    made = Resource(line=1, dialect="terraform", type="aws_s3_bucket", name=name, attributes=(("bucket", bucket),))

    assert matches("resource", ["AWS::S3::Bucket"], made) is expected


def test_a_value_may_be_asked_for_by_what_it_must_not_be() -> None:
    def paused(status: str) -> Resource:
        return Resource(line=1, dialect="bundle", type="AWS::S3::Bucket", attributes=(("schedule.pause_status", status),))

    other_than_paused = {"type": "AWS::S3::Bucket", "where": {"pause_status": "!PAUSED"}}
    assert matches("resource", other_than_paused, paused("UNPAUSED"))
    assert not matches("resource", other_than_paused, paused("PAUSED"))
    assert not matches("resource", other_than_paused, Resource(line=1, dialect="bundle", type="AWS::S3::Bucket"))

    some = {"type": "AWS::S3::Bucket", "where": {"pause_status": ["?*", "!p*", "!off"]}}
    assert matches("resource", some, paused("on"))
    assert not any(matches("resource", some, paused(status)) for status in ("", "paused", "off"))


def test_a_setting_is_matched_by_file_key_and_value() -> None:
    wanted = {"file": "pyproject.toml", "key": "tool.ruff*", "value": "1*"}

    assert matches("config", wanted, Setting(line=1, key="tool.ruff.line-length", value="100"), path="x/pyproject.toml")
    assert not matches("config", wanted, Setting(line=1, key="tool.ruff.line-length", value="88"), path="pyproject.toml")
    assert not matches("config", wanted, Setting(line=1, key="tool.black", value="100"), path="pyproject.toml")
    assert not matches("config", wanted, Setting(line=1, key="tool.ruff.line-length", value="100"), path="other.toml")


def test_each_setting_of_a_file_is_matched_by_its_own_key_however_often_it_was_met() -> None:
    matchers = compiled("config", {"file": "*.yaml", "key": ["model.*rate*", "*.rate", "Model.Seed"], "value": "1"})
    keys = {"model.learning_rate.start": 1, "optimizer.rate": 2, "model.seed": 3, "model.depth": 4, "rate.model": 5}
    settings = [Setting(line=line, key=key, value="1") for key, line in keys.items()]

    for path in ("a.yaml", "b.yaml"):
        alone = [matchers.matched(SourceFile(path=path, size=1, facts=(setting,))) for setting in settings]
        assert [hit.line for file in alone for hit in file.hits] == [1, 2, 3]
        assert [hit.number for hit in matchers.matched(SourceFile(path=path, size=1, facts=tuple(settings))).hits] == [3]


def test_an_image_is_matched_without_tag_digest_and_registry_when_the_name_has_none() -> None:
    image = Image(line=1, name="ghcr.io/mlflow/mlflow:v2@sha256:ab", use="service")

    assert matches("image", ["mlflow"], image)
    assert matches("image", ["ghcr.io/mlflow/*"], image)
    assert not matches("image", ["mlflow-skinny"], image)
    assert not matches("image", {"name": "mlflow", "use": "base"}, image)


def test_a_literal_a_gate_and_a_test_are_matched_by_their_texts() -> None:
    assert matches("literal", ["s3://*"], Literal(line=1, value="s3://bucket/key"))
    assert not matches("literal", ["s3://*"], Literal(line=1, value="https://s3"))
    assert matches("literal", ["/mnt/*.[ct]sv"], Literal(line=1, value="/mnt/a.CSV"))
    assert not matches("literal", ["/mnt/*.[ct]sv"], Literal(line=1, value="/mnt/a.psv"))
    assert matches("literal", ["[/~]*"], Literal(line=1, value="~/a"))
    assert matches("gate", ["accuracy"], Call(line=1, kind="gate", name="accuracy threshold"))
    assert not matches("call", ["accuracy"], Call(line=1, kind="gate", name="accuracy"))
    assert matches("test", {"file": "test_model*.py"}, records.Test(line=1, name="test_x", assertions=1), path="tests/test_model.py")
    assert not matches("test", {"file": "test_model*.py"}, records.Test(line=1, name="test_x", assertions=0), path="tests/test_model.py")


@pytest.mark.parametrize(("strength", "hits"), [(Strength.DECLARED, 1), (Strength.IMPLEMENTED, 0)])
def test_the_path_of_a_bare_file_is_matched_for_a_declaration_at_most(strength: Strength, hits: int) -> None:
    signal = Signal(id="s", capability="data.quality", strength=strength, matcher="file", arguments={"any": ["a.py"]}, where=(Role.SOURCE,))
    detector = Detector(id="d", title="D", homepage="", signals=(signal,))
    matchers = Matchers(Packs(detectors=(detector,), capabilities=(), resources=(), frameworks=(), digest=""))

    assert len(matchers.matched(SourceFile(path="a.py", size=10), bare=True).hits) == hits
    assert len(matchers.matched(SourceFile(path="a.py", size=10)).hits) == 1


def test_a_file_is_matched_by_path_size_and_whether_it_is_a_pointer() -> None:
    wanted = {"path": "*.pkl", "min_size": 1000, "lfs": False, "exclude": "tests/**"}

    assert matches("file", wanted, path="models/a.pkl", size=2000)
    assert not matches("file", wanted, path="models/a.pkl", size=20)
    assert not matches("file", wanted, path="models/a.pkl", size=2000, lfs=True)
    assert not matches("file", wanted, path="tests/a.pkl", size=2000)


@pytest.mark.parametrize(
    ("pattern", "name", "language"),
    [
        ("mlflow.*.log_model", "mlflow.sklearn.log_model", ""),
        ("*.fit", "js:a/b.c.fit", "js:"),
        ("*.client[s3].get_object", "boto3.client[s3].get_object", ""),
        ("js:redis.*", "js:redis.connect", "js:"),
        ("js:redis.createClient", "js:redis.createClient", "js:"),
        ("js:ioredis", "js:ioredis", "js:"),
        ("sql:create masking policy", "sql:create masking policy", "sql:"),
    ],
)
def test_a_call_that_a_pattern_can_match_is_told_to_readers_by_its_parts(pattern: str, name: str, language: str) -> None:
    signal = Signal(
        id="s", capability="data.quality", strength=Strength.IMPLEMENTED, matcher="call", arguments={"any": [pattern]}, where=(Role.SOURCE,)
    )
    detector = Detector(id="d", title="D", homepage="", signals=(signal,))
    compiled = Matchers(Packs(detectors=(detector,), capabilities=(), resources=(), frameworks=(), digest=""))
    roots, lasts, ends = compiled.called((language,))
    asked = Asked(roots, (), lasts, ends)

    assert asked.name(name)
    assert asked.root_of(name) or asked.name("x." + name.rpartition(".")[2])
    assert not asked.name("js:other.createClient")


def test_facts_that_are_dropped_once_they_are_matched_are_looked_at_by_nobody_else() -> None:
    folder = Path(records.__file__).parent
    names = {kind.__name__ for kind in ONLY_MATCHED}
    found = set()
    for name in (
        "tree",
        "programs",
        "wiring",
        "starts",
        "detect",
        "modules",
        "libraries",
        "policy",
        "assess",
        "dead_ends",
        "rescan",
        "scan",
    ):
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                found |= {(name, one.id) for one in ast.walk(node.args[1]) if isinstance(one, ast.Name) and one.id in names}

    # In these the fact is that of a start's match: a new place needs another look at `hits.py`.
    assert found == {("starts", "Call"), ("starts", "Setting"), ("programs", "Call"), ("wiring", "Call")}


def test_what_a_resource_is_called_can_be_asked_for() -> None:
    wanted = {"type": "AWS::S3::Bucket", "where": {"@name": ["*", "!*logs*"]}}
    bucket = Resource(line=1, dialect="cloudformation", type="AWS::S3::Bucket", name="Harvests")
    assert matches("resource", wanted, bucket)
    assert not matches("resource", wanted, Resource(line=1, dialect="cloudformation", type="AWS::S3::Bucket", name="AccessLogs"))
    assert not matches("resource", {"type": "AWS::S3::Bucket", "where": {"name": "*"}}, bucket)


def test_a_call_counts_apart_from_modules_that_its_file_must_not_import() -> None:
    wanted = {"any": ["storage.Client"], "apart": ["pulumi"]}
    client = Call(line=2, name="storage.Client")
    assert matches("call", wanted, client)
    assert matches("call", wanted, Import(line=1, module="pulumi_random"), client)
    assert not matches("call", wanted, Import(line=1, module="pulumi.dynamic"), client)
