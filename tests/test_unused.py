"""Modules of infrastructure that nothing uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.unused import unused_roles
from tests.cases import Finder

MAIN = "module store 'modules/store.bicep' = {\n  name: 'store'\n}\n"
STORE = "resource store 'Microsoft.Storage/storageAccounts@2023-01-01' = {\n  name: 'readings'\n}\n"
LAKE = "resource lake 'Microsoft.Synapse/workspaces@2021-06-01' = {\n  name: 'lake'\n}\n"
FILES = {"infra/main.bicep": MAIN, "infra/modules/store.bicep": STORE, "infra/modules/lake.bicep": LAKE}
FINDER = Finder()


def lake(folder: Path, files: dict[str, str], path: str = "infra/modules/lake.bicep") -> tuple[str, str]:
    """Strength and note of the evidence for a lake that the module gives."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    found = next(item for item in FINDER.scan(folder) if item.capability == "data.warehouse-lake" and item.location.path == path)
    return found.strength.label, found.note


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="nothing names it"),
        pytest.param(
            {"infra/modules/platform.bicep": "module lake './lake.bicep' = {\n  name: 'lake'\n}\n"},
            id="a module that nothing uses does",
        ),
        pytest.param({"infra/modules/lake.bicep": f"{LAKE}module self './lake.bicep' = {{\n  name: 'self'\n}}\n"}, id="it names itself"),
        pytest.param({"deploy.sh": "az deployment sub create --template-file infra/main.bicep\n"}, id="a command names another file"),
    ],
)
def test_what_a_module_that_nothing_uses_declares_is_declared_only(tmp_path: Path, more: dict[str, str]) -> None:
    assert lake(tmp_path, FILES | more) == ("declared", "in a module that nothing uses")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(
            {"infra/main.bicep": MAIN + "module lake './modules/lake.bicep' = {\n  name: 'lake'\n}\n"}, id="the main file uses it"
        ),
        pytest.param(
            {
                "infra/main.bicep": MAIN + "module platform 'modules/platform.bicep' = {\n  name: 'platform'\n}\n",
                "infra/modules/platform.bicep": "module lake './lake.bicep' = {\n  name: 'lake'\n}\n",
            },
            id="a module in use uses it",
        ),
        pytest.param({"deploy.sh": "az deployment group create --template-file infra/modules/lake.bicep\n"}, id="a command deploys it"),
        pytest.param(
            {"deploy.sh": 'az deployment group create -f "infra/modules/$NAME.bicep"\n'}, id="a command deploys what a variable says"
        ),
        pytest.param({"infra/modules/lake.prod.bicepparam": "using 'lake.bicep'\n"}, id="it has parameters of its own"),
        pytest.param({"infra/modules/lake.parameters.json": "{}\n"}, id="it has parameters in JSON"),
        pytest.param({"infra/main.bicep": STORE}, id="no module of its folder is used"),
        pytest.param(
            {"infra/main.bicep": "module web 'br/public:avm/res/web/site:0.9.0' = {\n  name: 'web'\n}\n"}, id="modules come from elsewhere"
        ),
    ],
)
def test_a_module_that_may_be_deployed_counts(tmp_path: Path, more: dict[str, str]) -> None:
    assert lake(tmp_path, FILES | more) == ("automated", "")


def test_a_file_beside_the_one_that_uses_modules_counts(tmp_path: Path) -> None:
    files = {"main.bicep": MAIN, "modules/store.bicep": STORE, "lake.bicep": LAKE}
    assert lake(tmp_path, files, "lake.bicep") == ("automated", "")


