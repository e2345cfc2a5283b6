from __future__ import annotations

import pytest

from rung.records import Role
from rung.targets.roles import role_of, template_path


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (
            Role.SOURCE,
            (
                "train.py config/train/tutorial/a.json src/archive/store.py app/old/a.py src/model/train.py demo.py test.py example.ini requirements.txt dev-requirements.txt mkdocs.yml .github/workflows/test.yml"
                " infra/environments/test/main.tf overlays/test/kustomization.yaml data/test/x.csv data/sample/x.csv data/external/x.csv"
                " chart/templates/deployment.yaml app/templates/index.html pipelines/templates/train.yml network/stack.template flows/prompt.jinja2"
                " src/latest.java src/Contest.java contest.py src/attest.py renv.lock renv/profiles/dev/renv.lock CODEOWNERS reports/metrics.txt"
                " services/test-repair/agent.py .readthedocs.yml src/documents/parse.py changes.py .github/actions/test/action.yml taskcluster/kinds/tests/kind.yml"
                " 2-test/main.tf 03_train/a.py"
            ),
        ),
        (
            Role.TEST,
            (
                "tests/train.py test/train.jl src/test_train.py src/train_test.py conftest.py a/b/conftest.py pkg/server_test.go src/a.test.ts src/a.spec.jsx"
                " src/__tests__/a.js web/e2e/login.ts R/tests/testthat/test-a.R src/main/TrainerTest.java"
                " src/JobSuite.scala tests/README.md tests/examples/a.py unit_tests/a.py tests-integration/a.sh app/tests.py vpc.tftest.hcl"
                " warehouse/tests/no_nulls.sql tests/notebook.ipynb terraform-module/test/main_test.tf tests/data/test_dataset.py a/tests/data/conftest.py"
                " container/local_test/model/a.pkl container/test_dir/a.csv 8-tests/a.csv 1c_tests/a.csv"
            ),
        ),
        (
            Role.TEST_DATA,
            "testdata/test_a.py testdata/a.json a/fixtures/b.yaml a/test_data/b.yaml tests/fixtures/train.py tests/data/a.csv test/resources/x.yml spec/cassettes/y.yml 4-eval/2-test-data/expected/a.tf",
        ),
        (
            Role.PLAN,
            "docs/plans/model-card.md docs/superpowers/specs/api.md plans/2025/serving.md doc/implementation_plans/a.rst ROADMAP.md docs/implementation-plan.md",
        ),
        (Role.DOCS, "docs/recovery-plan.md docs/specs/api.md docs/planning.md docs/test_plan.md"),
        (Role.SOURCE, "src/plans/billing.py plans/basic.yaml"),
        (
            Role.DOCS,
            (
                "README.md docs/conf.py docs/requirements.txt doc/a.tex documentation/a.png a/b/notes.rst docs/tutorial.ipynb docs/examples/a.py LICENSE"
                " LICENSE-MIT.txt CHANGELOG README README.txt README.Rmd readme_sagemaker.txt docs/.github/workflows/ci.yml examples/README.md paper.pdf vignettes/a.Rmd"
            ),
        ),
        (
            Role.ARCHIVE,
            (
                "archive/dags/a.py old/train.py _archive/a.tf src/deprecated/a.py notebooks/archive/a.ipynb infra/attic/main.tf archived/.github/workflows/ci.yml notebooks/02_fit_DEPRECATED.ipynb"
                " archive/shop/tests/test_fit.py archive/README.md"
            ),
        ),
        (
            Role.EXAMPLE,
            (
                "examples/train.py a/example/train.py samples/a.py demo/app.py a/demos/b.tf tutorials/a.ipynb a/tutorials/b.py tutorial/a.py src/tutorial/a.py a/shop-tutorial/b.py quickstart/a.py quick-start/a.py getting_started/a.py"
                " notebook_examples/a.ipynb config_examples/a.json sample-app/main.py src/example-project/Makefile"
                " dags/example_rides.py k8s/example.yaml ray/cluster_example.yml k8s/lake/values-default.yaml deploy/default-values.yml"
            ),
        ),
        (
            Role.VENDORED,
            (
                "vendor/a/b.go third_party/x.py src/third-party/x.py web/node_modules/a/index.js lib/python3/site-packages/a.py external/a.c .venv/bin/a.py"
                " static/app.min.js static/jquery-3.6.1.js vendor/a/tests/test_a.py vendor/README.md venv/x.py renv/activate.R gradlew versioneer.py"
                " dbt_packages/dbt_utils/macros/a.sql vendor/{{x}}/a.py"
            ),
        ),
        (
            Role.TEMPLATE,
            (
                "{{cookiecutter.name}}/train.py template/{{.root}}/.github/workflows/ci.yml a/{% if x %}b{% endif %}.py deploy.yml.tmpl ci.yml.jinja ci.yml.j2"
                " Dockerfile.template app.json.template template/run.sh cookiecutter-ml/train.py {{x}}/tests/test_a.py {{x}}/README.md README.md.tmpl docs/a.md.jinja"
                " project-template/a.py ci.yml.jinja2 .env.template"
            ),
        ),
        (Role.NOTEBOOK, "train.ipynb notebooks/a.ipynb index.Rmd reports/a.qmd 01-data.ipynb"),
    ],
)
def test_a_path_has_the_role_its_folders_and_name_tell(role: Role, paths: str) -> None:
    # Jinja tags hold spaces; no other path here does.
    listed = paths.replace("{% if x %}", "{%_if_x_%}").replace("{% endif %}", "{%_endif_%}").split()
    assert {path: role_of(path.replace("{%_", "{% ").replace("_%}", " %}").replace("if_x", "if x")) for path in listed} == dict.fromkeys(
        listed, role
    )


def test_names_in_any_case_tell_the_same() -> None:
    assert [role_of(path) for path in ("Docs/a.png", "README.MD", "Tests/a.py", "EXAMPLES/a.py")] == [
        Role.DOCS,
        Role.DOCS,
        Role.TEST,
        Role.EXAMPLE,
    ]


@pytest.mark.parametrize(
    "path", ["", "/", "a/" * 500 + "b", "a" * 100_000, "-" * 100_000, "\n", "test_" * 20_000, "{{" * 50_000, "a.b" * 50_000 + ".template"]
)
def test_strange_paths_have_a_role_at_once(path: str) -> None:
    assert isinstance(role_of(path), Role)
    assert isinstance(template_path(path), str)


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("a/ci.yml.tmpl", "a/ci.yml"),
        ("ci.yml.jinja", "ci.yml"),
        ("ci.yml.j2", "ci.yml"),
        ("ci.yml.jinja2", "ci.yml"),
        ("Dockerfile.template", "Dockerfile"),
        (".env.template", ".env"),
        ("{{x}}/requirements.txt.tmpl", "{{x}}/requirements.txt"),
        ("{% if ci == 'github' %}.github{% endif %}/workflows/ci.yml.jinja", ".github/workflows/ci.yml"),
        ("stack.template", "stack.template"),
        ("prompt.jinja2", "prompt.jinja2"),
        ("a/.jinja", "a/.jinja"),
        ("train.py", "train.py"),
    ],
)
def test_a_template_has_the_path_of_what_is_made_of_it(path: str, made: str) -> None:
    assert template_path(path) == made
