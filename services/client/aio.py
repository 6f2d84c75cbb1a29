"""The typed client of a matcher for asyncio: searches, comparisons, identities, watching, named as in MatcherClient."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from services.client.acting import acting_metadata
from services.client.channel import open_async_channel
from services.client.client import RETRIED
from services.client.credentials import Credentials
from services.client.identities import (
    history_request,
    identity_request,
    left_of,
    unread_of,
    whole_history,
    whole_identity,
    with_more,
)
from services.client.messages import (
    image_message,
    probe_message,
    search_message,
    translated,
    watch_message,
    watched,
)
from services.client.options import DEFAULT_ADDRESS, Probe, RetryRules, SearchOptions, Verdict
from services.matcher.types import GalleryStats, IdentityDetail, IdentityHistory, ImageMode, SearchAnswer, SearchFilter
from services.observability.request_ids import request_metadata
from services.observability.tracing import trace_metadata
from services.rpc import convert, convert_identity, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.types import Match


class AsyncMatcherClient:
    """A connection to one matcher, for one event loop; use it as an asynchronous context manager.

    Raises what MatcherClient raises.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        timeout_s: float = 30.0,
        retry: RetryRules | None = None,
        *,
        credentials: Credentials | None = None,
    ) -> None:
        """Connects at the first call; see MatcherClient."""
        self._address = address
        self._timeout_s = timeout_s
        self._retry = retry or RetryRules()
        credentials = credentials or Credentials()
        self._metadata = credentials.metadata(address)
        self._channel = open_async_channel(address, credentials)
        self._matcher = vreid_pb2_grpc.MatcherServiceStub(self._channel)
        self._gallery = vreid_pb2_grpc.GalleryServiceStub(self._channel)
        self._identity = vreid_pb2_grpc.IdentityServiceStub(self._channel)

    async def __aenter__(self) -> AsyncMatcherClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        await self._channel.close()

    async def search(
        self, probes: Sequence[Probe], options: SearchOptions | None = None, *, negatives: Sequence[Probe] = ()
    ) -> SearchAnswer:
        """See MatcherClient.search."""
        request = search_message(probes, negatives, options)
        return convert.answer_from_message(await self._call(self._matcher.Search, request))

    async def verify(self, left: Sequence[Probe], right: Sequence[Probe]) -> Verdict:
        """See MatcherClient.verify."""
        request = pb.VerifyRequest(left=[probe_message(p) for p in left], right=[probe_message(p) for p in right])
        answer = await self._call(self._matcher.Verify, request)
        return Verdict(answer.similarity, answer.probability, answer.same)

    async def embed(
        self, images: Sequence[bytes], mode: ImageMode = ImageMode.LARGEST
    ) -> list[list[tuple[float, ...]]]:
        """See MatcherClient.embed."""
        request = pb.EmbedRequest(images=[image_message(image, mode) for image in images])
        answer = await self._call(self._matcher.Embed, request)
        return [[tuple(e.values) for e in image.embeddings] for image in answer.images]

    async def gallery_stats(self) -> GalleryStats:
        """See MatcherClient.gallery_stats."""
        return convert.stats_from_message(await self._call(self._gallery.Stats, pb.StatsRequest()))

    async def identity_get(self, identity_id: str) -> IdentityDetail:
        """See MatcherClient.identity_get."""
        pages = [await self.identity_page(identity_id)]
        while more := left_of(pages):
            pages.append(await self.identity_page(identity_id, offset=more))
        return whole_identity(pages)

    async def identity_page(self, identity_id: str, limit: int = 0, offset: int = 0) -> IdentityDetail:
        """See MatcherClient.identity_page."""
        request = identity_request(identity_id, limit, offset)
        return convert_identity.identity_from_message(await self._call(self._identity.Get, request))

    async def identity_history(self, identity_id: str, at_ns: int | None = None) -> IdentityHistory:
        """See MatcherClient.identity_history."""
        pages = [await self.identity_history_page(identity_id, at_ns)]
        while after := pages[-1].next_event_id:
            pages.append(await self.identity_history_page(identity_id, at_ns, after_event_id=after))
        found = whole_history(pages)
        past = found.believed
        while past is not None and (offset := unread_of(past)):
            request = history_request(identity_id, past.at_ns, limit=1, sighting_offset=offset)
            answer = await self._call(self._identity.History, request)
            past = with_more(past, convert_identity.history_from_message(answer, past.at_ns).believed)
        return replace(found, believed=past)

    async def identity_history_page(
        self, identity_id: str, at_ns: int | None = None, *, after_event_id: str = "", limit: int = 0
    ) -> IdentityHistory:
        """See MatcherClient.identity_history_page."""
        request = history_request(identity_id, at_ns, after_event_id=after_event_id, limit=limit)
        return convert_identity.history_from_message(await self._call(self._identity.History, request), at_ns)

    async def watch(
        self,
        probes: Sequence[Probe] = (),
        wanted: SearchFilter | None = None,
        min_probability: float = 0.0,
        after: str = "",
    ) -> AsyncIterator[tuple[bool, Match, str]]:
        """See MatcherClient.watch."""
        request = watch_message(probes, wanted, min_probability, after)
        call = self._matcher.Watch(request, metadata=acting_metadata(self._metadata))
        try:
            async for event in call:
                yield watched(event)
        except grpc.RpcError as exc:
            raise translated(exc, self._address, None) from exc
        finally:
            call.cancel()

    async def _call(self, method: Callable[..., Any], request: Any) -> Any:
        """The answer to a call that changes nothing; tried again while it fails for now and time is left."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._timeout_s
        told = (*request_metadata(), *trace_metadata())
        failed = 0
        while True:
            try:
                left_s = max(0.001, deadline - now())
                return await method(request, timeout=left_s, metadata=(*acting_metadata(self._metadata), *told))
            except grpc.RpcError as exc:
                failed += 1
                pause_s = self._retry.pause_s(failed)
                if exc.code() not in RETRIED or failed >= self._retry.attempts or now() + pause_s > deadline:
                    raise translated(exc, self._address, self._timeout_s) from exc
            await asyncio.sleep(pause_s)
