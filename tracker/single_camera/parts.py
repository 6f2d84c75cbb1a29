"""Owns what one tracklet becomes when it turns out to be two vehicles, or two tracklets one. Never decides that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracker.types import Contact, Crop, TrackKey, Tracklet


def divide(tracklet: Tracklet, contact: Contact, key: TrackKey) -> tuple[Tracklet, Tracklet]:
    """The tracklet before and from a contact on.

    Args:
        tracklet: Any revision.
        contact: One of its own.
        key: Of the second part, whose first revision this is.

    Returns:
        The first part, final, under the tracklet's key; the second, final if the tracklet is.

    Raises:
        ValueError: No box lies before the contact, or none from it on.
    """
    before = tracklet.times_ns < contact.t_ns
    if before.all() or not before.any():
        raise ValueError(f"contact at {contact.t_ns} must lie inside {tracklet.times_ns[0]}..{tracklet.times_ns[-1]}")
    # By the contact, not by the boxes: of a long track there are fewer of those than pictures may lie between.
    first = _part(tracklet, before, [c for c in tracklet.crops if c.t_ns < contact.t_ns], contact.votes_before)
    second = _part(tracklet, ~before, [c for c in tracklet.crops if c.t_ns >= contact.t_ns], contact.votes_after)
    earlier = [c for c in tracklet.contacts if c.t_ns < contact.t_ns]
    later = [c for c in tracklet.contacts if c.t_ns > contact.t_ns]
    return (
        replace(
            first,
            final=True,
            contacts=tuple(replace(c, votes_after=contact.votes_before - c.votes_before) for c in earlier),
        ),
        replace(
            second,
            key=key,
            revision=1,
            continues=None,
            contacts=tuple(replace(c, votes_before=c.votes_before - contact.votes_before) for c in later),
        ),
    )


def class_shares(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Class probabilities, float32 (4,), of summed scores (4,); equal ones where there are none.

    >>> class_shares(np.float32([3, 0, 0, 1])).tolist(), class_shares(np.zeros(4, np.float32)).tolist()
    ([0.75, 0.0, 0.0, 0.25], [0.25, 0.25, 0.25, 0.25])
    """
    positive = np.maximum(votes, 0.0)
    total = positive.sum()
    return np.asarray(positive / total if total > 0 else np.full(len(votes), 1 / len(votes)), np.float32)


def _part(tracklet: Tracklet, rows: NDArray[np.bool_], crops: Sequence[Crop], votes: NDArray[np.float32]) -> Tracklet:
    """The boxes of ``rows``, bool (N,), with these crops and the class that their ``votes`` (4,) say."""
    return replace(
        tracklet,
        times_ns=tracklet.times_ns[rows],
        frames=tracklet.frames[rows],
        boxes_xyxy=tracklet.boxes_xyxy[rows],
        class_probs=class_shares(votes),
        crops=tuple(crops),
        quality=_quality(crops),
    )


def joined(earlier: Tracklet, later: Tracklet) -> Tracklet:
    """One tracklet of two of the same vehicle.

    Args:
        earlier: All its boxes lie before the other's.
        later: Its key, revision and ``final`` are taken over.

    Returns:
        All boxes and crops, class probabilities by number of boxes, contacts of the later one.

    Raises:
        ValueError: The two overlap in time.
    """
    if earlier.times_ns[-1] >= later.times_ns[0]:
        raise ValueError(f"the earlier ends at {earlier.times_ns[-1]}, the later begins at {later.times_ns[0]}")
    weights = np.array([len(earlier.times_ns), len(later.times_ns)], np.float32)
    class_probs = np.average([earlier.class_probs, later.class_probs], axis=0, weights=weights).astype(np.float32)
    crops = tuple(sorted(earlier.crops + later.crops, key=lambda crop: (-crop.quality, crop.t_ns)))
    return replace(
        later,
        times_ns=np.concatenate([earlier.times_ns, later.times_ns]),
        frames=np.concatenate([earlier.frames, later.frames]),
        boxes_xyxy=np.concatenate([earlier.boxes_xyxy, later.boxes_xyxy]),
        class_probs=class_probs,
        crops=crops,
        quality=_quality(crops),
    )


def _quality(crops: Sequence[Crop]) -> float:
    return max((crop.quality for crop in crops), default=0.0)
