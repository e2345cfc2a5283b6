"""What the scanners of R, Julia, Scala, Java, JavaScript, TypeScript and Go see, and what they must not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rung import records
from rung.readers import constructs
from rung.readers.languages import READINGS, golang, javascript, julia, jvm, r
from rung.readers.reading import Asked, Reading
from rung.records import Call, Fact, Import, Literal

Facts = Callable[[str], Iterator[Fact]]


def imports(facts: Facts, source: str) -> list[str]:
    return [fact.module for fact in facts(source) if isinstance(fact, Import)]


def calls(facts: Facts, source: str) -> list[str]:
    return [fact.name for fact in facts(source) if isinstance(fact, Call)]


def assertions_of(facts: Facts, source: str) -> list[tuple[str, int]]:
    return [(fact.name, fact.assertions) for fact in facts(source) if isinstance(fact, records.Test)]


@pytest.mark.parametrize(
    ("facts", "source", "modules"),
    [
        (
            r.facts,
            "library(xgboost)\nrequire('dplyr')\nrequireNamespace(\"vetiver\", quietly = TRUE)",
            ["r:xgboost", "r:dplyr", "r:vetiver"],
        ),
        (r.facts, "suppressPackageStartupMessages(library(targets))\nx <- readr::read_csv(f)", ["r:targets", "r:readr"]),
        (r.facts, "pacman::p_load(mlflow, data.table)\nlapply(x, pins::pin_read)", ["r:mlflow", "r:data.table", "r:pacman", "r:pins"]),
        (
            r.facts,
            "source('R/clean.R')\nsource(here::here('R', 'fit.R'))\nsource(\"../x.R\")",
            ["r:here", "r:./R/clean.R", "r:./R/fit.R", "r:../x.R"],
        ),
        (r.facts, "# library(no)\nx <- 'library(no)'\nlibrary(name, character.only = TRUE)", ["r:name"]),
        (julia.facts, "using Flux, MLJ: machine, fit!\nimport MLFlowClient as ML", ["julia:Flux", "julia:MLJ", "julia:MLFlowClient"]),
        (
            julia.facts,
            'using Base.Iterators: partition\nusing .Local\ninclude("utils.jl")',
            ["julia:Base.Iterators", "julia:.Local", "julia:./utils.jl"],
        ),
        (julia.facts, '# using No\n#= using\nusing No2\n=#\nx = """\nusing No3\n"""', []),
        (
            jvm.facts,
            "import org.apache.spark.sql.{SparkSession, DataFrame => DF}\nimport a.b._",
            ["jvm:org.apache.spark.sql.SparkSession", "jvm:org.apache.spark.sql.DataFrame", "jvm:a.b"],
        ),
        (
            jvm.facts,
            "package x;\nimport java.util.List;\nimport static org.junit.Assert.assertEquals;\nimport a.*;",
            ["jvm:java.util.List", "jvm:org.junit.Assert.assertEquals", "jvm:a"],
        ),
        (jvm.facts, '// import a.b\n/* import\nimport c.d */\nval s = """\nimport e.f\n"""', []),
        (
            javascript.facts,
            "import a from 'x'\nimport * as b from \"@scope/y\"\nimport { c, type D as E } from './z'\nimport 'side'",
            ["js:x", "js:@scope/y", "js:./z", "js:side"],
        ),
        (
            javascript.facts,
            "import d, {\n  e,\n} from `no`;\nimport type { F } from 'types'\nexport { g } from 'h'\nexport * from 'i'",
            ["js:types", "js:h", "js:i"],
        ),
        (javascript.facts, "const a = require('x'), {b} = require(\"y\")\nconst c = await import('z')", ["js:x", "js:y", "js:z"]),
        (javascript.facts, "// import a from 'x'\n/* require('y') */\nconst s = `import b from 'z'`\nconst r = /import c from 'w'/", []),
        (
            javascript.facts,
            "const t = `${require('inside')} ${`deep ${require('deeper')}`} tail`; require('after')",
            ["js:inside", "js:deeper", "js:after"],
        ),
        (javascript.facts, "const r = s.replace(/['\"`]/g, '') / 2 / x; require('after')", ["js:after"]),
        (
            golang.facts,
            'package x\nimport "fmt"\nimport (\n\tm "github.com/a/mlflow"\n\t_ "net/http" // no\n)',
            ["go:fmt", "go:github.com/a/mlflow", "go:net/http"],
        ),
        (golang.facts, '// import "a"\n/*\nimport "b"\n*/\nvar s = `\nimport "c"\n`', []),
    ],
)
def test_imports_carry_the_languages_prefix(facts: Facts, source: str, modules: list[str]) -> None:
    assert imports(facts, source) == modules


@pytest.mark.parametrize(
    ("facts", "source", "names"),
    [
        (r.facts, "mlflow::mlflow_log_metric('rmse', 1)", ["r:mlflow.mlflow_log_metric"]),
        (r.facts, "library(xgboost)\nm <- xgb.train(p, d)\nset.seed(1)\nset.seed(2)\nif (x) paste(c(1))", ["r:xgb.train", "r:set.seed"]),
        (r.facts, "f <- function(x) vetiver:::pin(x)", ["r:vetiver.pin"]),
        (
            r.facts,
            "py <- reticulate::import('mlflow')\npy$log_metric('a', 1)",
            ["r:reticulate.import", "r:reticulate.import[mlflow].log_metric"],
        ),
        (
            julia.facts,
            "using MLFlowClient: logmetric\nimport Flux\nFlux.train!(m)\nlogmetric(c)\nx = Flux.Chain()\nx.run()",
            ["julia:Flux.train!", "julia:MLFlowClient.logmetric", "julia:Flux.Chain", "julia:Flux.Chain.run"],
        ),
        (julia.facts, "import Flux as F\nF.setup.(x)\nfunction fit(x)\nend\nx'; y = 'a'; gpu(x')", ["julia:Flux.setup", "julia:gpu"]),
        (
            jvm.facts,
            'import org.a.Spark\nval s = Spark.builder()\n  .appName("x")\n  .get()\ns.read.load(p)',
            [
                "jvm:org.a.Spark.builder",
                "jvm:org.a.Spark.builder.appName",
                "jvm:org.a.Spark.builder.appName[x].get",
                "jvm:org.a.Spark.builder.appName[x].get.read.load",
            ],
        ),
        (
            jvm.facts,
            "import org.a.{Foo, Bar => B}\nval f = new Foo(1)\nf.run()\nB.go()\nother()",
            ["jvm:org.a.Foo", "jvm:org.a.Foo.run", "jvm:org.a.Bar.go"],
        ),
        (
            jvm.facts,
            "import org.a.Client;\nclass X extends Client {\n  private Client client;\n  void f(Client c) { client.log(); c.go(); new ArrayList<Client>(); }\n}",
            ["jvm:org.a.Client.log", "jvm:org.a.Client.go", "jvm:org.a.Client"],
        ),
        (
            javascript.facts,
            "import * as s3 from 'aws-cdk-lib/aws-s3';\nnew s3.Bucket(this, 'B', { versioned: true });",
            ["js:aws-cdk-lib/aws-s3.Bucket"],
        ),
        (
            javascript.facts,
            "import express from 'express'\nconst app = express()\napp.get('/x', (q, r) => r.send())",
            ["js:express", "js:express.get"],
        ),
        (
            javascript.facts,
            "import { Stack as S } from 'cdk'\nclass A extends S {\n  constructor() { this.b = new S(); }\n  f() { this.b.add() }\n}",
            ["js:cdk.Stack", "js:cdk.Stack.add", "js:cdk.Stack"],
        ),
        (
            javascript.facts,
            "const { S3Client, PutCommand: P } = require('@aws-sdk/client-s3')\nnew S3Client({}).send(new P({}))",
            ["js:@aws-sdk/client-s3.S3Client", "js:@aws-sdk/client-s3.S3Client.send", "js:@aws-sdk/client-s3.PutCommand"],
        ),
        (javascript.facts, "import s3 = require('cdk/s3')\nnew s3.Bucket('a')", ["js:cdk/s3.Bucket"]),
        (
            javascript.facts,
            "import tf, { layers } from 'tf'\nconst m = await tf\n  .load<Model>('x')\nm?.predict(1)\nlayers.dense()\nunknown()",
            ["js:tf.load", "js:tf.load[x].predict", "js:tf.layers.dense"],
        ),
        (javascript.facts, "import { f } from 'x'\n// f()\n/* f() */ '// f()'; `f()`; function f() {}", []),
        (
            golang.facts,
            'import (\n\t"cloud.google.com/go/storage"\n\ty "gopkg.in/yaml.v3"\n\t"github.com/x/y/v2"\n)\nfunc f() {\n\tc, err := storage.NewClient(ctx)\n\tc.Bucket("b")\n\ty.Marshal(c)\n\tlocal()\n}',
            ["go:cloud.google.com/go/storage.NewClient", "go:cloud.google.com/go/storage.NewClient.Bucket", "go:github.com/x/y/v2.Marshal"],
        ),
    ],
)
def test_calls_are_named_through_imports_assignments_and_chains(facts: Facts, source: str, names: list[str]) -> None:
    assert calls(facts, source) == names


@pytest.mark.parametrize(
    ("facts", "source", "arguments", "keywords"),
    [
        (r.facts, "a::f('x, y', 1, z, n = TRUE, m = g(1, 2))", ("x, y", "1"), (("n", "TRUE"), ("m", ""))),
        (julia.facts, 'import A\nA.f("x"; n = 2)', ("x",), (("n", "2"),)),
        (jvm.facts, 'import a.A\nA.f("x", y, n = false)', ("x",), (("n", "false"),)),
        (
            javascript.facts,
            "import a from 'a'\na(this, 'x', { n: true, 'k': 1, m: { z: 2 } })",
            ("x",),
            (("n", "true"), ("m", ""), ("m.z", "2")),
        ),
        (javascript.facts, "import a from 'a'\na({ b: { c: { d: { e: 1 } } } })", (), (("b", ""), ("b.c", ""), ("b.c.d", ""))),
        (golang.facts, 'import "a"\nfunc f() { a.F("x", y, 3) }', ("x", "3"), ()),
    ],
)
def test_literal_arguments_and_keywords_are_kept(
    facts: Facts, source: str, arguments: tuple[str, ...], keywords: tuple[tuple[str, str], ...]
) -> None:
    call = next(fact for fact in facts(source) if isinstance(fact, Call))

    assert (call.arguments, call.keywords) == (arguments, keywords)


def test_a_call_stands_on_the_line_of_its_name() -> None:
    source = "import a from 'a'\n\na\n  .b(\n  1)"
    (call,) = (fact for fact in javascript.facts(source) if isinstance(fact, Call))

    assert (call.line, call.end_line) == (4, 5)
    assert [fact.line for fact in javascript.facts(source) if isinstance(fact, Import)] == [1]


def test_an_annotation_is_a_decorator_by_its_import_or_by_a_package_that_is_imported_whole() -> None:
    source = """
