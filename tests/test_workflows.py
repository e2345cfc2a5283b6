"""Every dialect of continuous integration read into one model: what starts it, what runs in which order, and on which lines."""

from __future__ import annotations

from textwrap import dedent

import pytest

from rung.readers import azure_pipelines, circleci, cloud_builds, github_actions, gitlab_ci, jenkins, other_ci, taskcluster
from rung.records import Fact, Image, Include, Job, Problem, Trigger, Workflow

READINGS = [
    reading
    for module in (github_actions, gitlab_ci, azure_pipelines, jenkins, circleci, cloud_builds, taskcluster, other_ci)
    for reading in module.READINGS
]
GITHUB = ".github/workflows/ci.yml"


def facts(path: str, text: str) -> list[Fact]:
    """The facts of everything that claims the path; the text's first line is line 1."""
    data = dedent(text).lstrip("\n").encode()
    return [fact for reading in READINGS if reading.claims(path) for fact in reading.read(path, data)]


def workflows(path: str, text: str) -> list[Workflow]:
    return [fact for fact in facts(path, text) if isinstance(fact, Workflow)]


def workflow(path: str, text: str) -> Workflow:
    (only,) = workflows(path, text)
    return only


def jobs(path: str, text: str) -> dict[str, Job]:
    return {job.id: job for job in workflow(path, text).jobs}


def triggers(path: str, text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(trigger.kind, trigger.branches) for trigger in workflow(path, text).triggers]


def commands(job: Job) -> list[tuple[int, str]]:
    return [(command.line, " ".join(command.words)) for step in job.steps for command in step.commands]


def images(path: str, text: str) -> list[tuple[int, str]]:
    return [(fact.line, fact.name) for fact in facts(path, text) if isinstance(fact, Image)]


def includes(path: str, text: str) -> list[str]:
    return [fact.path for fact in facts(path, text) if isinstance(fact, Include)]


