"""Which readings claim a path: the keys that spare most paths most conditions lose none of them."""

from __future__ import annotations

import pytest

from rung import records
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.prefilter import Prefilter
from rung.readers import Readers, kinds
from rung.readers.reading import Claimants, Claims, Reading, called, named, suffixed
from rung.records import Call, Dependency, Image, Import, Literal, Resource, Setting, Task, Workflow
from rung.targets.roles import template_path
from tests.cases import FIXTURES

PACKS = load_packs()
MATCHERS = Matchers(PACKS)
READERS = Readers(MATCHERS, Prefilter(MATCHERS))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Makefile", "makefile"),
        ("a/Makefile.am", "makefile"),
        ("a/GNUmakefile", "makefile"),
        ("build/rules.mk", "makefile"),
        (".justfile", "justfile"),
        ("JUSTFILE", "justfile"),
        ("docker/train.Dockerfile", "dockerfile"),
        ("docker/Dockerfile.gpu", "dockerfile"),
        ("docker/Dockerfile-cpu", "dockerfile"),
        ("my.dockerfile.v2", "dockerfile"),
        ("Containerfile", "dockerfile"),
        ("Procfile.dev", "procfile"),
        ("etc/cron.d/retrain", "crontab"),
        ("crontab.txt", "crontab"),
        ("ci/Jenkinsfile-nightly", "jenkins"),
        ("ci/JENKINS", "jenkins"),
        ("ci/train.PIPELINE.groovy", "jenkins"),
        ("k8s/web", "kubernetes"),
        ("k8s/web.tmpl", "kubernetes"),
        ("base/Kustomization", "kustomize"),
        ("base/kustomization.yaml.gotmpl", "kustomize"),
        ("chart/Chart.yml.in", "helm-chart"),
        ("chart/values-prod.yaml.gotmpl", "helm-values"),
        ("api/serverless-train.yml", "serverless"),
        ("scripts/train", "shell-script"),
        ("scripts/train", "python-script"),
        ("container/orders/train", "python-script"),
        ("infra/root.hcl", "terraform"),
        ("infra/main.tf.json", "terraform-json"),
        ("models/Orders.SQL", "sql"),
        ("report.QMD", "markdown-notebook"),
        ("R/train.R", "r"),
        ("build.gradle.kts", "gradle"),
        ("Cloudbuild/TRAIN.YAML", "cloud-build"),
        ("CI/BuildSpec-x.YML", "codebuild"),
        (".taskcluster.yml", "taskcluster"),
        ("a/hooks-x.json", "taskcluster-hook"),
        ("requirements/dev.in", "requirements"),
        ("{% if x %}pyproject.toml{% endif %}.jinja", "pyproject"),
    ],
)
def test_a_path_is_claimed_whatever_part_of_it_tells(path: str, name: str) -> None:
    assert name in {reading.name for reading in READERS.claiming(path)}


def test_only_those_claim_whose_keys_text_and_condition_fit_in_their_order() -> None:
    def reading(name: str, claims: Claims) -> Reading:
        return Reading(name=name, shows=(), claims=claims, read=lambda _path, _data: ())

    claimants = Claimants(
        (
            reading("any", Claims(lambda path: path.startswith("a/"))),
            reading("called", called("Tox.ini")),
            reading("suffixed", suffixed(".ini")),
            reading("any case", suffixed(".ini", any_case=True)),
            reading("named", named(r"[^/]+\.(?:ini|cfg)", ".ini", ".cfg", holds="a/t")),
            reading("stem", Claims(lambda _: True, "tox.")),
            reading("bare", Claims(lambda _: True, "")),
        )
    )

    assert {path: [found.name for found in claimants.of(path)] for path in ("a/Tox.ini", "tox.INI", "tox", "A/Tox.cfg", "x.md")} == {
        "a/Tox.ini": ["any", "called", "suffixed", "any case", "named", "stem"],
        "tox.INI": ["any case", "stem"],
        "tox": ["stem", "bare"],
        "A/Tox.cfg": ["named", "stem"],
        "x.md": [],
    }


_ASKED_BY = {
    Call: {"call", "gate"}, Literal: {"literal"}, records.Test: {"test"}, Import: {"import"}, Task: {"command", "chart"}, Workflow: {"workflow"},
    Resource: {"resource", "chart"}, Image: {"image"}, Setting: {"config"}, Dependency: {"dependency"},
}  # fmt: skip
"""The matchers that ask about a fact."""


def test_what_a_reading_finds_is_among_what_it_is_said_to_show() -> None:
    beyond = set()
    claimants = Claimants(reading for reading in kinds.READINGS if not reading.languages)
    for path in sorted(FIXTURES.glob("*/*/**/*")):
        name = template_path(path.relative_to(FIXTURES).as_posix().split("/", 2)[2])
        for reading in claimants.of(name) if path.is_file() else ():
            for fact in reading.read(name, path.read_bytes()):
                asked = set() if isinstance(fact, Task) and not fact.commands else _ASKED_BY.get(type(fact), set())
                beyond |= {(reading.name, kind) for kind in asked - {*reading.shows, "gate"}}
    assert not beyond