ROOT = 'module "store" {\n  source = "./modules/store"\n}\n\nresource "aws_s3_bucket" "own" {\n  bucket = "own"\n}\n'
WAREHOUSE = 'resource "aws_redshift_cluster" "lake" {\n  cluster_identifier = "lake"\n  node_type = "ra3.large"\n}\n'
TERRAFORM = {"main.tf": ROOT, "modules/store/main.tf": 'resource "aws_s3_bucket" "b" {}\n', "modules/lake/main.tf": WAREHOUSE}
TAKEN = 'module "lake" {\n  source = "../../modules/lake"\n}\n'


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="nothing names it"),
        pytest.param({"main.tf": 'resource "aws_s3_bucket" "own" {}\n'}, id="no module is in use"),
        pytest.param({"modules/platform/main.tf": 'module "lake" {\n  source = "../lake"\n}\n'}, id="a module that nothing uses does"),
        pytest.param({"deploy.sh": "terraform -chdir=. apply\n"}, id="a command names another folder"),
    ],
)
def test_what_a_folder_of_terraform_that_nothing_takes_declares_is_declared_only(tmp_path: Path, more: dict[str, str]) -> None:
    assert lake(tmp_path, TERRAFORM | more, "modules/lake/main.tf") == ("declared", "in a module that nothing uses")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"stages/live/main.tf": TAKEN}, id="a folder takes it"),
        pytest.param({"examples/all/main.tf": TAKEN}, id="an example takes it"),
        pytest.param({"main.tf": 'module "l" {\n  source = "git::https://x.org/us.git//modules/lake?ref=v1"\n}\n'}, id="by its address"),
        pytest.param({"deploy.sh": "terraform -chdir=modules/lake apply\n"}, id="a command applies it"),
        pytest.param(
            {
                ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n"
                "      - run: terraform apply\n        working-directory: ./modules/lake\n"
            },
            id="a step works in it",
        ),
        pytest.param({"live/terragrunt.hcl": 'terraform {\n  source = "../modules//lake"\n}\n'}, id="Terragrunt may take it"),
        pytest.param({"main.tf": ""}, id="there are only modules"),
    ],
)
def test_what_a_folder_of_terraform_that_may_be_used_declares_is_provisioned(tmp_path: Path, more: dict[str, str]) -> None:
    assert lake(tmp_path, TERRAFORM | more, "modules/lake/main.tf")[0] == "automated"


SWITCH = 'variable "create" {\n  type    = bool\n  default = false\n}\n'
GATED = WAREHOUSE.replace("{\n", "{\n  count = var.create ? 1 : 0\n", 1)
CALL = 'module "lake" {\n  source = "./modules/lake"\n  create = var.wanted\n}\n'


@pytest.mark.parametrize(
    ("files", "path"),
    [
        pytest.param({"main.tf": GATED, "variables.tf": SWITCH}, "main.tf", id="its own variable is false"),
        pytest.param(
            {"main.tf": GATED, "variables.tf": SWITCH, "live.tfvars": "create = false\n"}, "main.tf", id="a file of values leaves it off"
        ),
        pytest.param(
            {"main.tf": CALL, "variables.tf": SWITCH.replace("create", "wanted"), "modules/lake/main.tf": GATED},
            "modules/lake/main.tf",
            id="the caller's variable is false",
        ),
        pytest.param(
            {
                "main.tf": CALL.replace("create = var.wanted", "count = var.wanted ? 1 : 0"),
                "variables.tf": SWITCH.replace("create", "wanted"),
            }
            | {"modules/lake/main.tf": WAREHOUSE},
            "modules/lake/main.tf",
            id="the module is taken no times",
        ),
    ],
)
def test_what_a_variable_switches_off_by_default_is_declared_only(tmp_path: Path, files: dict[str, str], path: str) -> None:
    assert lake(tmp_path, files, path) == ("declared", "switched off by default")


@pytest.mark.parametrize(
    ("files", "path"),
    [
        pytest.param({"main.tf": GATED, "variables.tf": SWITCH.replace("false", "true")}, "main.tf", id="the default is true"),
        pytest.param(
            {"main.tf": GATED, "variables.tf": SWITCH, "env/live.tfvars": "create = true\n"}, "main.tf", id="a file of values sets it"
        ),
        pytest.param(
            {"main.tf": GATED, "variables.tf": SWITCH, "go.sh": "terraform apply -var create=true\n"}, "main.tf", id="a command sets it"
        ),
        pytest.param(
            {"main.tf": CALL.replace("var.wanted", "true"), "modules/lake/main.tf": GATED, "modules/lake/variables.tf": SWITCH},
            "modules/lake/main.tf",
            id="the caller sets it",
        ),
        pytest.param(
            {"main.tf": CALL.replace("var.wanted", "local.wanted"), "modules/lake/main.tf": GATED, "modules/lake/variables.tf": SWITCH},
            "modules/lake/main.tf",
            id="the caller computes it",
        ),
        pytest.param({"main.tf": GATED.replace("? 1 : 0", "? 0 : 1"), "variables.tf": SWITCH}, "main.tf", id="the variable turns it off"),
    ],
)
def test_what_is_or_may_be_switched_on_counts(tmp_path: Path, files: dict[str, str], path: str) -> None:
    assert lake(tmp_path, files, path) == ("automated", "")


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\n",
    "chart/values.yaml": "replicaCount: 1\nautoscaling:\n  enabled: false\n",
    "chart/templates/hpa.yaml": (
        "{{- if .Values.autoscaling.enabled }}\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: shop\n{{- end }}\n"
    ),
}
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: shop\nspec:\n  values:\n    autoscaling:\n      enabled: true\n"
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\nspec:\n  source:\n    helm:\n      values: |\n        autoscaling:\n          enabled: true\n"
OTHER = {"other/Chart.yaml": "name: other\n", "other/values.yaml": "replicaCount: 1\nautoscaling:\n  enabled: true\n"}
ABOVE = {"Chart.yaml": "name: all\n", "values.yaml": "replicaCount: 1\nshop:\n  autoscaling:\n    enabled: true\n"}