# ── GitHub Actions ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("push", [("push", ())]),
        ("[push, pull_request]", [("push", ()), ("pull_request", ())]),
        ("{push: {branches: [main], branches-ignore: [wip]}}", [("push", ("main", "!wip"))]),
        ("{push: {tags: ['v*']}}", [("tag", ("v*",))]),
        ("{push: {branches: [main], tags: ['v*']}}", [("push", ("main",)), ("tag", ("v*",))]),
        ("{push: {tags: ['v*'], branches-ignore: ['**']}}", [("tag", ("v*",))]),
        ("{schedule: [{cron: '0 3 * * *'}, {cron: '0 4 * * *'}]}", [("schedule", ()), ("schedule", ())]),
        ("{workflow_run: {workflows: [CI], branches: [main]}}", [("upstream", ("main",))]),
        ("[workflow_dispatch, workflow_call, release]", [("manual", ()), ("call", ()), ("release", ())]),
        ("[repository_dispatch, issues, merge_group]", [("event", ()), ("event", ()), ("pull_request", ())]),
    ],
)
def test_every_form_of_on_becomes_triggers(on: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert triggers(GITHUB, f"on: {on}\njobs: {{a: {{steps: [{{run: x}}]}}}}\n") == expected


def test_a_job_keeps_everything_that_decides_whether_and_where_it_runs() -> None:
    text = """
        name: Train
        on:
          schedule:
            - cron: '0 3 * * 1'
          push:
            paths: ['src/**']
        permissions: {}
        defaults: {run: {working-directory: app}}
        jobs:
          train:
            needs: [test]
            if: github.event_name == 'workflow_dispatch'
            environment: {name: production}
            continue-on-error: true
            strategy: {matrix: {python: [3.11]}}
            container: {image: python:3.11}
            services:
              db:
                image: postgres:15
            steps:
              - uses: actions/checkout@v4
              - name: Run
                if: ${{ false }}
                run: |
                  # first
                  make data

                  python -m pytest -q || true
              - run: >-
                  dvc repro &&
                  dvc push
                continue-on-error: true
          reuse:
            uses: ./.github/workflows/train.yml
            with: {stage: prod}
    """
    found = workflow(GITHUB, text)
    train, reuse = found.jobs
    assert (found.name, found.permissions, found.triggers[0].cron, found.triggers[0].line) == ("Train", "{}", "0 3 * * 1", 4)
    assert found.triggers[1].paths == ("src/**",)
    assert (train.line, train.needs, train.environment, train.image) == (10, ("test",), "production", "python:3.11")
    assert (train.manual, train.continue_on_error, train.matrix, train.disabled) == (True, True, True, False)
    assert [step.line for step in train.steps] == [21, 22, 29]
    assert [step.disabled for step in train.steps] == [False, True, False]
    assert train.steps[2].continue_on_error
    assert train.steps[1].arguments == (("working-directory", "app"),)
    assert commands(train) == [(26, "make data"), (28, "pytest -q"), (28, "true"), (30, "dvc repro"), (31, "dvc push")]
    assert train.steps[1].commands[1].toothless
    assert (reuse.uses, reuse.steps[0].arguments) == ("./.github/workflows/train.yml", (("stage", "prod"),))
    assert images(GITHUB, text) == [(19, "postgres:15"), (16, "python:3.11")]


@pytest.mark.parametrize(
    ("later", "thrown_away"),
    [
        ("{if: steps.tests.outcome != 'success', run: exit 1}", False),
        ("{env: {OUTCOME: '${{ steps.tests.outcome }}'}, run: 'test $OUTCOME = success || exit 2'}", False),
        ("{if: steps.tests.outcome != 'success', uses: actions/github-script@v7, with: {script: core.setFailed('no')}}", False),
        ("{if: steps.tests.outcome != 'success', run: echo failed}", True),
        ("{if: steps.others.outcome != 'success', run: exit 1}", True),
    ],
)
def test_a_failure_that_a_later_step_judges_is_not_thrown_away(later: str, *, thrown_away: bool) -> None:
    steps = f"[{{id: tests, run: make test, continue-on-error: true}}, {later}]"
    action = f"runs: {{using: composite, steps: {steps}}}\n"
    (job,) = workflow(GITHUB, f"on: push\njobs: {{a: {{steps: {steps}}}}}\n").jobs
    (runs,) = workflow("tidy/action.yml", action).jobs

    assert [job.steps[0].continue_on_error, runs.steps[0].continue_on_error] == [thrown_away, thrown_away]


def test_a_step_runs_with_the_variables_of_its_workflow_its_job_and_itself() -> None:
    text = """
        on: push
        env:
          ROOT: ${{ github.workspace }}/parts/core
          COMPUTED: ${{ inputs.folder }}
        jobs:
          test:
            env: {API: services/api}
            steps:
              - run: cd "${ROOT}" && pytest tests
              - run: pushd $API; pytest; popd
              - env: {ROOT: ./other}
                run: cd ${{ env.ROOT }} && pytest
              - run: cd $COMPUTED && pytest
              - run: $RUNNER tests
                env: {RUNNER: pytest -q}
                working-directory: ${{ env.API }}/v2
    """
    steps = workflow(GITHUB, text).jobs[0].steps
    assert [step.commands[0].words for step in steps] == [
        ("cd", "$GITHUB_WORKSPACE/parts/core"),
        ("pushd", "services/api"),
        ("cd", "./other"),
        ("cd", "$COMPUTED"),
        ("pytest", "-q", "tests"),
    ]
    assert steps[-1].arguments == (("working-directory", "services/api/v2"),)


def test_the_lines_of_a_script_share_the_variables_of_their_pipeline_and_what_they_set() -> None:
    text = """
        variables: {FOLDER: jobs, RUN: make}
        train:
          variables: {RUN: python}
          script:
            - export SCRIPT=$FOLDER/train.py
            - $RUN $SCRIPT
    """
    assert workflow(".gitlab-ci.yml", text).jobs[0].steps[0].commands[1].words == ("python", "jobs/train.py")


def test_a_step_is_read_for_each_place_that_its_jobs_matrix_puts_it_at() -> None:
    text = """
        on: push
        jobs:
          moved:
            strategy: {matrix: {service: [api, worker], python: ["3.11", "3.12"]}}
            steps:
              - run: |
                  cd ${{ matrix.service }}
                  pytest tests
          placed:
            strategy:
              matrix:
                include: [{service: api, shared: true}, {service: worker}]
            defaults: {run: {working-directory: "services/${{ matrix.service }}"}}
            steps:
              - run: pytest
          named:
            strategy: {matrix: {warehouse: [{test: tests/a.py, site: A}, {test: tests/b.py, site: B}]}}
            steps:
              - run: python -m unittest ${{matrix.warehouse.test}}
          versions:
            strategy: {matrix: {python: ["3.11", "3.12"], service: "${{ fromJson(needs.list.outputs.services) }}"}}
            steps:
              - run: pip install torch==${{ matrix.python }}
              - run: cd ${{ matrix.service }} && pytest
    """
    moved, placed, named, versions = workflow(GITHUB, text).jobs
    assert [[command.words for command in step.commands] for step in moved.steps] == [
        [("cd", "api"), ("pytest", "tests")],
        [("cd", "worker"), ("pytest", "tests")],
    ]
    assert [step.arguments for step in placed.steps] == [(("working-directory", f"services/{name}"),) for name in ("api", "worker")]
    assert [step.commands[-1].words[-1] for step in named.steps] == ["tests/a.py", "tests/b.py"]
    assert len(versions.steps) == 2
    assert {step.line for step in moved.steps} == {6}


@pytest.mark.parametrize(
    ("condition", "disabled", "manual"),
    [
        ("false", True, False),
        ("${{ false }}", True, False),
        ("${{ always() }}", False, False),
        ("${{ github.event_name == 'workflow_dispatch' }}", False, True),
        ("github.event_name == 'workflow_dispatch' || github.event_name == 'push'", False, False),
        ("github.event_name != 'workflow_dispatch'", False, False),
    ],
)
def test_the_condition_of_a_job_or_step_tells_whether_it_can_run_and_by_whom(condition: str, disabled: bool, manual: bool) -> None:
    job = jobs(GITHUB, f'on: push\njobs:\n  a:\n    if: "{condition}"\n    steps: []\n')["a"]
    (step,) = jobs(GITHUB, f'on: push\njobs:\n  a:\n    steps:\n      - if: "{condition}"\n        run: make\n')["a"].steps
    assert (job.disabled, job.manual) == (step.disabled, step.manual) == (disabled, manual)


@pytest.mark.parametrize(
    ("awaited", "own", "disabled", "manual"),
    [
        ("false", "", True, False),
        ("false", "github.ref == 'refs/heads/main'", True, False),
        ("false", "always()", False, False),
        ("false", "!cancelled()", False, False),
        ("github.event_name == 'workflow_dispatch'", "", False, True),
        ("github.ref == 'refs/heads/main'", "", False, False),
    ],
)
def test_a_job_that_waits_for_one_that_never_runs_never_runs_either(awaited: str, own: str, disabled: bool, manual: bool) -> None:
    text = (
        f'on: push\njobs:\n  a: {{if: "{awaited}", steps: []}}\n  b: {{needs: a, if: "{own}", steps: []}}\n  c: {{needs: [b], steps: []}}\n'
    )
    found = jobs(GITHUB, text)
    assert {(found[name].disabled, found[name].manual) for name in "bc"} == {(disabled, manual)}


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        (
            GITHUB,
            "on: push\njobs:\n  a:\n    steps:\n      - shell: python\n        run: |\n          import m\n          m.go()\n",
            [7, 8],
        ),
        (GITHUB, "on: push\njobs:\n  a:\n    steps:\n      - run: >\n          make &&\n          python -c 'import m; m.go()'\n", [7, 7]),
        (
            "azure-pipelines.yml",
            "steps:\n- task: PythonScript@0\n  inputs:\n    scriptSource: inline\n    script: |\n      import m\n      m.go()\n",
            [6, 7],
        ),
    ],
)
def test_a_step_in_python_is_a_program_on_its_lines(path: str, text: str, lines: list[int]) -> None:
    (job,) = jobs(path, text).values()
    (command,) = (command for step in job.steps for command in step.commands if command.code)
    assert command.words[:2] == ("python", "-c")
    assert [fact.line for fact in command.code] == lines


