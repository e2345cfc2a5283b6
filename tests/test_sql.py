"""SQL statements, functions and dbt's Jinja as calls."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.readers.sql import MAX_BYTES, MAX_CALLS, READINGS, read_sql
from rung.records import Call, Problem


def calls(text: str) -> list[Call]:
    return [fact for fact in read_sql("a.sql", text.encode()) if isinstance(fact, Call)]


def rows(text: str) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(call.line, call.name, call.arguments) for call in calls(text)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("UPDATE t SET a = 1;\tUPDATE u SET a = 1", [1, 1]),
        ("select 1;\n  update t set a = 1", [2]),
        ("begin\n  update t set a = 1;\nend", [2]),
        ("if a THEN update t set a = 1 ELSE\tUpdate u set a = 1", [1, 1]),
        ("strengthen update t", []),
        ("  # update a\n\t# update b\nupdate t set a = '\n# update c'", [3]),
        ("select x\nfrom İ;update t set a = 1", [2]),
    ],
)
def test_a_statement_begins_a_line_or_stands_behind_a_semicolon_or_some_words(text: str, lines: list[int]) -> None:
    assert [line for line, name, _ in rows(text) if name == "sql:update"] == lines


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("CREATE TABLE IF NOT EXISTS db.t (a int)", "sql:create table", ("db.t",)),
        ("create or replace\n  temporary table t as select 1", "sql:create table", ("t",)),
        ('create table "My Schema"."T" (a int)', "sql:create table", ("My Schema.T",)),
        ("CREATE TABLE `p-1.d.t` (a int64)", "sql:create table", ("p-1.d.t",)),
        ("create table [dbo].[t] (a int)", "sql:create table", ("dbo.t",)),
        ("create external table `p.d.t` options()", "sql:create external table", ("p.d.t",)),
        ("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1", "sql:create materialized view", ("v",)),
        ("CREATE OR REFRESH STREAMING TABLE t", "sql:create streaming table", ("t",)),
        ("create masking policy mp as (v string) returns string -> v", "sql:create masking policy", ("mp",)),
        ("create or replace row access policy rap on t grant to ('g') filter using (true)", "sql:create row access policy", ("rap",)),
        ("CREATE OR REPLACE MODEL `d.m` OPTIONS(model_type='linear_reg') AS SELECT 1", "sql:create model", ("d.m",)),
        ("create dynamic table t target_lag = '1 minute' as select 1", "sql:create dynamic table", ("t",)),
        ("create policy p on t", "sql:create policy", ("p",)),
        ("create schema {{ target.schema }}_x", "sql:create schema", ("{}_x",)),
        ("GRANT SELECT, INSERT ON TABLE s.t TO ROLE r", "sql:grant", ("s.t",)),
        ("grant select on all tables in schema s to role r", "sql:grant", ("s",)),
        ("grant role a to user b", "sql:grant", ()),
        ("GRANT ALL PRIVILEGES ON DATABASE d TO app", "sql:grant all", ("d",)),
        ("grant usage on schema s to app", "sql:grant usage", ("s",)),
        ("grant usage, select on all sequences in schema s to app", "sql:grant", ("s",)),
        ("grant all on schema s to role r; grant all on t to u", "sql:grant", ("s",)),
        ("revoke all on t from u", "sql:revoke", ("t",)),
        ("MERGE INTO t USING s ON a = b", "sql:merge into", ("t",)),
        ("copy into @stage/x from t", "sql:copy into", ("@stage/x",)),
        ("insert into t values (1)", "sql:insert into", ("t",)),
        ("alter table t add column x int", "sql:alter table", ("t",)),
        ("drop view if exists v", "sql:drop view", ("v",)),
        ("export data options(uri='x') as select 1", "sql:export data", ()),
        ("vacuum t", "sql:vacuum", ("t",)),
    ],
)
def test_a_statement_is_a_call_of_its_verb_with_the_object(text: str, name: str, arguments: tuple[str, ...]) -> None:
    assert rows(f"select 1;\n{text};")[0] == (2, name, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "-- create table t (a int)",
        "/* create table t\ncreate table u */",
        "{# create table t #}",
        "select 'x\ncreate table t'",
        "select 'it''s\ncreate table t'",
        'select """\ncreate table t"""',
        "create_table t",
        "select created from t",
        "# create table t",
        "/* never closed\ncreate table t",
    ],
)
def test_comments_strings_and_similar_words_are_no_statements(text: str) -> None:
    assert rows(text) == []


def test_statements_are_found_without_semicolons_and_inside_blocks() -> None:
    text = "create table a (x int)\nGO\ncreate procedure p as begin create table b (x int) end\nmerge into c using d on true\nwhen matched then update set x = 1\n"

    assert [name for _, name, _ in rows(text)] == ["sql:create table", "sql:create procedure", "sql:create table", "sql:merge into"]


def test_the_body_of_a_dollar_quoted_function_is_a_string() -> None:
    assert rows("create function f() returns int language python as $$\ncreate table t\n$$;\ncreate view v as select 1") == [
        (1, "sql:create function", ("f",)),
        (4, "sql:create view", ("v",)),
        (1, "sql:f", ()),
    ]


def test_policy_clauses_stand_beside_their_statement() -> None:
    text = "alter table t modify column c\n  set masking policy mp;\nalter table t enable row level security;\nalter table t alter column c set mask f"

    assert [(line, name, arguments) for line, name, arguments in rows(text) if "alter" not in name] == [
        (2, "sql:set masking policy", ("mp",)),
        (3, "sql:enable row level security", ()),
        (4, "sql:set mask", ("f",)),
    ]


def test_each_function_is_a_call_once_and_keywords_are_none() -> None:
    text = "select ML.PREDICT(x), sha256(a), sha256(b)\nfrom t where a in (1) and exists (select 1)\nand ml.evaluate(\nmodel m)"

    assert rows(text) == [(1, "sql:ml.predict", ()), (1, "sql:sha256", ()), (3, "sql:ml.evaluate", ())]


def test_dbt_calls_keep_their_arguments() -> None:
    text = (
        "{{\n  config(materialized='incremental', partition_by={'field': 'd', 'granularity': 'day'}, tags=['a'], enabled=false)\n}}\n"
        "select {{ dbt_utils.star(from=ref('x'), except=['y']) }}\nfrom {{ ref('pkg', \"model\") }} join {{ source('raw', 't') }}\n"
        "{% if is_incremental() %} where d > {{ var('start', 1) }} {% endif %}"
    )
    found = {call.name: call for call in calls(text)}

    assert found["dbt.config"].line == 2
    assert found["dbt.config"].keywords == (
        ("materialized", "incremental"),
        ("partition_by", ""),
        ("partition_by.field", "d"),
        ("partition_by.granularity", "day"),
        ("tags", ""),
        ("enabled", "false"),
    )
    assert [(call.line, call.arguments) for call in calls(text) if call.name == "dbt.ref"] == [(4, ("x",)), (5, ("pkg", "model"))]
    assert found["dbt.source"].arguments == ("raw", "t")
    assert found["dbt.var"].arguments == ("start", "1")
    assert {"dbt.is_incremental", "dbt.dbt_utils.star"} <= found.keys()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{% test is_even(model, column) %} select 1 {% endtest %}", "dbt.test"),
        ("{%- data_test is_even(model) -%}", "dbt.test"),
        ("{% snapshot is_even %}", "dbt.snapshot"),
        ("{% macro is_even(x) %}", "dbt.macro"),
    ],
)
def test_dbt_blocks_are_calls_with_their_name(text: str, name: str) -> None:
    assert rows(text) == [(1, name, ("is_even",))]


def test_jinja_that_is_no_literal_gives_the_call_without_arguments() -> None:
    assert [(call.name, call.arguments, call.keywords) for call in calls("{{ ref(x ~ 'y') }} {{ config(a b) }} {{ ref((((((")] == [
        ("dbt.ref", (), ()),
        ("dbt.config", (), ()),
        ("dbt.ref", (), ()),
    ]


def test_a_file_too_large_or_with_too_many_statements_is_a_problem() -> None:
    assert [type(fact) for fact in read_sql("a.sql", b" " * (MAX_BYTES + 1))] == [Problem]
    assert [type(fact) for fact in read_sql("a.sql", b"drop table t;\n" * (MAX_CALLS + 1))][-2:] == [Call, Problem]


def test_files_are_claimed_by_their_ending() -> None:
    assert [path for path in ("a/b.SQL", "a.sql.md", "sql", "x.ddl") if READINGS[0].claims(path)] == ["a/b.SQL", "x.ddl"]


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="create tbl'\"`${}%#-/*();\n.\\=", max_size=120))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(0 <= fact.line <= lines for fact in read_sql("a.sql", text.encode()))
