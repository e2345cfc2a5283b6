"""Playbooks, roles and files of tasks give the commands, charts, objects and images that they run, and what they include."""

from __future__ import annotations

from textwrap import dedent

import pytest

from rung.readers.ansible import READINGS
from rung.records import Fact, Image, Include, Problem, Resource, Task


def facts(path: str, text: str) -> list[Fact]:
    """The facts of everything that claims the path; the text's first line is line 1."""
    data = dedent(text).lstrip("\n").encode()
    return [fact for reading in READINGS if reading.claims(path) for fact in reading.read(path, data)]


def tasks(path: str, text: str) -> list[Task]:
    return [fact for fact in facts(path, text) if isinstance(fact, Task)]


def lines(task: Task) -> list[tuple[int, str]]:
    """The commands without those that only enter and leave a folder."""
    return [(command.line, " ".join(command.words)) for command in task.commands if command.words[0] not in ("pushd", "popd")]


def in_role(text: str) -> list[str]:
    return [command for task in tasks("roles/web/tasks/main.yml", text) if task.kind == "ansible" for _, command in lines(task)]


def test_each_play_is_a_task_of_its_commands_on_their_lines() -> None:
    found = tasks(
        "deploy/site.yml",
        """
        ---
        # all of it
        - name: Fit
          hosts: workers
          pre_tasks:
            - raw: uptime
          tasks:
            - name: fit
              ansible.builtin.shell: |
                cd /srv
                python fit.py
            - block:
                - command: {cmd: dvc repro, chdir: data}
              rescue:
                - command: {argv: [mlflow, gc]}
        - hosts: all
          handlers:
            - local_action: command dvc push creates=/tmp/x
        """,
    )

    assert [(task.kind, task.name, task.line) for task in found] == [("ansible", "Fit", 3), ("ansible", "all", 16)]
    assert lines(found[0]) == [(6, "uptime"), (10, "cd /srv"), (11, "python fit.py"), (13, "dvc repro"), (15, "mlflow gc")]
    assert [command.words for command in found[0].commands if command.line == 13] == [("pushd", "data"), ("dvc", "repro"), ("popd",)]
    assert lines(found[1]) == [(18, "dvc push")]


def test_a_playbook_leads_to_its_roles_to_what_it_includes_and_to_other_playbooks() -> None:
    found = facts(
        "deploy/site.yml",
        """
        - ansible.builtin.import_playbook: base.yml
        - hosts: all
          roles:
            - web
            - {role: old, when: false}
            - role: kept
          tasks:
            - include_role: {name: scorer, tasks_from: warm}
            - include_tasks: more/fit.yml
        """,
    )
    first, second = (fact for fact in found if isinstance(fact, Task))

    assert first.inputs == ("deploy/base.yml",)
    assert [word for word in second.inputs if word.endswith(".yml")] == [
        "{}/roles/web/tasks/main.yml",
        "{}/web/tasks/main.yml",
        "{}/roles/kept/tasks/main.yml",
        "{}/kept/tasks/main.yml",
        "{}/roles/scorer/tasks/warm.yml",
        "{}/scorer/tasks/warm.yml",
        "deploy/more/fit.yml",
        "deploy/tasks/more/fit.yml",
    ]
    assert [(fact.path, fact.reader) for fact in found if isinstance(fact, Include)] == [("deploy/more/fit.yml", "ansible-tasks")]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("shop.site.web", "{}/roles/web/tasks/main.yml"),
        ("../roles/store/web", "{}/roles/../roles/store/web/tasks/main.yml"),
        ("author.web", "{}/roles/author.web/tasks/main.yml"),
    ],
)
def test_a_role_is_named_by_its_collection_or_by_its_place_too(name: str, word: str) -> None:
    assert tasks("site.yml", f"- hosts: all\n  roles: [{name}]\n")[0].inputs[0] == word


def test_a_role_leads_to_its_handlers_and_dependencies_and_to_roles_beside_it() -> None:
    main = tasks("roles/web/tasks/main.yml", "- import_role: {name: base}\n- script: warm.sh --now\n")[0]
    meta = tasks("roles/web/meta/main.yml", "galaxy_info: {}\ndependencies:\n  - role: common\n")[0]

    assert {"{}/../../base/tasks/main.yml", "roles/web/files/warm.sh", "roles/web/handlers/main.yml", "roles/web/meta/main.yml"} <= {
        *main.inputs
    }
    assert meta.inputs[0] == "{}/../../common/tasks/main.yml"


