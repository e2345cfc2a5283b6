"""What the Bicep reader sees."""

from __future__ import annotations

import pytest

from rung.readers.bicep import MAX_BYTES, read_bicep
from rung.records import Fact, Image, Problem, Resource


def read(source: str) -> list[Fact]:
    return list(read_bicep("main.bicep", source.encode()))


def resources(source: str) -> list[Resource]:
    return [fact for fact in read(source) if isinstance(fact, Resource)]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("resource" + " " * MAX_BYTES, Problem(line=0, what="larger than 1 MiB, not parsed")),
        ("resource a\n" + "(" * 200, Problem(line=2, what="nested deeper than 100 levels")),
    ],
)
def test_a_file_that_is_too_large_or_nested_too_deep_is_told_and_not_parsed(source: str, problem: Problem) -> None:
    assert read(source) == [problem]


SOURCE = """
@description('where: resource x')
param location string = 'westeurope'
param names array
var sku = 'Standard_LRS' // resource y 'A.B/c@1' = {}

resource store 'Microsoft.Storage/storageAccounts@2022-09-01' = if (deploy && true) {
  name: 'st${location}'
  location: location
  sku: {
    name: sku
  }
  tags: union(tags, { a: 'b' })
  zones: [
    '1'
    '2'
  ]
  properties: { text: 'it\\'s', count: 3, open: names == null
    ? 'yes'
    : 'no' }
  resource blobs 'blobServices' = {
    name: 'default'
  }
}

resource old 'Microsoft.KeyVault/vaults@2022-07-01' existing = {
  name: 'kv'
  resource secret 'secrets' = { name: 's' }
}

resource many 'Microsoft.Web/sites@2022-03-01' = [for (name, i) in names: if (i > 0) {
  name: name
  account: store.id
  text: 'at ${old.properties.vaultUri}'
}]

module net './net.bicep' = {
  name: 'net'
  params: {
    location: location
  }
}

module shared 'br/public:network/vnet:1.0' = [for n in names: { name: n }]
"""


def test_resources_and_modules_are_read_with_types_conditions_and_lines() -> None:
    assert [(found.line, found.type, found.name, found.conditional) for found in resources(SOURCE)] == [
        (7, "Microsoft.Storage/storageAccounts", "store", "deploy && true"),
        (21, "Microsoft.Storage/storageAccounts/blobServices", "blobs", ""),
        (28, "Microsoft.KeyVault/vaults/secrets", "secret", ""),
        (31, "Microsoft.Web/sites", "many", "i > 0"),
        (37, "module", "net", ""),
        (44, "module", "shared", ""),
    ]


def test_attributes_are_flattened_with_the_files_own_scalars() -> None:
    store, *_ = resources(SOURCE)
    assert store.attributes == (
        ("apiVersion", "2022-09-01"),
        ("name", "stwesteurope"),
        ("location", "westeurope"),
        ("sku.name", "Standard_LRS"),
        ("tags", "union(tags, { a: 'b' })"),
        ("zones", "1"),
        ("zones", "2"),
        ("properties.text", "it's"),
        ("properties.count", "3"),
        ("properties.open", "names == null\n    ? 'yes'\n    : 'no'"),
    )


def test_references_are_symbols_in_expressions_and_strings() -> None:
    by_name = {found.name: found for found in resources(SOURCE)}
    assert by_name["many"].references == ("store", "old")
    assert by_name["net"].attributes == (("source", "./net.bicep"), ("name", "net"), ("params.location", "westeurope"))


def test_container_images_are_images() -> None:
    facts = read(
        "resource a 'Microsoft.App/containerApps@2023-05-01' = {\n properties: { template: { containers: [\n { image: 'acr.io/a:1' }\n] } }\n}"
    )
    assert [(fact.name, fact.use) for fact in facts if isinstance(fact, Image)] == [("acr.io/a:1", "deployment")]


def test_an_open_bracket_is_a_problem_and_the_rest_is_read() -> None:
    problem, *found = read("resource a 'A.B/c@1' = {\n name: 'x'\n}\nresource b 'A.B/d@1' = {\n name: 'y'\n")
    assert isinstance(problem, Problem)
    assert problem.line == 4
    assert [getattr(fact, "type", "") for fact in found] == ["A.B/c", "A.B/d"]


@pytest.mark.parametrize("piece", ["'", "= ] ) resource ", "'${", "!", "/*", "resource a '", "'''", "resource a 'b' = {\n"])
def test_endless_nonsense_is_read_once_and_gives_no_error(piece: str) -> None:
    assert all(isinstance(fact, (Problem, Resource)) for fact in read("resource a 'A.B/c@1' = { x: " + piece * (400_000 // len(piece))))