import a.triggers.OnBlob;
import b.web.*;
@Rest(path = "x")
class A {
  @Own void f(@OnBlob(name = "n", path = "p/{x}") byte[] c) {}
  // @OnBlob
  String s = "@OnBlob";
}
"""
    found = [(fact.line, fact.name, fact.keywords) for fact in jvm.facts(source) if isinstance(fact, Call) and fact.kind == "decorator"]

    assert found == [
        (4, "jvm:b.web.Rest", (("path", "x"),)),
        (6, "jvm:b.web.Own", ()),
        (6, "jvm:a.triggers.OnBlob", (("name", "n"), ("path", "p/{x}"))),
    ]


def test_a_field_of_an_imported_type_is_called_through_this() -> None:
    source = "import a.Store;\nclass A {\n  private final Store store;\n  void f() { this.store.put(1); }\n}"

    assert [fact.name for fact in jvm.facts(source) if isinstance(fact, Call)] == ["jvm:a.Store.put"]


def test_what_a_skim_of_java_keeps_are_imports_that_may_lead_to_a_file() -> None:
    (reading,) = [reading for reading in READINGS if reading.name == "jvm"]
    assert reading.skim
    source = b"package a;\n\nimport java.util.List;\nimport static a.b.C.d;\nimport a.E;\nclass F {}\n"

    assert [(fact.line, fact.module) for fact in reading.skim("F.java", source) if isinstance(fact, Import)] == [
        (4, "jvm:a.b.C.d"),
        (5, "jvm:a.E"),
    ]


def test_a_superclass_is_a_base() -> None:
    bases = [
        fact.name
        for facts, source in (
            (javascript.facts, "import * as cdk from 'aws-cdk-lib'\nclass A extends cdk.Stack {}"),
            (jvm.facts, "import org.a.Base\nclass A extends Base"),
        )
        for fact in facts(source)
        if isinstance(fact, Call) and fact.kind == "base"
    ]

    assert bases == ["js:aws-cdk-lib.Stack", "jvm:org.a.Base"]


@pytest.mark.parametrize(
    ("facts", "source", "found"),
    [
        (
            r.facts,
            "test_that('adds up', {\n  expect_equal(a, 1)\n  expect_true(x)\n})\ntest_that(\"is empty\", {\n})\nexpect_true(y)",
            [("adds up", 2), ("is empty", 0)],
        ),
        (r.facts, "test_that('runs', {\n  expect_true(TRUE)\n  expect_equal(1, 1)\n  expect_equal(1, 10)\n})", [("runs", 1)]),
        (
            javascript.facts,
            "it('a', () => { expect(true).toBe(true); expect(1)\n.toEqual(1); assert(true); assert.equal(1, 1) })",
            [("a", 0)],
        ),
        (
            javascript.facts,
            "it('b', () => { expect(true).toBe(x); expect(1).toBe(10); assert.ok(x) })",
            [("b", 3)],
        ),
        (julia.facts, '@testset "a" begin\n @test x\n @test_throws E y\nend\n@testset "b" begin\nend', [("a", 2), ("b", 0)]),
        (julia.facts, "@test f(1) == 2", [("test", 1)]),
        (
            jvm.facts,
            "class T {\n  @Test(timeout = 1)\n  public void adds() {\n    assertEquals(1, 1); verify(m).f();\n  }\n  @Test void empty() { }\n}",
            [("adds", 2), ("empty", 0)],
        ),
        (jvm.facts, 'class S extends AnyFunSuite {\n  test("adds") {\n    assert(1 == 1)\n    x shouldBe 2\n  }\n}', [("adds", 2)]),
        (
            javascript.facts,
            "describe('d', () => {\n  it('works', async () => {\n    expect(a).toBe(1)\n    assert.equal(b, 2)\n  })\n  test(\"empty\", () => {})\n})",
            [("works", 2), ("empty", 0)],
        ),
        (
            javascript.facts,
            "it.each([1, 2])('works %d', (x) => { expect(x).toBe(1) })\nit.skip('no', () => { expect(1) })\n// it('no', () => {})\nregex.test(s)",
            [("works %d", 1)],
        ),
        (
            golang.facts,
            'func TestA(t *testing.T) {\n\tif x { t.Errorf("no") }\n\trequire.NoError(t, err)\n}\nfunc TestB(t *testing.T) {\n}\nfunc helper() {}',
            [("TestA", 2), ("TestB", 0)],
        ),
    ],
)
def test_tests_count_their_assertions(facts: Facts, source: str, found: list[tuple[str, int]]) -> None:
    assert assertions_of(facts, source) == found


@pytest.mark.parametrize("facts", [r.facts, julia.facts, jvm.facts, javascript.facts, golang.facts])
def test_literals_worth_keeping_are_found_in_every_language(facts: Facts) -> None:
    source = 'x = "s3://bucket/a"\n\ny = "plain"\nz = "data/train.csv"\n'

    assert [fact for fact in facts(source) if isinstance(fact, Literal)] == [
        Literal(line=1, value="s3://bucket/a"),
        Literal(line=4, value="data/train.csv"),
    ]


@pytest.mark.parametrize(
    ("facts", "source"),
    [
        (javascript.facts, "import s from 'js'\ns.other()\ns.wanted('x')"),
        (javascript.facts, "import { wanted as w } from 'js'\nother()\nw('x')"),
        (javascript.facts, "const { wanted } = require('js')\nwanted('x')"),
        (javascript.facts, "import s from 'js'\nconst c = await s.client(1)\nc?.other()\nc!.wanted<T>('x')"),
        (javascript.facts, "import s from 'js'\ns.client()\n  .other()\n  ?.wanted('x')"),
        (javascript.facts, "import s from 'js'\nclass A { constructor() { this.c = new s.Client() }\n f() { this.c.wanted('x') } }"),
        (javascript.facts, "import wanted from 'wanted'\nwanted('x')"),
        (javascript.facts, "import w from 'root'\nw.anything('x')"),
        (golang.facts, 'import "a/b"\nfunc f() {\n\tc, err := b.New()\n\tc.other()\n\tc.wanted("x")\n}'),
        (golang.facts, 'import "a/b"\nvar x = b.wanted{"x"}'),
        (jvm.facts, 'import a.B;\nclass C { void f(B b) { b.other(); b.wanted("x"); } }'),
        (r.facts, 'other(1)\nwanted("x")'),
        (julia.facts, 'using A\nA.other(1)\nA.wanted("x")'),
    ],
)
def test_a_call_that_is_asked_for_is_found_and_others_may_be_left_out(facts: Callable[..., Iterator[Fact]], source: str) -> None:
    found = [fact for fact in facts(source, Asked(("js:root",), (), ("wanted", "js:wanted", "r:wanted"))) if isinstance(fact, Call)]

    assert [call.arguments for call in found if call.kind == "call"] == [("x",)]


def test_all_calls_of_a_file_that_declares_infrastructure_are_found() -> None:
    source = "import { Rule, Schedule } from 'aws-cdk-lib/aws-events'\nnew Rule(this, 'a', { schedule: Schedule.rate('x') })"
    found = [fact.name for fact in javascript.facts(source, Asked((), constructs.STEMS, ())) if isinstance(fact, Call)]

    assert found == ["js:aws-cdk-lib/aws-events.Rule", "js:aws-cdk-lib/aws-events.Schedule.rate"]


HOSTILE = [
    "a" * 60_000,
    "a." * 40_000,
    "a " * 40_000,
    "f(" * 20_000,
    "import {" * 10_000,
    "import a from " * 6_000,
    '"' * 20_000,
    "`${" * 10_000,
    "/*" * 20_000,
    "'''\"\"\"" * 6_000,
    "test('a', () => {" * 4_000,
    "x = f('a').g" * 4_000,
    "library(" * 10_000,
    "@testset " * 10_000,
    "@Test void f() {" * 4_000,
    "import (\n" * 4_000,
    "func TestA(t) { t.Error(" * 4_000,
    "a<" * 20_000,
    "\\" * 20_000,
    "/[" * 20_000,
]


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: source[:12])
def test_hostile_text_gives_facts_and_never_an_exception(reading: Reading, source: str) -> None:
    facts = list(reading.read("x", source.encode()))

    assert all(fact.line >= 0 for fact in facts)
    assert all(len(fact.name) <= 220 for fact in facts if isinstance(fact, Call))


def test_a_large_file_is_a_problem_and_its_beginning_is_read() -> None:
    facts = list(javascript.READING.read("x.js", b"import a from 'a'\n" + b"x = 1\n" * 200_000))

    assert [type(fact).__name__ for fact in facts] == ["Problem", "Import"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("R/a.R", ["r"]),
        ("a.r", ["r"]),
        ("src/A.jl", ["julia"]),
        ("A.scala", ["jvm"]),
        ("A.java", ["jvm"]),
        ("a/b.tsx", ["javascript"]),
        ("b.mjs", ["javascript"]),
        ("jquery.min.js", []),
        ("m.go", ["go"]),
        ("a.py", []),
        ("package.json", []),
    ],
)
def test_files_are_claimed_by_suffix(path: str, names: list[str]) -> None:
    assert [reading.name for reading in READINGS if reading.claims(path)] == names


def test_values_of_an_imported_type_and_fields_of_a_class_are_known_by_name() -> None:
    source = """
