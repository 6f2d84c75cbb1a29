"""What can be asked beyond a plain search: negatives, filters, modes, re-ranking, streams, standing queries."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import grpc
import numpy as np
import pytest

from services.client import AsyncMatcherClient, ImageMode, Probe, Reranking, SearchOptions
from services.errors import InputError, NotFound, Overloaded, Unsupported
from services.matcher.types import SearchFilter
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc

RED, BLUE, GREEN = (0, 0, 250), (250, 0, 0), (0, 250, 0)


def ids(answer) -> list[str]:
    return [match.sighting_id for match in answer.matches]


@pytest.fixture
def channel(street):
    with grpc.insecure_channel(street.matcher.address) as opened:
        yield opened


def test_what_is_more_like_a_negative_is_left_out(street, picture) -> None:
    red, blue = Probe(image=picture(RED)), Probe(image=picture(BLUE))
    assert "blue-1" in ids(street.client.search([red]))
    assert ids(street.client.search([red], negatives=[blue])) == ["red-1", "red-2", "green-1"]
    assert ids(street.client.search([red], SearchOptions(k=3), negatives=[blue, Probe(sighting_id="green-1")])) == [
        "red-1",
        "red-2",
    ]


def test_several_views_find_what_any_of_them_is_like(street, picture) -> None:
    answer = street.client.search([Probe(image=picture(RED)), Probe(image=picture(GREEN))], SearchOptions(k=3))
    assert set(ids(answer)) == {"red-1", "red-2", "green-1"}


def test_only_one_colour(street, picture) -> None:
    sighting = street.store.get_sighting("blue-1")
    street.store.put_sighting(replace(sighting, revision=2, colour={"blue": 0.9, "black": 0.1}), street.lease)
    street.settle()
    options = SearchOptions(wanted=SearchFilter(colours=frozenset({"blue"})))
    assert ids(street.client.search([Probe(image=picture(RED))], options)) == ["blue-1"]
    with pytest.raises(InputError, match=r"filter\.colours: unknown colour 'pink'"):
        street.client.search(
            [Probe(image=picture(RED))], SearchOptions(wanted=SearchFilter(colours=frozenset({"pink"})))
        )


def test_a_given_box(street, picture) -> None:
    data = picture(RED, margin=0, size=64)
    street.client.search([Probe(image=data, mode=ImageMode.BOX, box_xyxy=(4, 4, 30, 30))])
    assert street.embedder.shapes[-1][0] <= 28
    for box in ((0, 0, 2, 2), (30, 30, 4, 4), (900, 900, 950, 950), (float("nan"), 0, 20, 20)):
        with pytest.raises(InputError, match=r"probes\[0\]\.image\.box"):
            street.client.search([Probe(image=data, mode=ImageMode.BOX, box_xyxy=box)])


def test_contradicting_modes(channel, picture) -> None:
    stub = vreid_pb2_grpc.MatcherServiceStub(channel)
    both = pb.ImageProbe(data=picture(RED), as_is=True, mode=pb.IMAGE_MODE_ALL)
    with pytest.raises(grpc.RpcError, match="as_is contradicts mode all"):
        stub.Search(pb.SearchRequest(probes=[pb.Probe(image=both)]), timeout=10)


def test_k_reciprocal_keeps_who_was_found_and_says_why(street, picture) -> None:
    plain = street.client.search([Probe(image=picture(RED))])
    again = street.client.search([Probe(image=picture(RED))], SearchOptions(rerank=Reranking.K_RECIPROCAL))
    assert set(ids(plain)) == set(ids(again))
    assert ids(again)[0] == "red-1"
    assert all("k_reciprocal" in match.evidence for match in again.matches)


def test_geometric_needs_pictures(street, picture) -> None:
    with pytest.raises(Unsupported, match="no stored pictures"):
        street.client.search([Probe(image=picture(RED))], SearchOptions(rerank=Reranking.GEOMETRIC))


def test_a_stream_goes_on_after_a_failure(channel, picture) -> None:
    stub = vreid_pb2_grpc.MatcherServiceStub(channel)
    good = pb.SearchRequest(probes=[pb.Probe(sighting_id="red-1")], k=1)
    bad = pb.SearchRequest(probes=[pb.Probe(sighting_id="nobody")])
    requests = [pb.SearchStreamRequest(request_id=str(n), search=bad if n == 3 else good) for n in range(40)]
    answers = list(stub.SearchStream(iter(requests), timeout=30))
    assert [a.request_id for a in answers] == [str(n) for n in range(40)]
    assert answers[3].error.error == "NotFound"
    assert answers[3].error.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert all(a.response.matches[0].sighting_id == "red-2" for n, a in enumerate(answers) if n != 3)


def test_verify(street, picture) -> None:
    red, blue = Probe(image=picture(RED)), Probe(image=picture(BLUE))
    same = street.client.verify([red], [Probe(sighting_id="red-1")])
    assert same.same
    assert same.probability > 0.99
    other = street.client.verify([red], [blue])
    assert not other.same
    assert other.similarity < same.similarity
    with pytest.raises(InputError, match="right: must be 1 to 16"):
        street.client.verify([red], [])


def test_embed_gives_what_search_takes(street, picture) -> None:
    (views,) = street.client.embed([picture(RED)])
    assert ids(street.client.search_embedding(views[0]))[0] == "red-1"
    with pytest.raises(InputError, match="images: must be 1 to 64, got 0"):
        street.client.embed([])


def test_a_standing_query_tells_of_what_is_seen_and_decided(street, picture, wait_until) -> None:
    told: list[tuple[bool, str]] = []
    done = threading.Event()

    def listen() -> None:
        for decided, match, _ in street.client.watch([Probe(image=picture(RED))], after=start):
            told.append((decided, match.sighting_id))
            if decided:
                break
        done.set()

    start = street.store.last_event_id()
    thread = threading.Thread(target=listen)
    thread.start()
    street.see("blue-9", BLUE, at_s=100)
    street.see("red-9", (5, 5, 250), at_s=110)
    street.see("red-9", (5, 5, 250), at_s=110, revision=2)
    street.decide("red-9", "id-red", revision=2)
    assert done.wait(20)
    thread.join(10)
    assert told == [(False, "red-9"), (True, "red-9")]


def test_no_more_standing_queries_than_allowed(build, picture) -> None:
    city = build(max_watches=0)
    with pytest.raises(Overloaded, match="standing queries"):
        next(city.client.watch())


def test_the_asynchronous_client_asks_the_same(street, picture) -> None:
    async def ask() -> None:
        async with AsyncMatcherClient(street.matcher.address) as client:
            probe = Probe(image=picture(RED))
            answers = await asyncio.gather(*(client.search([probe]) for _ in range(20)))
            assert all(ids(answer)[0] == "red-1" for answer in answers)
            assert (await client.verify([probe], [probe])).same
            assert (await client.gallery_stats()).sightings == 4
            assert len((await client.embed([picture(RED)]))[0]) >= 1

    asyncio.run(ask())


def test_concurrent_searches_are_put_together(street) -> None:
    threads = [
        threading.Thread(target=lambda: [street.client.search_sighting("red-1") for _ in range(5)]) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    searches = street.matcher._server._matcher._searches
    assert searches.answered >= 80
    assert searches.batches < searches.answered


def test_k_beyond_what_exists_and_huge_k(street) -> None:
    assert len(street.client.search_sighting("red-1", SearchOptions(k=1000)).matches) == 3
    with pytest.raises(InputError, match="k: must be in"):
        street.client.search_sighting("red-1", SearchOptions(k=10**9))
    assert np.isfinite([m.similarity for m in street.client.search_sighting("red-1").matches]).all()


def test_a_caller_s_own_words_do_not_break_the_answer(street) -> None:
    with pytest.raises(NotFound, match="sighting_id: no sighting"):
        street.client.search_sighting("\N{SNOWMAN}" * 20_000)