def scaling(folder: Path, files: dict[str, str]) -> str:
    """Strength of the evidence for an autoscaler in a chart's template."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return next(item.strength.label for item in FINDER.scan(folder) if item.capability == "code.auto-remediation")


@pytest.mark.parametrize(
    ("values", "expected"), [("", "implemented"), ("keda:\n  enabled: true\n", "implemented"), ("keda:\n  enabled: false\n", "declared")]
)
def test_a_chart_that_a_chart_would_bring_along_if_its_values_said_so_is_declared_only(tmp_path: Path, values: str, expected: str) -> None:
    brings = "apiVersion: v2\nname: shop\ndependencies:\n- name: keda\n  version: 2.x\n  condition: keda.enabled\n"
    assert scaling(tmp_path, {"chart/Chart.yaml": brings, "chart/values.yaml": f"replicaCount: 1\n{values}"}) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({}, "declared", id="nothing has it on"),
        pytest.param(OTHER, "declared", id="another chart has its own on"),
        pytest.param(
            {"chart/templates/hpa.yaml": CHART["chart/templates/hpa.yaml"].replace("if .V", "if and .Values.replicaCount .V")},
            "declared",
            id="it is asked for with something else",
        ),
        pytest.param({"chart/values-prod.yaml": "autoscaling:\n  enabled: true\n"}, "automated", id="other values have it on"),
        pytest.param(ABOVE, "automated", id="the values of a chart around it have it on"),
        pytest.param({"release.yaml": RELEASE}, "automated", id="a release has it on"),
        pytest.param({"app.yaml": APPLICATION}, "automated", id="an application has it on"),
        pytest.param({"go.sh": "helm upgrade shop chart --set autoscaling.enabled=true\n"}, "automated", id="a command sets it"),
        pytest.param(
            {"chart/templates/hpa.yaml": CHART["chart/templates/hpa.yaml"].replace("if .V", "if or .Values.always .V")},
            "automated",
            id="something else may do",
        ),
        pytest.param(
            {"chart/templates/hpa.yaml": CHART["chart/templates/hpa.yaml"].replace("if .V", "if not .V")}, "automated", id="it turns it off"
        ),
    ],
)
def test_what_a_chart_has_off_is_declared_only(tmp_path: Path, more: dict[str, str], expected: str) -> None:
    assert scaling(tmp_path, CHART | more) == expected


PLAYED = "- hosts: all\n  roles: [web]\n"
ROLE = "- command: dvc repro\n"


@pytest.mark.parametrize(
    ("more", "unused"),
    [
        pytest.param({}, ["roles/lake/tasks/main.yml"], id="nothing plays it"),
        pytest.param({"site-legacy.yml": "- hosts: all\n  roles: [lake]\n"}, ["roles/lake/tasks/main.yml"], id="an old playbook plays it"),
        pytest.param({"lake.yml": "- hosts: all\n  roles: [lake]\n"}, [], id="another playbook plays it"),
        pytest.param({"roles/web/meta/main.yml": "dependencies: [lake]\n"}, [], id="a role in use depends on it"),
        pytest.param({"lake.yml": "- hosts: all\n  tasks: [{include_role: {name: '{{ which }}'}}]\n"}, [], id="a variable names one"),
        pytest.param({"galaxy.yml": "name: shop\n"}, [], id="it is a collection for others"),
        pytest.param({"site.yml": "- hosts: all\n  roles: [other]\n"}, [], id="no role of the repository is played"),
    ],
)
def test_a_role_that_no_playbook_plays_beside_others_is_unused(tmp_path: Path, more: dict[str, str], unused: list[str]) -> None:
    files = {"site.yml": PLAYED, "roles/web/tasks/main.yml": ROLE, "roles/lake/tasks/main.yml": ROLE} | more
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    assert sorted(unused_roles(FINDER.read(tmp_path)[0])) == unused