import { OpenAI } from "openai";
import * as s3 from "cdk/s3";
class Answers {
  private readonly client = new OpenAI();
  constructor(private readonly pages: s3.IBucket, log?: Logger<true>) {}
  ask() { this.client.ask(); this.pages.grantRead(1); log.write(); }
}
const options = { pages: s3.Kind.Fast };
"""
    names = [fact.name for fact in javascript.facts(source) if isinstance(fact, Call)]
    assert names == ["js:openai.OpenAI", "js:openai.OpenAI.ask", "js:cdk/s3.IBucket.grantRead"]


@pytest.mark.parametrize("skimmed", [False, True])
def test_imports_of_typescript_tell_what_is_only_handed_on(skimmed: bool) -> None:
    source = (
        b"import {\n  a,\n} from './a';\nexport * from './b'\nexport {\n  c\n} from './c'\nconst d = require('./d')\nexport const e = 'f'\n"
    )
    read = javascript.READING.skim if skimmed else javascript.READING.read
    assert read is not None
    assert [(fact.module, fact.handed_on) for fact in read("a.ts", source) if isinstance(fact, Import)] == [
        ("js:./a", False),
        ("js:./b", True),
        ("js:./c", True),
        ("js:./d", False),
    ]


def test_the_text_of_a_template_is_kept_around_its_code() -> None:
    source = "import {Bucket} from 'cdk'\nnew Bucket(this, `${props.farm}-${`a${1}`}-code`, {name: `x${y}`})"
    (call,) = [fact for fact in javascript.facts(source) if isinstance(fact, Call)]
    assert call.arguments == ("{}-{}-code",)
    assert call.keywords == (("name", "x{}"),)