@pytest.mark.parametrize(
    "item",
    [
        "- command: dvc repro\n  when: false\n",
        "- command: dvc repro\n  when: [ready, false]\n",
        "- command: dvc repro\n  tags: [never, data]\n",
        "- block:\n    - command: dvc repro\n  when: false\n",
        "- pip: {name: dvc, state: absent}\n",
        "- debug: {msg: dvc repro}\n",
    ],
)
def test_what_can_never_run_and_what_only_takes_away_gives_nothing(item: str) -> None:
    assert in_role(item) == []


def test_a_failure_that_is_ignored_is_thrown_away() -> None:
    found = tasks("tasks/fit.yml", "- command: a\n  ignore_errors: true\n- block: [{command: b}]\n  ignore_errors: yes\n- command: c\n")[0]

    assert [command.words[0] for command in found.commands if command.toothless] == ["a", "b"]


@pytest.mark.parametrize(
    ("item", "command"),
    [
        ("- ansible.builtin.pip: {name: [mlflow, dvc]}", "pip install mlflow dvc"),
        ("- pip: name=mlflow version=2.9", "pip install mlflow==2.9"),
        ("- pip: {requirements: /srv/requirements.txt}", "pip install -r /srv/requirements.txt"),
        ("- apt: {name: 'git, curl', state: present}", "apt-get install -y git curl"),
        ("- community.docker.docker_compose_v2: {project_src: stack, files: [prod.yml]}", "docker compose -f prod.yml up -d"),
        ("- community.docker.docker_image: {name: web, source: build, build: {path: app}}", "docker build -t web app"),
        ("- community.docker.docker_image_push: {name: shop/web}", "docker push shop/web"),
    ],
)
def test_a_module_is_the_command_that_does_the_same(item: str, command: str) -> None:
    assert in_role(f"{item}\n") == [command]


def test_variables_are_filled_in_where_the_file_says_what_they_are_and_stay_as_written_elsewhere() -> None:
    found = tasks(
        "site.yml",
        """
        - hosts: all
          vars: {tool: dvc, app: {dir: /srv}}
          tasks:
            - command: "{{ tool }} {{ verb }} {{ app.dir }}/x {{ mode | default('fast') }}"
              vars: {verb: repro}
            - command: "{{ item.run }} {{ unknown }}"
              loop: [{run: a}, {run: b}]
            - command: "{{ it }}"
              loop: "{{ all_of_them }}"
              loop_control: {loop_var: it}
        """,
    )[0]

    assert [command for _, command in lines(found)] == ["dvc repro /srv/x fast", "a {{ unknown }}", "b {{ unknown }}", "{{ it }}"]


def test_helm_is_a_release_with_its_chart() -> None:
    found = facts(
        "roles/web/tasks/main.yml",
        """
        - kubernetes.core.helm:
            name: web
            chart_ref: "{{ item }}"
            release_namespace: shop
            values: {replicas: 2}
          loop: [shop/web]
        - helm: {name: gone, chart_ref: shop/gone, state: absent}
        """,
    )

    assert [(fact.line, fact.type, fact.name, fact.attributes) for fact in found if isinstance(fact, Resource)] == [
        (3, "helm/Release", "web", (("chart", "shop/web"), ("namespace", "shop"), ("values.replicas", "2")))
    ]


def test_an_object_that_is_defined_in_a_task_is_the_kubernetes_object_that_it_is() -> None:
    found = facts(
        "roles/web/tasks/main.yml",
        """
        - kubernetes.core.k8s:
            state: present
            definition:
              apiVersion: batch/v1
              kind: CronJob
              metadata: {name: fit}
              spec:
                schedule: "0 2 * * *"
                jobTemplate: {spec: {template: {spec: {containers: [{image: "shop/fit:{{ tag }}", command: [python, fit.py]}]}}}}
        - k8s: {src: objects.yaml}
        - k8s: {definition: "{{ lookup('template', 'pvc.yaml.j2') | from_yaml }}"}
        """,
    )
    job = next(fact for fact in found if isinstance(fact, Resource))

    assert (job.line, job.type, job.name, dict(job.attributes)["spec.schedule"]) == (5, "batch/CronJob", "fit", "0 2 * * *")
    assert [fact.name for fact in found if isinstance(fact, Image)] == ["shop/fit:${tag}"]
    named = next(fact for fact in found if isinstance(fact, Task)).inputs
    assert {"roles/web/tasks/objects.yaml", "roles/web/files/objects.yaml", "roles/web/templates/pvc.yaml.j2"} <= {*named}