def test_a_script_handed_to_an_action_is_read_and_javascript_is_not() -> None:
    text = """
        on: push
        jobs:
          a:
            steps:
              - uses: azure/cli@v2
                with:
                  inlineScript: |
                    az ml job create
              - uses: actions/github-script@v7
                with: {script: "await run me"}
    """
    assert commands(jobs(GITHUB, text)["a"]) == [(8, "az ml job create")]


def test_an_action_is_a_workflow_that_others_call() -> None:
    found = workflow("ci/setup/action.yml", "runs:\n  using: composite\n  steps:\n    - run: make x\n      shell: bash\n")
    assert (found.name, found.triggers[0].kind) == ("ci/setup", "call")
    assert commands(found.jobs[0]) == [(4, "make x")]
    node = workflow("ci/tag/action.yml", "runs: {using: node20, main: dist/index.js}\n")
    assert commands(node.jobs[0]) == [(1, "node ci/tag/dist/index.js")]
    image = workflow("ci/fit/action.yml", "runs:\n  using: docker\n  image: Dockerfile\n")
    assert commands(image.jobs[0]) == [(3, "docker build --tag ci/fit --file ci/fit/Dockerfile ci/fit"), (3, "docker run ci/fit")]
    assert facts("action.yml", "runs: {using: docker, image: docker://alpine}\n") == []


def test_nested_workflows_and_those_of_other_forges_are_claimed() -> None:
    text = "on: push\njobs: {a: {steps: [{run: x}]}}\n"
    assert workflow("template/{{x}}/.github/workflows/a.yaml", text).system == "github-actions"
    assert workflow(".forgejo/workflows/a.yaml", text).system == "forgejo-actions"
    assert facts(".github/dependabot.yml", "version: 2\nupdates: []\n") == []


# ── GitLab CI ────────────────────────────────────────────────────────────────────────────────────────


def test_gitlab_jobs_extend_templates_and_follow_their_stages() -> None:
    text = """
        stages: [test, train, deploy]
        default:
          image: python:3.11
          before_script:
            - pip install .
        .base:
          script:
            - make base
          tags: [gpu]
        unit:
          stage: test
          extends: .base
          services: [redis:7]
        lint:
          stage: test
          script: ruff check .
          allow_failure: true
        train:
          stage: train
          script:
            - !reference [.base, script]
            - |
              dvc pull
              dvc repro
        deploy:
          stage: deploy
          script: ./deploy.sh
          when: manual
          environment: {name: production}
          needs: [{job: train}]
    """
    found = jobs(".gitlab-ci.yml", text)
    assert list(found) == ["unit", "lint", "train", "deploy"]
    assert commands(found["unit"]) == [(5, "pip install ."), (8, "make base")]
    assert found["unit"].image == "python:3.11"
    assert found["lint"].continue_on_error
    assert found["train"].needs == ("unit", "lint")
    assert commands(found["train"])[1:] == [(8, "make base"), (23, "dvc pull"), (24, "dvc repro")]
    assert found["deploy"].needs == ("train",)
    assert found["deploy"].manual
    assert found["deploy"].environment == "production"
    assert triggers(".gitlab-ci.yml", text) == [("push", ())]
    assert images(".gitlab-ci.yml", text) == [(13, "redis:7"), (3, "python:3.11")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("only: [schedules]", [("schedule", ())]),
        ("only: [main, tags]", [("tag", ()), ("push", ("main",))]),
        ("only: {refs: [merge_requests], changes: [a]}", [("pull_request", ())]),
        ("rules: [{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]", [("schedule", ())]),
        (
            "rules: [{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}, {if: '$CI_COMMIT_BRANCH == \"main\"'}]",
            [("pull_request", ()), ("push", ("main",))],
        ),
        ("rules: [{if: $CI_COMMIT_TAG}]", [("tag", ())]),
        ("rules: [{if: '$CI_PIPELINE_SOURCE == \"web\"'}]", [("manual", ())]),
        ("rules: [{if: '$CI_PIPELINE_SOURCE =~ /^(schedule|web)$/'}]", [("schedule", ()), ("manual", ())]),
        ("rules: [{if: '$CI_PIPELINE_SOURCE == \"schedule\"', when: never}, {when: on_success}]", [("push", ())]),
        ("tags: [gpu]", [("push", ())]),
    ],
)
def test_gitlab_rules_tell_what_starts_a_pipeline(rules: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert triggers(".gitlab-ci.yml", f"job:\n  script: make\n  {rules}\n") == expected


def test_workflow_rules_come_before_those_of_jobs() -> None:
    text = """
        workflow:
          name: nightly
          rules:
            - if: $CI_PIPELINE_SOURCE == "schedule"
        a: {script: make, only: [tags]}
    """
    found = workflow(".gitlab-ci.yml", text)
    assert (found.name, [(trigger.kind, trigger.line) for trigger in found.triggers]) == ("nightly", [("schedule", 4)])


def test_gitlab_rules_can_make_a_job_manual_lenient_or_impossible() -> None:
    text = """
        a: {script: x, rules: [{if: $A, when: manual}, {when: never}]}
        b: {script: x, rules: [{when: never}]}
        c: {script: x, rules: [{if: $A, allow_failure: true}]}
        d: {script: x, rules: [{if: $A, when: manual}, {if: $B}], parallel: {matrix: [{X: [1]}]}}
    """
    found = jobs(".gitlab-ci.yml", text)
    assert [(job.manual, job.disabled, job.continue_on_error) for job in found.values()] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, False),
    ]
    assert found["d"].matrix
    assert found["d"].condition == "$A || $B"


