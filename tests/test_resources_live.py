"""How AWS resources are listed live, held against the service models of AWS: data that is wrong by one letter fails here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rung.inventory import DECLARED
from rung.packs import load_packs
from rung.packs.resources import is_reader
from rung.records import Listing, Read, Signal
from rung.targets.live.fields import names_in
from rung.wildcards import any_glob
from tests.aws_models import Item, item, item_of, member, operation, signing_name, wrong_answer, wrong_condition, wrong_parameters

pytest.importorskip("botocore", reason="boto3 is not here: tests/install-components brings it")
FIXTURES = Path(__file__).parent.parent / "fixtures"
PACKS = load_packs()
LIVE = {resource.type: resource.live for resource in PACKS.resources if resource.live and resource.provider == "aws"}
SIGNALS = [
    (f"{pack.id}/{signal.id}", signal)
    for pack in PACKS.detectors
    for signal in pack.signals
    if signal.matcher == "api" and "AWS::" in str(signal.arguments)
]
RECORDINGS = [path for path in sorted(FIXTURES.rglob("*.recording.jsonl")) if '"provider": "aws"' in path.read_text().partition("\n")[0]]
PREFIXES = {"cloudwatch": "cloudwatch"}
"""What permissions of a service begin with, where it is not the name that its requests are signed with."""
ACTIONS = {
    "s3:ListBuckets": "ListAllMyBuckets",
    "s3:GetBucketEncryption": "GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "s3:GetBucketReplication": "GetReplicationConfiguration",
}
"""The actions that are not called as the operation is."""
CODES = {
    "s3:GetBucketEncryption": {"ServerSideEncryptionConfigurationNotFoundError"},
    "s3:GetPublicAccessBlock": {"NoSuchPublicAccessBlockConfiguration"},
    "s3:GetBucketLifecycleConfiguration": {"NoSuchLifecycleConfiguration"},
    "s3:GetBucketReplication": {"ReplicationConfigurationNotFoundError"},
}
"""Errors of operations whose model declares none."""
REFUSALS = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "ThrottlingException"))
"""Codes that any operation can answer with, and that say nothing of what is there."""


@pytest.fixture(params=sorted(LIVE))
def listing(request: pytest.FixtureRequest) -> Listing:
    """How one type is listed."""
    return LIVE[request.param]


def test_each_call_is_an_operation_of_its_service_that_only_reads(listing: Listing) -> None:
    assert [read.call for read in _reads(listing) if operation(read.call) is None or not is_reader(read.call)] == []


def test_each_call_is_given_what_its_operation_takes(listing: Listing) -> None:
    above = _known(LIVE[listing.each]) if listing.each else {}
    assert list(wrong_parameters(listing.read.parameters, operation(listing.read.call).input_shape, above)) == []
    for detail in listing.details:
        given = {**above, **_known(listing)}
        assert list(wrong_parameters(detail.read.parameters, operation(detail.read.call).input_shape, given)) == []


def test_a_detail_does_not_hang_on_an_answer_that_comes_after_it(listing: Listing) -> None:
    above = _known(LIVE[listing.each]) if listing.each else {}
    for index, detail in enumerate(listing.details):
        known = Item(item(listing).parts[: index + 1])
        late = [name for name in _fields(detail.read.parameters) if known.at(name) is None and name not in above]
        assert late == []


def test_the_items_are_a_list_and_what_is_taken_of_an_answer_is_in_it(listing: Listing) -> None:
    answer = operation(listing.read.call).output_shape
    found = member(answer, listing.items)

    assert found is not None
    assert not listing.items or found.type_name in ("list", "structure")
    assert [detail.take for detail in listing.details if member(operation(detail.read.call).output_shape, detail.take) is None] == []


def test_the_name_is_a_text_of_the_item(listing: Listing) -> None:
    assert item_of(item(listing).at(listing.name)).type_name == "string"


def test_times_of_use_are_times(listing: Listing) -> None:
    known = item(listing)

    assert [path for path in listing.at if getattr(known.at(path), "type_name", "") != "timestamp"] == []


def test_only_what_sorts_by_itself_is_cut_after_the_newest(listing: Listing) -> None:
    sorts = {"SortOrder", "sortOrder"} & set(operation(listing.read.call).input_shape.members)

    assert not (listing.newest and sorts and not sorts & set(listing.read.parameters))


def test_codes_of_absence_are_errors_of_the_operation_and_never_just_a_refusal(listing: Listing) -> None:
    for read in _reads(listing):
        declared = {name for shape in operation(read.call).error_shapes for name in (shape.name, _code(shape))}
        codes = {code.partition(" ")[0] for code in read.absent}
        assert codes <= (declared or CODES.get(read.call, set()))
        assert not REFUSALS & set(read.absent), "a refusal means that there is none only where the service's words say so"


def test_permissions_are_actions_as_the_service_signs_them(listing: Listing) -> None:
    for read in _reads(listing):
        service, _, name = read.call.partition(":")
        assert read.permission == (f"{PREFIXES.get(service, signing_name(service))}:{ACTIONS.get(read.call, name)}",)


def test_each_type_that_another_is_listed_for_is_of_this_account(listing: Listing) -> None:
    assert not listing.each or listing.each in LIVE


def test_dead_ends_ask_for_attributes_that_there_are(listing: Listing) -> None:
    known = item(listing)
    for trap in listing.dead_ends:
        assert trap.where or trap.without
        assert [told for key, globs in trap.where.items() if (told := wrong_condition(known, key, _texts(globs)))] == []
        assert [key for key in trap.without if not known.asked(key)] == []


@pytest.mark.parametrize(("name", "signal"), SIGNALS, ids=[name for name, _ in SIGNALS])
def test_signals_ask_for_attributes_that_there_are(name: str, signal: Signal) -> None:
    del name
    asked = list(_asked(signal))
    assert len(asked) >= len(_types(signal)), "a type is not listed live"
    for resource in asked:
        known = item(LIVE[resource])
        where: Any = signal.arguments.get("where", {})
        without: Any = signal.arguments.get("without", ())
        assert [told for key, globs in where.items() if key != DECLARED and (told := wrong_condition(known, key, _texts(globs)))] == []
        assert [key for key in without if not known.asked(key)] == []


def test_every_listed_type_is_asked_for() -> None:
    asked = {resource for pack in PACKS.detectors for signal in pack.signals for resource in _asked(signal)}
    parents = {listing.each for listing in LIVE.values()}

    assert sorted(name for name, listing in LIVE.items() if name not in asked | parents and not listing.dead_ends) == []


@pytest.mark.parametrize("path", RECORDINGS, ids=[f"{path.parent.parent.name}/{path.parent.name}" for path in RECORDINGS])
def test_recorded_answers_are_what_the_service_could_say(path: Path) -> None:
    listed = [(read.call, read.parameters) for listing in LIVE.values() for read in _reads(listing)]
    header, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        templates = [parameters for call, parameters in listed if call == line["call"]]
        assert templates, f"no pack makes the call {line['call']}"
        assert line["region"] in header["regions"]
        if "with" in line:
            assert any(_fills(template, line["with"]) for template in templates), line["with"]
        if "answer" in line:
            assert list(wrong_answer(line["answer"], operation(line["call"]).output_shape)) == []


def _reads(listing: Listing) -> Iterator[Read]:
    yield listing.read
    for detail in listing.details:
        yield detail.read


def _known(listing: Listing) -> dict[str, Any]:
    """The shapes of what a resource has, by path; what its own item says goes before what its details add."""
    known: dict[str, Any] = {}
    for path, shape in item(listing).leaves():
        known.setdefault(path, shape)
    return known


def _fields(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield from names_in(template)
    elif isinstance(template, Mapping):
        for below in template.values():
            yield from _fields(below)
    elif isinstance(template, list):
        for below in template:
            yield from _fields(below)


def _code(shape: Any) -> str:
    return str(shape.metadata.get("error", {}).get("code", shape.name))


def _texts(globs: object) -> tuple[str, ...]:
    return tuple(map(str, globs)) if isinstance(globs, (list, tuple)) else ("true" if globs is True else str(globs),)


def _types(signal: Signal) -> tuple[str, ...]:
    return _texts(signal.arguments.get("any") or signal.arguments["type"])


def _asked(signal: Signal) -> Iterator[str]:
    """The listed types that a signal asks for."""
    if signal.matcher not in ("api", "resource") or "declared" in str(signal.arguments.get("dialect")):
        return
    is_asked = any_glob(_types(signal))
    yield from (name for name in LIVE if is_asked(name))


def _fills(template: Any, given: Any) -> bool:
    """Whether what a recorded call was given is what a pack gives, fields filled in."""
    if isinstance(template, Mapping):
        return isinstance(given, Mapping) and template.keys() == given.keys() and all(_fills(template[key], given[key]) for key in template)
    if isinstance(template, list):
        return isinstance(given, list) and len(template) == len(given) and all(map(_fills, template, given))
    return bool(isinstance(template, str) and names_in(template)) or template == given
