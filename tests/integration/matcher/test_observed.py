"""A whole matcher observed from outside: what a scrape shows, one trace from a query to its answer, request ids."""

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from services.observability import catalogue
from services.observability.instruments import REGISTRY, ScrapeCollector
from services.observability.request_ids import set_request_id
from services.observability.settings import TracingSettings
from services.observability.tracing import start_tracing, stop_tracing
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc


def scraped(matcher):
    """Values of the matcher's exposition by name and labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for made in matcher.exposition.families()
        for sample in made.samples
    }


def test_a_scrape_shows_gallery_calls_and_log(street, picture):
    search = {"method": "vreid.v1.MatcherService/Search", "code": "OK"}
    before = REGISTRY.get_sample_value(catalogue.CALLS.name, search) or 0
    street.client.search_image(picture((0, 0, 250)))
    values = scraped(street.matcher)
    assert values["vreid_matcher_serving", ()] == 1
    assert values["vreid_gallery_sightings", ()] == 4
    assert values["vreid_gallery_identities", ()] == 2
    assert values["vreid_gallery_vectors", ()] == 4
    assert values["vreid_gallery_log_lag_seconds", ()] == 0
    assert values["vreid_matcher_backlog_sightings", ()] == 4  # no associator moves the cursor here
    assert REGISTRY.get_sample_value(catalogue.CALLS.name, search) == before + 1
    assert REGISTRY.get_sample_value("vreid_matcher_batch_requests_count", {"queue": "searches"}) >= 1
    assert REGISTRY.get_sample_value("vreid_gallery_events_total", {"kind": "sighting.put"}) >= 4


def test_a_store_that_is_away_costs_only_what_it_would_have_said(street, monkeypatch):
    from services.errors import StoreUnavailable

    def away(*_):
        raise StoreUnavailable("away")

    for name in ("work_cursor", "last_event_id", "now_ns"):
        monkeypatch.setattr(street.store, name, away)
    values = scraped(street.matcher)
    assert values["vreid_gallery_sightings", ()] == 4
    assert ("vreid_matcher_backlog_sightings", ()) not in values
    monkeypatch.undo()


def test_the_exposition_is_one_that_prometheus_reads(street):
    collector = ScrapeCollector(street.matcher.exposition.families)
    try:
        own = CollectorRegistry()
        own.register(collector)
        assert b"vreid_gallery_vectors 4.0" in generate_latest(own)
    finally:
        collector.close()


def test_one_trace_from_a_query_to_its_answer(street, picture):
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=1.0), "matcher", "test", exporter)
    try:
        street.client.search_image(picture((0, 0, 250)))
    finally:
        stop_tracing()
    done = {each.name: each for each in exporter.get_finished_spans() if "Search" in each.name or each.parent}
    root = done["vreid.v1.MatcherService/Search"]
    assert {"detect", "embed", "search", "answer"} <= set(done)
    for name in ("detect", "embed", "search", "answer"):
        assert done[name].context.trace_id == root.context.trace_id
        assert done[name].parent.span_id == root.context.span_id
    assert root.start_time <= done["detect"].start_time <= done["search"].start_time <= done["answer"].start_time


def test_a_client_passes_on_the_request_it_works_for(street):
    exporter = InMemorySpanExporter()
    start_tracing(TracingSettings(sample_ratio=1.0), "matcher", "test", exporter)
    set_request_id("web-17")
    try:
        street.client.gallery_stats()
    finally:
        set_request_id("")
        stop_tracing()
    assert [each.attributes["request_id"] for each in exporter.get_finished_spans()] == ["web-17"]


@pytest.mark.parametrize("target", [{"identity_id": "nobody"}, {}], ids=["not found", "invalid"])
def test_every_refusal_tells_its_request(street, target):
    with grpc.insecure_channel(street.matcher.address) as channel:
        stub = vreid_pb2_grpc.GalleryServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            stub.Get(pb.GetEntryRequest(**target), metadata=(("x-request-id", "mine"),))
    assert dict(failed.value.trailing_metadata())["x-request-id"] == "mine"