def test_a_container_is_run_with_its_command() -> None:
    assert in_role("- docker_container: {image: 'shop/web:1', command: [serve, -v]}\n") == ["docker run -d shop/web:1", "serve -v"]
    assert in_role("- docker_container: {image: 'shop/web:1', command: fit, state: absent}\n") == []


def test_containers_name_images_that_are_deployed() -> None:
    found = facts("tasks/web.yml", "- podman_container: {name: web, image: shop/web:2}\n- docker_container: {name: x, image: '{{ x }}'}\n")

    assert [(fact.name, fact.use) for fact in found if isinstance(fact, Image)] == [("shop/web:2", "deployment")]


@pytest.mark.parametrize(
    ("cron", "schedule"),
    [
        ("{minute: 0, hour: '2', job: python fit.py}", "0 2 * * *"),
        ("{special_time: daily, job: python fit.py}", "@daily"),
        ("{hour: '{{ hour }}', job: python fit.py > /var/log/fit}", "* {{ hour }} * * *"),
        ("{hour: 2, job: python fit.py, disabled: true}", None),
        ("{hour: 2, job: python fit.py, state: absent}", None),
    ],
)
def test_an_entry_of_cron_is_a_schedule(cron: str, schedule: str | None) -> None:
    found = [task for task in tasks("roles/web/tasks/main.yml", f"- ansible.builtin.cron: {cron}\n") if task.kind == "cron"]

    assert [(task.name, lines(task)) for task in found] == ([(schedule, [(1, "python fit.py")])] if schedule else [])


def test_defaults_of_a_role_name_the_charts_and_images_that_its_tasks_leave_to_a_variable() -> None:
    found = facts(
        "roles/web/defaults/main.yml",
        """
        web_chart_ref: shop/web
        web_chart_version: 1.2
        web_image: shop/web:1
        chart_note: none
        db_image: "{{ registry }}/db"
        """,
    )

    assert [(fact.line, dict(fact.attributes)) for fact in found if isinstance(fact, Resource)] == [(1, {"chart": "shop/web"})]
    assert [(fact.line, fact.name) for fact in found if isinstance(fact, Image)] == [(3, "shop/web:1")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("k8s/ingress.yml", "spec:\n  rules:\n  - hosts: [a]\n"),
        ("guests.yml", "- name: anna\n  hosts: {}\n- plain\n- [1]\n"),
        ("tasks/build.yml", "tasks:\n- command: make\n"),
        ("tasks/eval.yml", "task: arc\ndataset: x\n"),
        ("other/list.yml", "- command: make\n"),
    ],
)
def test_files_that_only_look_alike_give_nothing(path: str, text: str) -> None:
    assert facts(path, text) == []


def test_what_is_broken_is_said_and_the_rest_stands() -> None:
    found = facts("site.yml", "- hosts: all\n  tasks: [\n")

    assert [type(fact) for fact in found] == [Problem]


def test_a_playbook_that_lies_among_files_of_tasks_is_read_once() -> None:
    (found,) = tasks("tasks/site.yml", "- hosts: all\n  tasks:\n    - shell: dvc repro\n")
    assert lines(found) == [(3, "dvc repro")]


def test_a_key_that_only_ends_like_a_module_is_none() -> None:
    assert in_role("- company.shell: dvc repro\n") == []
    assert in_role("- company.tools.shell: dvc repro\n") == ["dvc repro"]


def test_hosts_that_a_task_names_make_no_play_of_it() -> None:
    text = "- k8s:\n    definition:\n      kind: Ingress\n      spec:\n        tls:\n          - hosts: [shop.example.org]\n- shell: dvc repro\n"
    assert in_role(text) == ["dvc repro"]
