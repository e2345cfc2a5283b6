"""What the Terraform reader makes of HCL and JSON configurations."""

from __future__ import annotations

import pytest

from rung.readers.terraform import READINGS, read_hcl, read_json
from rung.records import Fact, Image, Problem, Resource, Setting


def read(source: str, path: str = "main.tf") -> list[Fact]:
    return list(read_hcl(path, source.encode()))


def the_resource(source: str) -> Resource:
    (found,) = [fact for fact in read(source) if isinstance(fact, Resource)]
    return found


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("infra/main.tf", ["terraform"]),
        ("a.tofu", ["terraform"]),
        ("live/prod/terragrunt.hcl", ["terraform"]),
        ("a.tf.json", ["terraform-json"]),
        (".terraform.lock.hcl", []),
        ("packer.pkr.hcl", []),
    ],
)
def test_paths_are_claimed_by_their_suffix(path: str, claimed: list[str]) -> None:
    assert [reading.name for reading in READINGS if reading.claims(path)] == claimed


def test_nested_blocks_objects_and_lists_are_flattened_in_order() -> None:
    resource = the_resource("""
resource "aws_s3_bucket" "data" {
  versioning { status = "Enabled" }
  tags = { team = "ml", "cost-centre" = 7 }
  zones = ["a", "b"]
  policy = jsonencode({ Statement = [{ Effect = "Deny" }] })
  logging {}
  acl = null
}""")
    assert (resource.type, resource.name, resource.line, resource.conditional) == ("aws_s3_bucket", "data", 2, "")
    assert resource.attributes == (
        ("tags.team", "ml"),
        ("tags.cost-centre", "7"),
        ("zones", "a"),
        ("zones", "b"),
        ("policy.Statement.Effect", "Deny"),
        ("versioning.status", "Enabled"),
        ("logging", ""),
    )


def test_the_content_of_a_dynamic_block_stands_under_its_label() -> None:
    resource = the_resource("""
resource "aws_x" "y" {
  dynamic "rule" {
    for_each = var.rules
    content {
      id = rule.value.id
    }
  }
}""")
    assert resource.attributes == (("rule.id", "rule.value.id"),)
    assert resource.references == ()


def test_scalars_of_the_same_file_are_put_in_and_others_stay_as_written() -> None:
    resource = the_resource("""
variable "env" { default = "prod" }
variable "open" {}
locals {
  days = 30
  names = ["a"]
}
resource "aws_x" "y" {
  a = var.env
  b = local.days
  c = "${var.env}-${var.open}"
  d = var.open
  e = local.names
  f = <<EOF
hello ${var.env}
EOF
}""")
    assert dict(resource.attributes) == {
        "a": "prod",
        "b": "30",
        "c": "prod-${var.open}",
        "d": "var.open",
        "e": "local.names",
        "f": "hello ${var.env}",
    }


@pytest.mark.parametrize(
    ("line", "conditional"),
    [
        ("count = 0", "false"),
        ("count = false", "false"),
        ("count = 3", ""),
        ("count = var.on ? 1 : 0", "var.on ? 1 : 0"),
        ("for_each = {}", "false"),
        ("for_each = toset([])", "false"),
        ("for_each = var.names", ""),
        ("for_each = var.on ? var.names : {}", "var.on ? var.names : {}"),
        ("lifecycle { enabled = false }", "false"),
        ("lifecycle { enabled = var.on }", "var.on"),
    ],
)
def test_what_decides_about_existence_is_the_condition(line: str, conditional: str) -> None:
    assert the_resource(f'resource "aws_x" "y" {{\n{line}\n}}').conditional == conditional


def test_references_are_addresses_of_other_resources_and_modules() -> None:
    resource = the_resource("""
resource "aws_sagemaker_endpoint" "live" {
  config = aws_sagemaker_endpoint_configuration.live.name
  role = "${aws_iam_role.ml.arn}"
  subnets = [for item in aws_subnet.all : item.id]
  kms = module.keys.arn
  zone = data.aws_region.here.name
  own = aws_sagemaker_endpoint.live.id
  text = "aws_not.this"
}""")
    assert resource.references == ("aws_sagemaker_endpoint_configuration.live", "aws_iam_role.ml", "aws_subnet.all", "module.keys")


