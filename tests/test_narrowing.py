"""Calls, steps and signals that count only in some surroundings: files, imports beside them, triggers, other capabilities."""

from __future__ import annotations

from typing import Any

import pytest

from rung.detect import Detection, match
from rung.matchers import Matchers
from rung.packs.detectors import detector_of
from rung.records import (
    Call,
    Command,
    Detector,
    Fact,
    Import,
    Job,
    PackError,
    Packs,
    Role,
    Signal,
    SourceFile,
    Step,
    Strength,
    Trigger,
    Workflow,
)
from rung.wiring import Wiring


def signal(matcher: str, arguments: dict[str, Any], name: str = "s", capability: str = "model.serving", **more: Any) -> Signal:
    return Signal(
        id=name, capability=capability, strength=Strength.IMPLEMENTED, matcher=matcher, arguments=arguments, where=(Role.SOURCE,), **more
    )


def found(signals: tuple[Signal, ...], *facts: Fact, path: str = "api.py") -> list[str]:
    detector = Detector(id="d", title="D", homepage="", signals=signals)
    matchers = Matchers(Packs(detectors=(detector,), capabilities=(), resources=(), frameworks=(), digest=""))
    files = [SourceFile(path=path, size=10, facts=facts)]
    read = [matchers.matched(one) for one in files]
    return [item.signal for item in Detection(read, match(read, matchers), Wiring(read), "repo").evidence()]


PREDICT = Call(line=3, name="self.model.predict")


@pytest.mark.parametrize(
    ("module", "expected"),
    [("fastapi", ["s"]), ("fastapi.FastAPI", ["s"]), ("fastapi_users", []), ("flask", [])],
)
def test_a_call_counts_beside_an_import_of_a_module_that_it_asks_for(module: str, expected: list[str]) -> None:
    beside = signal("call", {"any": ["*.predict"], "beside": ["fastapi"]})
    assert found((beside,), Import(line=1, module=module), PREDICT) == expected


@pytest.mark.parametrize(
    ("web", "role", "expected"),
    [
        ("fastapi.FastAPI", Role.SOURCE, ["shop/rate.py"]),
        ("flask", Role.SOURCE, []),
        ("fastapi", Role.TEST, []),
    ],
)
def test_a_call_counts_behind_a_module_that_another_file_imports(web: str, role: Role, expected: list[str]) -> None:
    behind = signal("call", {"any": ["*.predict"], "behind": ["fastapi"]})
    matchers = Matchers(
        Packs(
            detectors=(Detector(id="d", title="D", homepage="", signals=(behind,)),),
            capabilities=(),
            resources=(),
            frameworks=(),
            digest="",
        )
    )
    files = [
        SourceFile(path="shop/web.py", size=10, role=role, facts=(Import(line=1, module=web), Import(line=2, module="shop.orders"))),
        SourceFile(path="shop/orders.py", size=10, facts=(Import(line=1, module=".rate.rated"),)),
        SourceFile(path="shop/rate.py", size=10, facts=(PREDICT,)),
        SourceFile(path="shop/offline.py", size=10, facts=(Import(line=1, module="shop.orders"), PREDICT)),
    ]
    read = [matchers.matched(one) for one in files]
    assert [item.location.path for item in Detection(read, match(read, matchers), Wiring(read), "repo").evidence()] == expected


@pytest.mark.parametrize(("path", "expected"), [("jobs/batch_score.py", ["s"]), ("jobs/train.py", [])])
def test_a_call_counts_in_the_files_that_it_asks_for(path: str, expected: list[str]) -> None:
    assert found((signal("call", {"any": ["*.predict"], "file": ["*batch*"]}),), PREDICT, path=path) == expected


@pytest.mark.parametrize(("kind", "expected"), [("schedule", ["s"]), ("push", [])])
@pytest.mark.parametrize(
    ("matcher", "arguments", "step"),
    [
        ("command", {"run": ["python *train*"]}, Step(line=4, commands=(Command(line=4, words=("python", "train.py")),))),
        ("step", {"uses": ["acme/train"]}, Step(line=4, uses="acme/train@v1")),
    ],
)
def test_a_step_counts_in_workflows_with_the_trigger_that_it_asks_for(
    matcher: str, arguments: dict[str, Any], step: Step, kind: str, expected: list[str]
) -> None:
    workflow = Workflow(
        line=1, system="github-actions", triggers=(Trigger(line=2, kind=kind),), jobs=(Job(line=3, id="go", steps=(step,)),)
    )
    asks = signal(matcher, {**arguments, "trigger": ["schedule"]})
    assert found((asks,), workflow, path=".github/workflows/go.yml") == expected


def test_a_signal_that_is_given_a_capability_counts_only_where_that_is_found() -> None:
    served = signal("import", {"any": ["server"]}, "served")
    rolled_out = signal("import", {"any": ["canary"]}, "rolled-out", "model.progressive-delivery", given=("model.serving",))
    canary = Import(line=2, module="canary")
    assert found((served, rolled_out), canary) == []
    assert found((served, rolled_out), canary, Import(line=1, module="server")) == ["rolled-out", "served"]


def test_a_pack_names_the_capabilities_that_a_signal_is_given() -> None:
    raw = {"id": "s", "capability": "model.rollback", "strength": "implemented", "given": ["model.serving"], "match": {"import": ["x"]}}
    pack = {"schema": "detector/1", "id": "d", "title": "D", "homepage": "https://example.org", "signals": [raw]}
    assert detector_of("d.yaml", pack).signals[0].given == ("model.serving",)
    with pytest.raises(PackError, match="unknown key `givn`"):
        detector_of("d.yaml", {**pack, "signals": [{**raw, "givn": []}]})


def test_a_call_of_typescript_counts_behind_a_server_that_leads_to_it_by_imports_but_not_by_what_a_module_hands_on() -> None:
    behind = signal("call", {"any": ["js:ai.generateText"], "behind": ["js:express"]})
    detector = Detector(id="d", title="D", homepage="", signals=(behind,))
    matchers = Matchers(Packs(detectors=(detector,), capabilities=(), resources=(), frameworks=(), digest=""))
    answers = Call(line=2, name="js:ai.generateText")
    sources: dict[str, tuple[Fact, ...]] = {
        "web/package.json": (),
        "web/src/server.ts": (
            Import(line=1, module="js:express"),
            Import(line=2, module="js:./near.js"),
            Import(line=3, module="js:@/aliased"),
            Import(line=4, module="js:@shop/core/inner"),
            Import(line=5, module="js:./all"),
        ),
        "web/src/near.ts": (answers,),
        "web/src/aliased/index.tsx": (answers,),
        "web/src/all.ts": (Import(line=1, module="js:./hidden", handed_on=True),),
        "web/src/hidden.ts": (answers,),
        "core/package.json": (),
        "core/src/inner.ts": (answers,),
        "core/src/other.ts": (answers,),
    }
    files = [matchers.matched(SourceFile(path=path, size=10, facts=facts)) for path, facts in sources.items()]
    evidence = Detection(files, match(files, matchers), Wiring(files), "repo").evidence()
    assert [item.location.path for item in evidence] == ["core/src/inner.ts", "web/src/aliased/index.tsx", "web/src/near.ts"]