def test_gitlab_includes_lead_to_files_of_the_repository_and_name_the_others() -> None:
    text = """
        include:
          - local: /ci/train.yml
          - ci/../ci/test.yml
          - template: Security/SAST.gitlab-ci.yml
          - {project: group/ci, file: [/a.yml, /b.yml]}
          - local: ../../etc/passwd
        child:
          trigger: {include: [{local: ci/child.yml}]}
        other:
          trigger: {project: group/app}
    """
    found = jobs(".gitlab-ci.yml", text)
    assert includes(".gitlab-ci.yml", text) == ["ci/train.yml", "ci/test.yml", "ci/child.yml"]
    assert {"template:Security/SAST.gitlab-ci.yml", "project:group/ci:/a.yml", "project:group/ci:/b.yml"} <= {
        job.uses for job in found.values()
    }
    assert (found["child"].uses, found["other"].uses) == ("./ci/child.yml", "project:group/app")


def test_an_included_gitlab_file_is_called_and_started_by_what_its_own_rules_name() -> None:
    text = "train: {script: make train, only: [schedules]}\nlint: {script: make lint}\n"
    assert triggers("ci/train.gitlab-ci.yml", text) == [("schedule", ()), ("call", ())]


def test_templates_that_extend_each_other_end() -> None:
    assert commands(jobs(".gitlab-ci.yml", "a: {extends: .b, script: make}\n.b: {extends: a}\n")["a"]) == [(1, "make")]


