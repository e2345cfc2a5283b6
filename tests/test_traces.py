"""What patterns leave in the files that they match in."""

from __future__ import annotations

from rung.traces import call_traces, literal_traces, setting_traces, words_of


def test_a_value_that_must_not_be_leaves_no_trace() -> None:
    assert setting_traces("schedule.pause_status", "!PAUSED") == setting_traces("schedule.pause_status", "")


def test_traces_are_the_words_and_pieces_of_a_pattern() -> None:
    traces = call_traces("google.cloud.datacatalog*.Client[a](gs://*, n=3, mode=Fast)")
    assert traces.names == {b"google", b"cloud", b"Client"}
    assert (traces.parts, traces.pieces) == ((b"datacatalog",), (b"gs://",))
    assert traces.words == {b"gs"}
    assert (traces.keywords, traces.strings, traces.marks) == ((b"n", b"mode"), (b"fast",), (b"a",))
    assert literal_traces("s3a://?*").words == {b"s3a"}
    assert words_of(b"A.b-c D_1") == {b"a", b"b", b"c", b"d_1"}
