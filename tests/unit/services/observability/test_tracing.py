"""Traces: off unless asked for, one trace from a query to its answer, nothing that begins by itself."""

import sys

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.errors import ConfigError
from services.observability import tracing
from services.observability.settings import TracingSettings
from services.observability.tracing import continued, record, span, start_tracing, step, stop_tracing, traceparent


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=1.0), "test", "north", exporter)
    yield exporter
    stop_tracing()


def test_off_is_the_default_and_records_nothing():
    assert start_tracing(TracingSettings(), "test", "north") is False
    with span("query") as current, step("embed"), continued("put", ""):
        assert current is None
        assert traceparent() == ""
    record("decide", "00-" + "1" * 32 + "-" + "2" * 16 + "-01", 1, 2, {})


def test_steps_are_children_and_the_context_travels(spans):
    with span("frames", {"frames": 2}, start_ns=1_000), step("sighting"):
        carried = traceparent()
    with continued("put", carried), step("write"):
        pass
    record("decide", carried, 5_000, 9_000, {"status": "new"})
    done = {each.name: each for each in spans.get_finished_spans()}
    assert set(done) == {"frames", "sighting", "put", "write", "decide"}
    assert len({each.context.trace_id for each in done.values()}) == 1
    assert done["frames"].start_time == 1_000
    assert done["sighting"].parent.span_id == done["frames"].context.span_id
    assert done["put"].parent.span_id == done["sighting"].context.span_id
    assert done["decide"].parent.span_id == done["sighting"].context.span_id
    assert (done["decide"].start_time, done["decide"].end_time) == (5_000, 9_000)
    assert done["frames"].resource.attributes["service.name"] == "vreid-test"


def test_a_step_without_a_trace_begins_none(spans):
    with step("detect"), continued("put", ""):
        assert traceparent() == ""
    record("decide", "", 1, 2, {})
    assert spans.get_finished_spans() == ()


def test_what_is_not_sampled_is_not_carried():
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=0.0), "test", "north", exporter)
    try:
        with span("frames"), step("detect"):
            assert traceparent() == ""
        assert exporter.get_finished_spans() == ()
    finally:
        stop_tracing()


def test_a_callers_decision_to_sample_holds():
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=0.0), "test", "north", exporter)
    try:
        with span("query", parent=f"00-{'a' * 32}-{'b' * 16}-01"):
            assert traceparent().split("-")[1] == "a" * 32
    finally:
        stop_tracing()
    assert [each.name for each in exporter.get_finished_spans()] == ["query"]


def test_without_the_extra_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"vreid\[telemetry\]"):
        start_tracing(TracingSettings(endpoint="http://127.0.0.1:4317"), "test", "north")
    assert tracing._active is None