# ── Azure Pipelines ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("azure-pipelines.yml", "", [("push", ())]),
        ("azure-pipelines.yml", "trigger: none", [("manual", ())]),
        ("azure-pipelines.yml", "trigger: [main]\npr: [main]", [("push", ("main",)), ("pull_request", ("main",))]),
        ("azure-pipelines.yml", "trigger: {branches: {include: [main], exclude: [x]}}", [("push", ("main", "!x"))]),
        ("azure-pipelines.yml", "trigger: {tags: {include: ['v*']}}", [("tag", ("v*",))]),
        ("azure-pipelines.yml", "trigger: none\npr: none\nschedules: [{cron: '0 0 * * *'}]", [("schedule", ())]),
        ("azure-pipelines.yml", "trigger: none\nresources: {pipelines: [{pipeline: p, source: s, trigger: true}]}", [("upstream", ())]),
        ("azure-pipelines.yml", "trigger: none\nresources: {pipelines: [{pipeline: p, source: s}]}", [("manual", ())]),
        ("ops/pipelines/steps.yml", "", [("call", ())]),
        ("ops/pipelines/run.yml", "parameters: [{name: x}]\npool: a", [("call", ())]),
        ("ops/pipelines/run.yml", "pool: {vmImage: ubuntu-latest}", [("push", ())]),
    ],
)
def test_azure_triggers_and_their_defaults(path: str, head: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert triggers(path, f"{head}\nsteps:\n- script: make\n") == expected


def test_azure_stages_jobs_deployments_and_templates() -> None:
    path = "ops/azure-pipelines.yml"
    text = """
        trigger: [main]
        stages:
          - stage: Build
            jobs:
              - job: test
                container: python:3.11
                steps:
                  - checkout: self
                  - script: |
                      make test
                      $(python.path) run.py
                    workingDirectory: app
                    continueOnError: true
                  - ${{ if eq(parameters.x, 'y') }}:
                      - template: templates/steps.yml
                        parameters: {train_script: python train.py}
                  - template: /shared/a.yml@self
                  - template: b.yml@other
                  - task: AzureCLI@2
                    enabled: false
                    inputs:
                      scriptLocation: inlineScript
                      inlineScript: |
                        az ml job create
                  - task: Bash@3
                    inputs: {filePath: scripts/run.sh, arguments: --all}
          - stage: Deploy
            condition: succeeded()
            jobs:
              - job: approve
                pool: server
                steps: [{task: ManualValidation@1}]
              - deployment: web
                dependsOn: approve
                environment: {name: production}
                strategy:
                  canary:
                    increments: [10, 20]
                    deploy:
                      steps:
                        - bash: ./deploy.sh
                    on:
                      failure:
                        steps:
                          - bash: ./rollback.sh
          - template: more.yml
    """
    found = jobs(path, text)
    test, web = found["Build.test"], found["Deploy.web"]
    assert commands(test) == [
        (10, "make test"),
        (11, "${python.path} run.py"),
        (16, "python train.py"),
        (24, "az ml job create"),
        (26, "scripts/run.sh --all"),
    ]
    assert test.steps[1].arguments == (("working-directory", "app"),)
    assert test.steps[1].continue_on_error
    assert [step.uses for step in test.steps[2:5]] == ["./ops/templates/steps.yml", "./shared/a.yml", "b.yml@other"]
    assert test.steps[2].condition == "eq(parameters.x, 'y')"
    assert test.steps[5].disabled
    assert includes(path, text) == ["ops/templates/steps.yml", "shared/a.yml", "ops/more.yml"]
    assert found["Deploy.approve"].manual
    assert found["Deploy.approve"].environment == "approval"
    assert (web.environment, web.needs, web.condition) == ("production", ("Deploy.approve", "Build.test"), "succeeded()")
    assert (web.steps[0].name, web.steps[0].arguments[0]) == ("strategy: canary", ("increments", "10"))
    assert [(step.condition, command.words) for step in web.steps for command in step.commands] == [
        ("", ("./deploy.sh",)),
        ("on failure", ("./rollback.sh",)),
    ]
    assert found["more"].uses == "./ops/more.yml"
    assert found["more"].needs == ("Deploy.approve", "Deploy.web")


@pytest.mark.parametrize(
    "text",
    [
        "type: pipeline\njobs:\n  prep:\n    command: python prep.py\n",
        "stages:\n  train:\n    cmd: python train.py\n",
        "steps:\n- name: gcr.io/x\n  args: [a]\n",
        "jobs:\n- name: a\n  image: b\n",
        "on: push\njobs:\n  a:\n    steps:\n    - run: x\n",
    ],
)
def test_other_files_called_pipeline_are_no_azure_pipelines(text: str) -> None:
    assert facts("mlops/pipeline.yml", text) == []


# ── Jenkins ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_declarative_jenkinsfile_gives_its_stages_in_order() -> None:
    text = """
        // sh 'commented out'
        pipeline {
          agent { docker { image 'python:3.11' } }
          triggers { cron('H 2 * * *') }
          stages {
            stage('Test') {
              steps {
                sh 'pytest -q'
                dir("app") {
                  sh '''
                    make lint
                    make type  # not { a block
                  '''
                }
                junit '**/report.xml'
              }
            }
            stage('Train') {
              parallel {
                stage('A') { steps { sh(script: "python train.py --a", returnStdout: true) } }
                stage('B') { when { branch 'main' } steps { catchError { bat "train.bat" } } }
              }
            }
            stage('Deploy') {
              when { expression { return false } }
              input { message 'Go?' }
              steps { build job: 'deploy-prod', wait: false }
              post { failure { sh './rollback.sh' } }
            }
          }
          post { always { sh 'make clean' } }
        }
    """
    found = jobs("Jenkinsfile", text)
    assert list(found) == ["Test", "A", "B", "Deploy", "post"]
    assert commands(found["Test"]) == [(8, "pytest -q"), (11, "make lint"), (12, "make type")]
    assert found["Test"].steps[1].arguments == (("working-directory", "app"),)
    assert (found["Test"].steps[2].uses, found["Test"].image) == ("junit", "python:3.11")
    assert found["A"].needs == found["B"].needs == ("Test",)
    assert found["B"].steps[0].continue_on_error
    assert found["Deploy"].needs == ("A", "B")
    assert found["Deploy"].manual
    assert found["Deploy"].disabled
    assert found["Deploy"].environment == "approval"
    assert found["Deploy"].steps[0].arguments == (("job", "deploy-prod"), ("wait", "false"))
    assert found["Deploy"].steps[1].condition == "post failure"
    assert commands(found["post"]) == [(31, "make clean")]
    assert triggers("Jenkinsfile", text) == [("schedule", ()), ("push", ())]


def test_a_scripted_jenkinsfile_gives_its_stages_too() -> None:
    text = """
        properties([pipelineTriggers([pollSCM('H/5 * * * *')])])
        node('gpu') {
          checkout scm
          stage("Build") { docker.image('python:3.12').inside { sh "make build" } }
          parallel(
            unit: { sh 'make unit' },
            lint: { sh 'make lint' }
          )
          stage('Deploy') {
            if (env.BRANCH_NAME == 'main') {
              timeout(5) { input 'Deploy?' }
              sh "deploy --version ${env.VERSION}"
            }
          }
        }
    """
    found = jobs("ci/Jenkinsfile.deploy", text)
    assert found["Build"].image == "python:3.12"
    assert (found["unit"].needs, found["lint"].needs) == (("Build",), ("Build",))
    assert found["Deploy"].needs == ("unit", "lint")
    assert found["Deploy"].manual
    assert "BRANCH_NAME" in found["Deploy"].steps[-1].condition
    assert commands(found["Deploy"]) == [(12, "deploy --version ${env.VERSION}")]
    assert triggers("ci/Jenkinsfile.deploy", text) == [("push", ())]


def test_groovy_that_is_no_pipeline_gives_nothing_and_another_name_is_started_by_hand() -> None:
    assert facts("src/pipeline/Util.groovy", "class Util { def run() { sh 'x' } }\n") == []
    assert triggers("jenkins/train.groovy", "pipeline { stages { stage('a') { steps { sh 'x' } } } }\n") == [("manual", ())]
    assert jobs("Jenkinsfile", "@Library('shared') _\nmlPipeline(name: 'x')\n")["library:shared"].uses == "library:shared"


def test_a_jenkinsfile_of_endless_blocks_is_a_problem() -> None:
    found = facts("Jenkinsfile", "pipeline {\n" + "stage('a') {\n" * 5000)
    assert [fact.line for fact in found if isinstance(fact, Problem)] == [61]


# ── CircleCI ─────────────────────────────────────────────────────────────────────────────────────────


def test_circleci_workflows_take_jobs_commands_executors_and_orbs_together() -> None:
    text = """
        version: 2.1
        orbs: {aws: circleci/aws-cli@4.0}
        executors:
          py:
            docker:
              - image: cimg/python:3.11
        commands:
          setup:
            parameters: {file: {default: requirements.txt}}
            steps:
              - run: pip install -r << parameters.file >>
        jobs:
          test:
            executor: py
            steps:
              - checkout
              - setup: {file: dev.txt}
              - run:
                  name: Tests
                  command: |
                    pytest
                    echo << pipeline.id >>
              - aws/setup: {region: eu}
          unused:
            docker: [{image: x}]
            steps: [{run: make unused}]
        workflows:
          main:
            jobs:
              - test
              - hold: {type: approval, requires: [test]}
              - aws/deploy:
                  requires: [hold]
                  filters: {branches: {only: main}}
          nightly:
            triggers:
              - schedule: {cron: "0 0 * * *", filters: {branches: {only: main}}}
            jobs: [test]
          release:
            jobs:
              - test: {filters: {branches: {ignore: /.*/}, tags: {only: /^v.*/}}}
    """
    main, nightly, release, unused = workflows(".circleci/config.yml", text)
    test, hold, deploy = main.jobs
    assert test.image == "cimg/python:3.11"
    assert commands(test) == [(11, "pip install -r dev.txt"), (21, "pytest"), (22, "echo ${pipeline.id}")]
    assert (test.steps[-1].uses, dict(test.steps[-1].arguments)) == ("aws/setup", {"region": "eu", "orb": "circleci/aws-cli@4.0"})
    assert hold.manual
    assert hold.environment == "approval"
    assert (deploy.uses, deploy.needs, deploy.line) == ("aws/deploy", ("hold",), 32)
    assert [(t.kind, t.branches) for t in main.triggers] == [("push", ())]
    assert [(t.kind, t.cron) for t in nightly.triggers] == [("schedule", "0 0 * * *")]
    assert [(t.kind, t.branches) for t in release.triggers] == [("tag", ("/^v.*/",))]
    assert ([job.id for job in unused.jobs], unused.triggers[0].kind) == (["unused"], "call")


# ── Cloud Build and CodeBuild ────────────────────────────────────────────────────────────────────────


def test_cloud_build_steps_are_commands_of_their_builders() -> None:
    text = """
        steps:
          - name: gcr.io/cloud-builders/docker:latest
            id: Build
            args: [build, -t, $_IMAGE, .]
          - name: python:3.11
            entrypoint: bash
            args:
              - -c
              - |
                pip install .
                pytest
          - name: python:3.11
            entrypoint: python
            args: [-m, pytest]
            dir: app
            allowFailure: true
          - name: ubuntu
            script: ./run.sh
    """
    (build,) = workflow("deploy/cloudbuild.yaml", text).jobs
    assert commands(build) == [(4, "docker build -t $_IMAGE ."), (10, "pip install ."), (11, "pytest"), (13, "pytest"), (18, "./run.sh")]
    assert build.steps[0].uses == "gcr.io/cloud-builders/docker:latest"
    assert (build.steps[2].arguments, build.steps[2].continue_on_error) == ((("working-directory", "app"),), True)
    assert triggers("deploy/cloudbuild.yaml", text) == [("manual", ())]
    assert commands(workflow("cloudbuild.json", '{"steps": [{"name": "a/gcloud",\n "args": ["ai", "x"]}]}').jobs[0]) == [(2, "gcloud ai x")]


def test_codebuild_phases_are_steps() -> None:
    text = """
        version: 0.2
        phases:
          install:
            commands: [pip install .]
          build:
            on-failure: CONTINUE
            commands:
              - cdk synth
            finally:
              - make clean
    """
    (build,) = workflow("infra/buildspec-train.yml", text).jobs
    assert [(step.name, step.continue_on_error) for step in build.steps] == [("install", False), ("build", True), ("build finally", True)]
    assert commands(build) == [(4, "pip install ."), (8, "cdk synth"), (10, "make clean")]


# ── Taskcluster ──────────────────────────────────────────────────────────────────────────────────────


def test_taskcluster_tasks_are_found_under_all_conditions() -> None:
    text = """
        version: 1
        tasks:
          $let:
            base:
              payload: {image: python:3.11}
          in:
            $if: 'tasks_for == "github-push" || tasks_for == "cron"'
            then:
              - $mergeDeep:
                  - {$eval: base}
                  - taskId: {$eval: as_slugid("test")}
                    payload:
                      command:
                        - /bin/bash
                        - -cx
                        - "git clone x &&
                          pytest"
                    metadata: {name: Tests}
              - dependencies: [{$eval: as_slugid("test")}]
                payload:
                  image: builder:1
                  command: [taskboot, deploy]
                metadata: {name: Deploy}
    """
    found = jobs(".taskcluster.yml", text)
    assert commands(found["test"]) == [(16, "git clone x"), (17, "pytest")]
    assert found["test"].image == "python:3.11"
    assert found["Deploy"].needs == ("test",)
    assert "github-push" in found["Deploy"].condition
    assert commands(found["Deploy"]) == [(22, "taskboot deploy")]
    assert triggers(".taskcluster.yml", text) == [("push", ()), ("schedule", ())]


def test_a_taskcluster_hook_is_started_by_its_schedule() -> None:
    text = '{"schedule": ["0 0 1 * *"],\n "bindings": [],\n "task": {"payload": {\n "command": ["python", "run.py"]}}}'
    found = workflow("infra/taskcluster-hook-train.json", text)
    assert [(t.kind, t.cron) for t in found.triggers] == [("schedule", "0 0 1 * *")]
    assert commands(found.jobs[0]) == [(4, "python run.py")]
    assert facts("hooks.json", '{"hooks": {}}') == []
    assert [type(fact) for fact in facts("taskcluster.json", "{")] == [Problem]


@pytest.mark.parametrize("text", ['{"tasks": [{"payload": {"command": ["make"]}}]}', "tasks: [{? payload : {'command' : [make]}}]\n"])
def test_a_list_of_tasks_is_known_however_its_keys_are_written(text: str) -> None:
    assert [commands(job) for job in jobs("ci/tasks.yml", text).values()] == [[(1, "make")]]


def test_yaml_that_only_mentions_a_payload_gives_no_tasks() -> None:
    assert facts("ci/tasks.yml", "tasks: [{command: [make, --payload, tasks]}]\n") == []


def test_a_taskgraph_kind_gives_its_tasks() -> None:
    text = "tasks:\n  train:\n    worker: {docker-image: ml:1}\n    run:\n      using: run-task\n      command: make train\n"
    assert commands(jobs("taskcluster/kinds/train/kind.yml", text)["train"]) == [(6, "make train")]


def test_a_taskgraph_kind_tells_the_tasks_that_a_change_starts_from_those_that_only_others_need() -> None:
    text = """
        transforms: [taskgraph.transforms.docker_image:transforms]
        kind-dependencies: [fetch, train]
        task-defaults: {run: {using: run-task}, run-on-tasks-for: []}
        tasks:
          smoke:
            run-on-tasks-for: [github-pull-request]
            run:
              command: [bash, -c, "make smoke"]
            dependencies: {model: train-small}
          nightly:
            run-on-tasks-for: [cron]
            from-deps: {group-by: all}
          score:
            run: {command: "make score"}
    """
    found = [fact for fact in facts("taskcluster/kinds/a/kind.yml", text) if isinstance(fact, Workflow)]
    used = {job.id: [step.uses for step in job.steps if step.uses.startswith("../")] for made in found for job in made.jobs}

    assert [(made.jobs[0].id, [trigger.kind for trigger in made.triggers]) for made in found] == [
        ("smoke", ["pull_request"]), ("nightly", ["schedule"]), ("score", ["call"]),
    ]  # fmt: skip
    assert commands(found[0].jobs[0])[0] == (8, "make smoke")
    assert used == {"smoke": ["../train/kind.yml"], "nightly": ["../fetch/kind.yml", "../train/kind.yml"], "score": []}
    assert dict(found[0].jobs[0].steps[-1].arguments) == {"folder": "taskcluster/docker/smoke"}


# ── The others ───────────────────────────────────────────────────────────────────────────────────────


def test_bitbucket_pipelines_are_workflows_of_their_own() -> None:
    text = """
        image: python:3.11
        pipelines:
          default:
            - step: &test
                name: Test
                script:
                  - pytest
          branches:
            main:
              - step: *test
              - parallel:
                  - step: {name: A, script: [make a]}
                  - step: {name: B, script: [make b]}
              - step:
                  name: Deploy
                  deployment: production
                  trigger: manual
                  script:
                    - pipe: atlassian/aws-ecs-deploy:1.0
                      variables: {CLUSTER: x}
          custom:
            retrain:
              - step: {script: [make train]}
    """
    default, main, custom = workflows("bitbucket-pipelines.yml", text)
    deploy = main.jobs[-1]
    assert commands(default.jobs[0]) == commands(main.jobs[0]) == [(7, "pytest")]
    assert deploy.needs == ("A", "B")
    assert main.jobs[1].needs == main.jobs[2].needs == ("Test",)
    assert (deploy.environment, deploy.manual, deploy.steps[0].uses) == ("production", True, "atlassian/aws-ecs-deploy:1.0")
    assert [(w.triggers[0].kind, w.triggers[0].branches) for w in (default, main, custom)] == [
        ("push", ()),
        ("push", ("main",)),
        ("manual", ()),
    ]


def test_travis_phases_and_deployments_are_steps() -> None:
    text = """
        branches: {only: [main]}
        install: pip install .
        script:
          - pytest
        after_success: codecov
        deploy:
          provider: pypi
          on: {tags: true}
    """
    (build,) = workflow(".travis.yml", text).jobs
    assert [(step.name, step.uses, step.continue_on_error) for step in build.steps] == [
        ("install", "", False),
        ("script", "", False),
        ("after_success", "", True),
        ("", "deploy:pypi", False),
    ]
    assert build.steps[-1].condition == "tags: true"
    assert triggers(".travis.yml", text) == [("push", ("main",)), ("pull_request", ("main",))]
    assert triggers(".travis.yml", "if: type = cron\nscript: make\n") == [("schedule", ())]


def test_what_travis_sets_for_all_jobs_or_each_stands_in_their_commands() -> None:
    each = "jobs:\n  include:\n  - env: suite=test\n  - env: suite=all\nscript: make $suite\nenv: {global: [suite=none where='a b']}\n"
    assert [[words for _, words in commands(job)] for job in workflow(".travis.yml", each).jobs[1:]] == [["make test"], ["make all"]]
    lines = "env:\n- A=one B=x\n- A=two\nscript: make $A\n"
    assert [words for _, words in commands(workflow(".travis.yml", lines).jobs[0])] == ["make one", "make two"]
    whole = "env: {A: one, secure: xxx}\nscript: make $A\n"
    assert [words for _, words in commands(workflow(".travis.yml", whole).jobs[0])] == ["make one"]


def test_travis_stages_wait_for_each_other() -> None:
    text = "jobs:\n  include:\n  - {stage: test, name: a, script: x}\n  - {name: b, script: y}\n  - {stage: deploy, name: c, script: z}\n"
    assert [job.needs for job in workflow(".travis.yml", text).jobs] == [(), (), ("a", "b")]


def test_appveyor_buildkite_drone_and_woodpecker_are_read() -> None:
    appveyor = workflow("appveyor.yml", "install:\n- ps: choco install x\ntest_script:\n- cmd: pytest\ndeploy: {provider: NuGet}\n")
    assert commands(appveyor.jobs[0]) == [(2, "choco install x"), (4, "pytest")]
    assert appveyor.jobs[0].steps[-1].uses == "deploy:NuGet"

    text = """
        steps:
          - label: Test
            command: pytest
            plugins: [{docker#v5: {image: python:3.11}}]
          - wait
          - block: Release?
          - label: Deploy
            commands: [make deploy]
            soft_fail: true
    """
    found = jobs(".buildkite/pipeline.yml", text)
    assert found["Release?"].manual
    assert found["Release?"].needs == ("Test",)
    assert found["Deploy"].needs == ("Release?",)
    assert found["Deploy"].continue_on_error
    assert images(".buildkite/pipeline.yml", text) == [(4, "python:3.11")]

    drone = workflow(
        ".drone.yml",
        "kind: pipeline\nname: ci\ntrigger: {event: [cron]}\nsteps:\n- name: t\n  image: python:3\n  commands:\n  - pytest\n- {name: p, image: plugins/docker, settings: {repo: x}}\n",
    )
    assert drone.triggers == (Trigger(line=3, kind="schedule"),)
    assert commands(drone.jobs[0]) == [(8, "pytest")]
    assert drone.jobs[0].steps[1].uses == "plugins/docker"
    assert workflow(".woodpecker/a.yml", "steps:\n  t: {image: a, commands: [pytest]}\n").system == "woodpecker"


def test_gocd_runs_stages_one_after_the_other() -> None:
    text = """
        pipelines:
          shop:
            materials: {m: {git: g, branch: main}, up: {pipeline: base, stage: s}}
            timer: {spec: 0 0 8 * * ?}
            stages:
            - check:
                jobs:
                  unit: {tasks: [{exec: {command: /bin/bash, arguments: [-c, make lint test]}}]}
                  types: {tasks: [{exec: {command: mypy, arguments: [src, a b]}}, {script: echo done}]}
            - ship:
                approval: {type: manual}
                tasks:
                - plugin: {configuration: {id: script-executor}, options: {script: make ship}}
                - fetch: {pipeline: shop}
    """
    found = workflow("ci/shop.gocd.yaml", text)
    assert [(trigger.kind, trigger.cron) for trigger in found.triggers] == [("schedule", "0 0 8 * * ?"), ("push", ""), ("upstream", "")]
    assert [(job.id, job.needs, job.manual) for job in found.jobs] == [
        ("check/unit", (), False),
        ("check/types", (), False),
        ("ship", ("check/unit", "check/types"), True),
    ]
    assert [text for job in found.jobs for _, text in commands(job)] == ["make lint test", "mypy src a b", "echo done", "make ship"]
    by_hand = workflow("a.gocd.yml", "pipelines: {p: {materials: {m: {git: g}}, stages: [{s: {approval: manual, tasks: [{script: x}]}}]}}")
    assert [trigger.kind for trigger in by_hand.triggers] == ["manual"]


# ── All of them ──────────────────────────────────────────────────────────────────────────────────────

PATHS = (
    GITHUB,
    "action.yml",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    "cloudbuild.yaml",
    "cloudbuild.json",
    "buildspec.yml",
    ".taskcluster.yml",
    "taskcluster/kinds/a/kind.yml",
    "taskcluster-hook.json",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    "appveyor.yml",
    ".buildkite/pipeline.yml",
    ".drone.yml",
    "ci/shop.gocd.yaml",
)
NAMES = "on jobs steps stages a script run pipelines default branches workflows tasks phases build commands deploy trigger include extends needs rules if"


def test_every_dialect_is_claimed() -> None:
    assert [path for path in PATHS if not any(reading.claims(path) for reading in READINGS)] == []


ODD = (
    "",
    "just text\n",
    "[1, 2]\n",
    "---\n---\n",
    *(
        f"{outer}: {inner}\n"
        for outer in NAMES.split()
        for inner in ("", "x", "[x]", "[[x]]", "{a: x}", "{a: {b: {c: [x]}}}", "[{a: x}, {step: [x]}]")
    ),
    "".join(f"{name}: &{name} {{{name}: [*a, {{steps: *a}}]}}\n" for name in NAMES.split() if name != "a").replace(
        "on:", "a: &a {b: x}\non:", 1
    ),
    "a: &a\n  steps: *a\n  script: [*a]\njobs: *a\nsteps: [*a]\ntasks: *a\n",
    "\x00\x01",
    "'''" * 50 + '"""' * 50 + "{(" * 50,
)


SYSTEMS = (
    "github-actions",
    "gitlab-ci",
    "azure-pipelines",
    "jenkins",
    "circleci",
    "cloud-build",
    "codebuild",
    "bitbucket",
    "taskcluster",
    "travis",
    "appveyor",
    "buildkite",
    "drone",
    "woodpecker",
    "gitea-actions",
    "forgejo-actions",
    "gocd",
)


@pytest.mark.parametrize("path", PATHS)
def test_odd_shapes_never_raise(path: str) -> None:
    for text in ODD:
        for fact in facts(path, text):
            assert isinstance(fact, (Workflow, Problem, Image, Include)), text
            assert not isinstance(fact, Workflow) or fact.system in SYSTEMS


@pytest.mark.parametrize("path", [GITHUB, ".gitlab-ci.yml", "azure-pipelines.yml", ".circleci/config.yml", "buildspec.yml", ".travis.yml"])
def test_broken_yaml_is_a_problem_with_its_line(path: str) -> None:
    assert [fact.line for fact in facts(path, "jobs:\n  a: [x\n  b: ]: y\n") if isinstance(fact, Problem)] == [3]


def test_steps_that_anchors_multiply_are_cut_with_a_problem() -> None:
    steps = "".join(f"    - run: make {n}\n" for n in range(200))
    text = f"on: push\njobs:\n  a:\n    steps: &s\n{steps}" + "".join(f"  j{n}: {{steps: *s}}\n" for n in range(500))
    found = facts(GITHUB, text)
    assert [fact.line for fact in found if isinstance(fact, Problem)] == [0]
    assert len(jobs(GITHUB, text)) == 501
    assert sum(len(job.steps) for job in jobs(GITHUB, text).values()) < 10_000


def test_anchors_that_multiply_lists_end() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    text = f"l0: &l0 [make x]\n{levels}job:\n  script: *l8\n"
    assert 0 < len(commands(jobs(".gitlab-ci.yml", text)["job"])) <= 1000
