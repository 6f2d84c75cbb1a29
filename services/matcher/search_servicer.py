"""MatcherService of vreid.v1: searches, comparisons, vectors and standing queries. Writes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace

import grpc
import numpy as np

from reid.types import Image
from services.crops import CropStore
from services.errors import InputError, ModelMismatch, NotAnImage, NotFound, Unsupported
from services.images import decode_image
from services.matcher.batching import BatchRules, MicroBatcher
from services.matcher.gallery import model_changed
from services.matcher.pages import MESSAGE_BYTES
from services.matcher.requests import (
    DEFAULT_RERANK_DEPTH,
    MAX_RERANK_DEPTH,
    ProbeSet,
    RequestReader,
    picture_of,
    reranking_of,
)
from services.matcher.rerank import geometric, k_reciprocal
from services.matcher.servicers import NO_DEADLINE_S, Parts, left_s
from services.matcher.types import Question, Reranking, SearchAnswer
from services.matcher.watching import Probed, StandingQuery, Watching
from services.observability.tracing import step
from services.rpc import convert, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.rpc.errors import told
from services.types import Match
from services.vectors import mean_direction

log = logging.getLogger(__name__)

DEFAULT_K = 10
MAX_EMBEDDED = 64
#: Most matches that are told without a thread.
_FEW = 64
#: Searches of one stream that are worked on at once.
_STREAM_WIDTH = 16


@dataclass(frozen=True, slots=True)
class _Asked:
    """A search that was read.

    Attributes:
        question: What is asked of the gallery.
        k: Matches wanted.
        depth: Of them so many are put in order once more; 0 for none.
        reranking: How.
        probes: What is asked with.
    """

    question: Question
    k: int
    depth: int
    reranking: Reranking
    probes: ProbeSet


class MatcherServicer(vreid_pb2_grpc.MatcherServiceServicer):  # type: ignore[misc]
    """See MatcherService in proto/vreid.proto."""

    def __init__(self, parts: Parts, crops: CropStore | None = None) -> None:
        """Starts the thread that searches.

        Args:
            parts: What calls work with.
            crops: Where the pictures of sightings are kept, for geometric re-ranking.
        """
        self._parts = parts
        self._crops = crops
        self._requests = RequestReader(parts.gallery, parts.reader)
        settings = parts.settings
        self._searches: MicroBatcher[Question, SearchAnswer] = MicroBatcher(
            "searches",
            parts.gallery.search_many,
            BatchRules(settings.max_batch, settings.max_waiting_calls, gathers=True),
        )
        self._watching = Watching(parts.store, parts.gallery, settings.max_watches)

    def end_watches(self) -> None:
        """Ends the standing queries, which would otherwise hold up a graceful end."""
        self._watching.close()

    def close(self) -> None:
        """Ends its threads."""
        self._searches.close()
        self._parts.reader.close()

    async def Search(  # noqa: N802
        self, request: pb.SearchRequest, context: grpc.ServicerContext
    ) -> pb.SearchResponse:
        """See the proto. Whatever may wait for more than its turn to be searched for has a thread."""
        if not _ready_to_search(request):
            return await asyncio.to_thread(self._waited_for, request, context)
        self._parts.wait("", context)
        timeout_s = left_s(context)
        asked = self._asked(request, timeout_s)
        with step("search", {"k": asked.question.k}):
            answer = await self._searches.coming(asked.question, timeout_s)
        return _told(asked, answer)

    def _waited_for(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        self._parts.wait(request.min_log_position, context)
        return self._search(request, left_s(context))

    def SearchStream(  # noqa: N802
        self, request_iterator: Iterator[pb.SearchStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.SearchStreamResponse]:
        """See the proto."""
        with ThreadPoolExecutor(_STREAM_WIDTH, thread_name_prefix="search-stream") as pool:
            running: list[Future[pb.SearchStreamResponse]] = []
            for request in request_iterator:
                running.append(pool.submit(copy_context().run, self._one_of_stream, request, context))
                while len(running) >= _STREAM_WIDTH or (running and running[0].done()):
                    yield running.pop(0).result()
            for future in running:
                yield future.result()

    def Verify(self, request: pb.VerifyRequest, context: grpc.ServicerContext) -> pb.VerifyResponse:  # noqa: N802
        """See the proto."""
        self._parts.wait(request.min_log_position, context)
        left = self._requests.probes(request.left, "left", left_s(context))
        right = self._requests.probes(request.right, "right", left_s(context))
        if left.model_id != right.model_id:
            raise model_changed()
        similarity = float(np.clip((left.vectors @ right.vectors.T).max(), -1, 1))
        calibration = left.readings[0].spec.calibration
        probability = calibration.probability(similarity)
        return pb.VerifyResponse(
            similarity=similarity,
            probability=probability,
            same=probability >= 0.5,
            log_likelihood_ratio=calibration.log_likelihood_ratio(similarity),
        )

    def Embed(self, request: pb.EmbedRequest, context: grpc.ServicerContext) -> pb.EmbedResponse:  # noqa: N802
        """See the proto."""
        if not 1 <= len(request.images) <= MAX_EMBEDDED:
            raise InputError(f"images: must be 1 to {MAX_EMBEDDED}, got {len(request.images)}")
        reader, answer = self._parts.reader, pb.EmbedResponse()
        for number, image in enumerate(request.images):
            reading = reader.picture(picture_of(image, f"images[{number}]"), left_s(context))
            embedded = answer.images.add()
            for vector in reading.vectors:
                embedded.embeddings.add(values=vector.tolist(), model_id=reading.spec.model_id)
            for x1, y1, x2, y2 in reading.boxes_xyxy:
                embedded.boxes.add(x1=x1, y1=y1, x2=x2, y2=y2)
            if answer.ByteSize() > MESSAGE_BYTES:
                raise InputError(
                    f"images: the vectors of the first {number + 1} are more than one answer holds; send fewer at once"
                )
        return answer

    def Watch(self, request: pb.WatchRequest, context: grpc.ServicerContext) -> Iterator[pb.WatchEvent]:  # noqa: N802
        """See the proto."""
        self._parts.wait("", context)
        probability = request.min_probability
        if not 0 <= probability <= 1:
            raise InputError(f"min_probability: must be in [0, 1], got {probability}")
        probes = self._requests.probes(request.probes, "probes", left_s(context), least=0)

        def read_again() -> Probed:
            if any(probe.WhichOneof("source") == "embedding" for probe in request.probes):
                raise ModelMismatch("probes: the site has changed its model, a vector of the former one finds nothing")
            again = self._requests.probes(request.probes, "probes", NO_DEADLINE_S)
            return Probed(again.vectors, again.model_id)

        asked = StandingQuery(
            Probed(probes.vectors, probes.model_id) if probes.readings else None,
            replace(
                convert.filter_from_message(request.filter),
                exclude_sighting_ids=probes.sighting_ids,
            ),
            probability or (0.5 if probes.readings else 0.0),
            request.after_log_position,
            read_again,
        )
        for seen in self._watching.events(asked, context.is_active):
            yield pb.WatchEvent(
                kind=pb.WATCH_KIND_DECIDED if seen.decided else pb.WATCH_KIND_SEEN,
                match=convert.match_to_message(seen.match),
                log_position=seen.log_position,
            )

    def _one_of_stream(self, request: pb.SearchStreamRequest, context: grpc.ServicerContext) -> pb.SearchStreamResponse:
        try:
            self._parts.wait(request.search.min_log_position, context)
            found = self._search(request.search, left_s(context))
            return pb.SearchStreamResponse(request_id=request.request_id, response=found)
        except Exception as exc:  # one failed search must not end the others
            return pb.SearchStreamResponse(request_id=request.request_id, error=_call_error(exc))

    def _search(self, request: pb.SearchRequest, timeout_s: float) -> pb.SearchResponse:
        asked = self._asked(request, timeout_s)
        with step("search", {"k": asked.question.k}):
            answer = self._searches.ask(asked.question, timeout_s)
        if asked.depth:
            with step("rerank", {"depth": asked.depth}):
                best = self._reranked(list(answer.matches[: asked.depth]), asked.probes, asked.reranking)
            answer = replace(answer, matches=(*best, *answer.matches[asked.depth :]))
        return _told(asked, answer)

    def _asked(self, request: pb.SearchRequest, timeout_s: float) -> _Asked:
        """A request, checked and read."""
        settings = self._parts.settings
        k = request.k or DEFAULT_K
        if not 1 <= k <= settings.max_k:
            raise InputError(f"k: must be in 1..{settings.max_k}, got {request.k}")
        reranking = reranking_of(request.rerank)
        if not 0 <= request.rerank_depth <= MAX_RERANK_DEPTH:
            raise InputError(f"rerank_depth: must be in 1..{MAX_RERANK_DEPTH}, got {request.rerank_depth}")
        grouping = convert.grouping_from_message(request.grouping)
        wanted = convert.filter_from_message(request.filter)
        probes = self._requests.probes(request.probes, "probes", timeout_s)
        negatives = self._requests.probes(request.negatives, "negatives", timeout_s, least=0)
        depth = 0 if reranking is Reranking.NONE else (request.rerank_depth or DEFAULT_RERANK_DEPTH)
        question = Question(
            probes.vectors,
            max(k, depth),
            replace(
                wanted,
                exclude_sighting_ids=probes.sighting_ids | negatives.sighting_ids,
                exclude_identity_ids=probes.identity_ids | negatives.identity_ids,
            ),
            grouping,
            negatives.vectors if negatives.readings else None,
            probes.model_id,
        )
        if negatives.model_id not in ("", probes.model_id):
            raise model_changed()
        return _Asked(question, k, depth, reranking, probes)

    def _reranked(self, matches: list[Match], probes: ProbeSet, reranking: Reranking) -> list[Match]:
        if len(matches) < 2:
            return matches
        if reranking is Reranking.GEOMETRIC:
            return self._by_geometry(matches, probes)
        query = mean_direction(probes.vectors)
        gallery = self._parts.gallery
        try:
            vectors = [gallery.vector_of_sighting(match.sighting_id) for match in matches]
        except (NotFound, ModelMismatch):  # gone since it was found: the order of the search stands
            return matches
        if gallery.model_id != probes.model_id:
            return matches
        return k_reciprocal(query, np.concatenate(vectors), matches)

    def _by_geometry(self, matches: list[Match], probes: ProbeSet) -> list[Match]:
        crops = self._crops
        if crops is None:
            raise Unsupported("rerank: this matcher has no stored pictures to compare")
        pictures = [view for reading in probes.readings for view in reading.views]
        for sighting_id in sorted(probes.sighting_ids):
            pictures += self._pictures(crops, sighting_id)
        if not pictures:
            raise InputError("rerank: geometric needs a probe with a picture")
        return geometric(pictures, matches, lambda match: self._pictures(crops, match.sighting_id))

    def _pictures(self, crops: CropStore, sighting_id: str) -> list[Image]:
        """The stored pictures of a sighting that can still be read."""
        sighting = self._parts.store.get_sighting(sighting_id)
        pictures = []
        for key in sighting.crop_keys if sighting is not None else ():
            try:
                pictures.append(decode_image(crops.get(key), self._parts.settings.image_limits, "crop"))
            except (NotFound, NotAnImage, OSError) as exc:
                log.debug("crop of sighting %s not used: %s", sighting_id, exc)
        return pictures


def _ready_to_search(request: pb.SearchRequest) -> bool:
    """Whether a request is nothing but vectors whose few matches are told as they are found."""
    return (
        not request.min_log_position
        and request.rerank in (pb.RERANK_UNSPECIFIED, pb.RERANK_NONE)
        and request.k <= _FEW
        and all(probe.WhichOneof("source") == "embedding" for probe in (*request.probes, *request.negatives))
    )


def _told(asked: _Asked, answer: SearchAnswer) -> pb.SearchResponse:
    boxes = tuple(reading.box_xyxy for reading in asked.probes.readings)
    with step("answer", {"matches": len(answer.matches[: asked.k])}):
        return convert.answer_to_message(replace(answer, matches=answer.matches[: asked.k], boxes_xyxy=boxes))


def _call_error(exc: Exception) -> pb.CallError:
    failure = told("SearchStream", exc)
    return pb.CallError(code=failure.status.value[0], error=failure.error, message=failure.message)