def test_modules_backends_and_providers_are_facts_and_data_blocks_are_none() -> None:
    facts = read("""
terraform {
  backend "s3" {
    bucket = "state"
  }
}
provider "aws" {
  region = "eu-west-1"
}
data "aws_region" "here" {}
module "net" {
  source = "./net"
}""")
    assert facts == [
        Setting(line=3, key="terraform.backend", value="s3"),
        Setting(line=7, key="terraform.provider", value="aws"),
        Resource(line=11, dialect="terraform", type="module", name="net", attributes=(("source", "./net"),)),
    ]


def test_a_commented_out_resource_is_none() -> None:
    assert read('# resource "aws_x" "y" {}\n/* resource "aws_x" "z" {} */\n') == []


def test_a_terragrunt_unit_is_a_module_with_its_inputs() -> None:
    source = """
terraform {
  source = "../modules//vpc"
}
remote_state {
  backend = "gcs"
}
dependency "keys" {
  config_path = "../keys"
}
inputs = {
  size = 3
}"""
    module, setting = read(source, "live/prod/terragrunt.hcl")
    assert setting == Setting(line=5, key="terraform.backend", value="gcs")
    assert isinstance(module, Resource)
    assert (module.type, module.name, module.references) == ("module", "live/prod", ("../keys",))
    assert module.attributes == (("source", "../modules//vpc"), ("inputs.size", "3"))


def test_container_images_of_resources_are_images() -> None:
    facts = read("""
resource "google_cloud_run_v2_service" "api" {
  template {
    containers {
      image = "europe-docker.pkg.dev/p/r/api:1"
    }
  }
}
resource "aws_lambda_function" "f" {
  image_uri = var.image
}
""")
    assert [fact.name for fact in facts if isinstance(fact, Image)] == ["europe-docker.pkg.dev/p/r/api:1"]


def test_json_configurations_give_the_same_facts() -> None:
    source = b"""{
  "terraform": {"backend": {"azurerm": {}}},
  "provider": {"azurerm": {"features": {}}},
  "resource": {
    "azurerm_x": {
      "y": {"count": 0, "name": "n", "account": "${azurerm_account.main.id}"}
    }
  },
  "module": {"net": {"source": "./net"}}
}"""
    facts = {
        (type(fact).__name__, getattr(fact, "type", "") or getattr(fact, "value", "")): fact for fact in read_json("a.tf.json", source)
    }
    assert set(facts) == {("Setting", "azurerm"), ("Resource", "azurerm_x"), ("Resource", "module")}
    resource = facts["Resource", "azurerm_x"]
    assert isinstance(resource, Resource)
    assert (resource.name, resource.line, resource.conditional, resource.references) == ("y", 6, "false", ("azurerm_account.main",))


def test_a_broken_block_is_a_problem_and_the_others_stand() -> None:
    facts = read('resource "aws_x" "y" {\n  a = = 1\n}\nresource "aws_z" "w" {}\n')
    assert [fact.line for fact in facts if isinstance(fact, Problem)] == [2]
    assert "aws_z" in [fact.type for fact in facts if isinstance(fact, Resource)]


@pytest.mark.parametrize(
    ("source", "line", "what"),
    [
        ("resource " + "[" * 5000, 1, "nested deeper than 100 levels"),
        ('resource "a_b" "c" {\n x = ' + "(" * 200 + ")" * 200 + "}", 2, "nested deeper than 100 levels"),
        ("resource " + "x" * 600_000, 0, "larger than 512 KiB, not parsed"),
        ("resource\nx = <<" + "A" * 300 + "\n", 0, "a heredoc's marker is too long, not parsed"),
    ],
)
def test_what_could_break_the_parser_is_refused_as_a_problem(source: str, line: int, what: str) -> None:
    assert read(source) == [Problem(line=line, what=what)]


def test_long_chains_of_operators_and_interpolations_are_bounded() -> None:
    value = "x" * 150
    facts = read(f'variable "v" {{ default = "{value}" }}\nresource "a_b" "c" {{\n x = "{"${var.v}" * 20_000}"\n y = {"!" * 20_000}1\n}}')
    (resource,) = [fact for fact in facts if isinstance(fact, Resource)]
    assert all(len(text) <= 2000 for _, text in resource.attributes)
