"""What is learned of links, counted and as scoring reads it. Owns both forms and the way from one to the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Index, Ints
from tracker.multi_camera.links.travel import BROAD_SHARE, TravelTimes, log_sum, pinned, travel_times
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.visits import CELLS

#: Median (s) and spread of the logarithm of travel time, by the numbers of the camera left and the camera reached.
Pins = Mapping[tuple[int, int], tuple[float, float]]

#: Travel-time modes of a link: the vehicle had left the first view, or still stood in it.
GAP, OVERLAP = 0, 1
#: Of those who still stood in it, the ones whose coming is told by when they left the first view: who waits at lights
#: in the one view comes into the other when it drives on. Counted beside those told by when they came.
LEAVING = 2
SHARE_STRENGTH = 3.0
#: Before anything is known, nats for a vehicle that was seen elsewhere being the one that comes, against a new one.
EXPECTED_NATS = -1.0
#: The same for its next view being the one that it left, against any other.
RETURN_NATS = -4.0
OVERLAP_STRENGTH = 2.0
#: Before anything is known, the share of those who stand in both views whose coming is told by leaving the first.
LEAVING_PRIOR = 0.5
ZONE_STRENGTH = 4.0
#: Prior strength, in sightings, of the share of new vehicles at the whole site, and of a camera's around the site's.
SITE_STRENGTH = CAMERA_STRENGTH = 30.0
#: Learned shares of new vehicles, and of vehicles that are not seen again, stay above this: nothing is ever certain.
LEAST_SHARE = 0.1
#: Median time between coming into two views that overlap, and between leaving the one and coming into the other.
OVERLAP_MEDIAN_S = 3.0
#: Log-durations at which densities are looked up for their peak: half a second to half an hour.
PEAK_GRID = np.linspace(math.log(0.5), math.log(1800.0), 48)

NO_ZONES: Floats = np.zeros((0, 0, CELLS + 1))


@dataclass(frozen=True, slots=True)
class LinkTables:
    """Learned state in the form scoring reads; first axis the camera left, second the camera reached.

    Attributes:
        log_share: Log share of vehicles leaving the one that come to the other, of those that come anywhere.
        log_prior: Nats for coming over a link, against a new vehicle, before anything was learned; (C, C), at most 0.
        log_overlap: Log chance that a vehicle still stands in the first view when it comes into the second.
        log_apart: Of the contrary.
        log_prior_overlap: The same of a pair that nothing is known about.
        gap: Durations from leaving to arriving; those of pinned links as given.
        learned: Those durations as learned, of pinned links too: what lessons are read by.
        overlap: Durations from arriving to arriving, of vehicles that stood in both views.
        leaving: Durations from arriving in the second to leaving the first, of the same.
        log_by_coming: Log share of these vehicles whose coming is told by when they came into the first view.
        log_by_leaving: Of those told by when they left it.
        untold: Share of those that nothing tells of before they have left it.
        zone_entry: Log ratio by entry cell, last axis CELLS + 1.
        zone_exit: Log ratio by exit cell.
        moments: float64 (C, C, 3, 3): weighted count, sum and sum of squares of log-durations by mode and by leaving.
        travelled: Trips learned from.
        log_return: Log share of vehicles leaving a camera that come into view again anywhere, (C,).
        log_last: Log share of those that do not, (C,).
        log_new: Log share of new vehicles among arrivals, (C,).
    """

    log_share: Floats
    log_prior: Floats
    log_overlap: Floats
    log_apart: Floats
    log_prior_overlap: float
    gap: TravelTimes
    learned: TravelTimes
    overlap: TravelTimes
    leaving: TravelTimes
    log_by_coming: Floats
    log_by_leaving: Floats
    untold: Floats
    zone_entry: Floats
    zone_exit: Floats
    moments: Floats
    travelled: Floats
    log_return: Floats
    log_last: Floats
    log_new: Floats

    def log_expected(self, index: Index, together: NDArray[np.bool_]) -> Floats:
        """Nats for coming over a link at some time or other, against a new vehicle: all that is said of young links.

        Whether two views overlap shows long before travel times do: where it was hardly ever so, a vehicle that stands
        in the one view is not the one that comes into the other; where it was nearly always so, one that left is not.

        Args:
            index: Links.
            together: Whether the vehicle still stands in the first view when it comes into the second.
        """
        apart = self.log_apart[index] - math.log1p(-math.exp(self.log_prior_overlap))
        known = np.where(together, self.log_overlap_known(index), np.minimum(apart, 0.0))
        expected: Floats = self.log_prior[index] + known
        return expected

    def log_overlap_known(self, index: Index) -> Floats:
        """What is known against two views showing a vehicle at once, in nats: at most 0, 0 before anything is."""
        against: Floats = np.minimum(self.log_overlap[index] - self.log_prior_overlap, 0.0)
        return against

    def log_gone(self, index: Index, x: Floats) -> Floats:
        """Log rate per second of coming into the other view a log-duration ``x`` after leaving the one."""
        rate: Floats = self.log_apart[index] + self.gap.log_density(index, x)
        return rate

    def log_there(self, index: Index, x: Floats, y: Floats) -> Floats:
        """As :meth:`log_gone` of a vehicle that is still in the one view.

        Args:
            index: Links.
            x: Log-durations since it came into the one view.
            y: Log-durations until it leaves that; NaN where it has not left it yet.
        """
        rate: Floats = self.log_overlap[index] + np.log(sum(self._densities_there(index, x, y)))
        return rate

    def _densities_there(self, index: Index, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Densities per second of coming as those do who are told by coming, by leaving, and at any time, (P,) each.

        Those who come at any time do so with the same chance at every moment of their stay. How long that will be is
        not known of who has not left yet: it is taken to be in the midst of it, as is who will be told by leaving.
        """
        by_coming = np.exp(self.overlap.log_own(index, x) - x + self.log_by_coming[index])
        since = np.exp(x)
        by_leaving, share, until = np.zeros(len(x)), self.untold[index], since.copy()
        left = np.flatnonzero(~np.isnan(y))
        if left.size:
            links, y = (index[0][left], index[1][left]), y[left]
            by_leaving[left] = np.exp(self.leaving.log_own(links, y) - y + self.log_by_leaving[links])
            share[left], until[left] = BROAD_SHARE, np.exp(y)
        return by_coming, by_leaving, share / (since + until)

    def log_peak(self) -> Floats:
        """About the largest log rate per second over a link at any time after any sighting, (C, C)."""
        each = np.arange(len(self.log_share))
        index = each[:, None, None], each[None, :, None]
        gone = self.log_gone(index, PEAK_GRID)
        by_coming = self.overlap.log_own(index, PEAK_GRID) - PEAK_GRID
        by_leaving = self.leaving.log_own(index, PEAK_GRID) - PEAK_GRID
        gone, by_coming, by_leaving = (p.max(axis=2, initial=-np.inf) for p in (gone, by_coming, by_leaving))
        told = log_sum(by_coming + self.log_by_coming, by_leaving + self.log_by_leaving)
        at_any = math.log(BROAD_SHARE) - log_sum(PEAK_GRID, PEAK_GRID).min()
        peak: Floats = log_sum(gone, self.log_overlap + log_sum(told, at_any))
        return peak

    def log_rate_and_typical(self, mode: Ints, index: Index, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Log rate per second of coming over a link in a mode after log-duration ``x``.

        Args:
            mode: GAP or OVERLAP, (P,).
            index: Links, (P,) each.
            x: Log-durations since leaving the first view, or since coming into it, (P,).
            y: As of :meth:`log_there`, (P,).

        Returns:
            That rate; the probability that such a trip is one the link's own part of the mode stands for; and that it
            is told by leaving, which is not in the second.
        """
        rate, typical, leaving = np.empty(len(x)), np.empty(len(x)), np.zeros(len(x))
        gone, there = np.flatnonzero(mode == GAP), np.flatnonzero(mode != GAP)
        links = index[0][gone], index[1][gone]
        density, typical[gone] = self.learned.log_density_and_typical(links, x[gone])
        rate[gone] = self.log_apart[links] + density
        links = index[0][there], index[1][there]
        by_coming, by_leaving, at_any = self._densities_there(links, x[there], y[there])
        density = by_coming + by_leaving + at_any
        rate[there] = self.log_overlap[links] + np.log(density)
        typical[there], leaving[there] = by_coming / density, by_leaving / density
        return rate, typical, leaving


@dataclass(slots=True)
class Tally:
    """Weighted counts over links and cameras.

    Attributes:
        moments: float64 (C, C, 3, 3): count, sum and sum of squares of log-durations by link and mode, and by leaving.
        entry: float64 (C, C, CELLS): entry cells of those who came over a link.
        exit: float64 (C, C, CELLS): exit cells of those who left over a link.
        shares: float64 (C, 2): new vehicles and all vehicles.
        returns: float64 (C,): vehicles that came into view again after this camera.
        recent: float64 (C, C, 2, 2): trips counted for good lately by link and mode, those that the link's own travel
            time stands for and all; older ones fade.
    """

    moments: Floats
    entry: Floats
    exit: Floats
    shares: Floats
    returns: Floats
    recent: Floats

    @classmethod
    def empty(cls, cameras: int) -> Tally:
        """Nothing seen."""
        c = cameras
        shapes = (c, c, 3, 3), (c, c, CELLS), (c, c, CELLS), (c, 2), (c,), (c, c, 2, 2)
        return cls(*map(np.zeros, shapes))

    def grown(self) -> Tally:
        """With one camera more."""
        pad = ((0, 1), (0, 1))
        return Tally(
            np.pad(self.moments, (*pad, (0, 0), (0, 0))),
            np.pad(self.entry, (*pad, (0, 0))),
            np.pad(self.exit, (*pad, (0, 0))),
            np.pad(self.shares, ((0, 1), (0, 0))),
            np.pad(self.returns, (0, 1)),
            np.pad(self.recent, (*pad, (0, 0), (0, 0))),
        )

    def copy(self) -> Tally:
        """Independent of this one."""
        return Tally(*(getattr(self, name).copy() for name in self.__slots__))

    def halve(self, camera: int) -> None:
        """Lets what was counted of links from a camera, and of the camera, weigh half as much from now on."""
        for counts in (self.moments, self.entry, self.exit, self.shares, self.returns):
            counts[camera] *= 0.5


@dataclass(frozen=True, slots=True)
class CameraCells:
    """Counts of entry and exit cells of every vehicle at each camera, (C, CELLS) each."""

    entry: Floats
    exit: Floats

    def grown(self) -> CameraCells:
        """With one camera more."""
        pad = ((0, 1), (0, 0))
        return CameraCells(np.pad(self.entry, pad), np.pad(self.exit, pad))

    def copy(self) -> CameraCells:
        """Independent of this one."""
        return CameraCells(self.entry.copy(), self.exit.copy())


def compile_tables(
    tally: Tally, cells: CameraCells, settings: AssociationSettings, pins: Pins | None = None
) -> LinkTables:
    """Counts as scoring reads them; ``pins`` are links whose travel time is given."""
    times = compile_times(tally, settings)
    return replace(
        times,
        gap=pinned(times.learned, pins or {}),
        zone_entry=_zone_ratio(tally.entry, cells.entry[None, :, :]),
        zone_exit=_zone_ratio(tally.exit, cells.exit[:, None, :]),
    )


def compile_times(tally: Tally, settings: AssociationSettings) -> LinkTables:
    """Counts as lessons are read by them: no link is pinned, and there are no zones."""
    cameras = len(tally.returns)
    count = tally.moments[..., 0]
    travelled = count.sum(axis=2)
    # A site of one camera expects whoever comes again in it.
    log_prior = EXPECTED_NATS + RETURN_NATS * np.eye(cameras) if cameras > 1 else np.zeros((cameras, cameras))
    prior = np.exp(log_prior)
    prior /= prior.sum(axis=1, keepdims=True)
    share = (travelled + SHARE_STRENGTH * prior) / (travelled.sum(axis=1, keepdims=True) + SHARE_STRENGTH)
    # Two views overlap or not whichever way the vehicle goes.
    there = count[..., OVERLAP] + count[..., LEAVING]
    together = there + there.T
    pooled = (OVERLAP_STRENGTH * settings.overlap_prior + there.sum()) / (OVERLAP_STRENGTH + travelled.sum())
    overlap = (together + OVERLAP_STRENGTH * pooled) / (travelled + travelled.T + OVERLAP_STRENGTH)
    by_leaving = _share_by_leaving(count[..., LEAVING], there)
    new, returning = _shares(tally, settings)
    knobs = (settings.travel_log_sd, settings.travel_spread)
    learned = travel_times(tally.moments[..., GAP, :], settings.travel_median_s, *knobs)
    return LinkTables(
        log_share=np.log(share),
        log_prior=log_prior,
        log_overlap=np.log(overlap),
        log_apart=np.log1p(-overlap),
        log_prior_overlap=math.log(settings.overlap_prior),
        gap=learned,
        learned=learned,
        overlap=travel_times(tally.moments[..., OVERLAP, :], OVERLAP_MEDIAN_S, *knobs),
        leaving=travel_times(tally.moments[..., LEAVING, :], OVERLAP_MEDIAN_S, *knobs),
        log_by_coming=np.log1p(-by_leaving),
        log_by_leaving=np.log(by_leaving),
        untold=BROAD_SHARE + (1.0 - BROAD_SHARE) * by_leaving,
        zone_entry=NO_ZONES,
        zone_exit=NO_ZONES,
        moments=tally.moments,
        travelled=travelled,
        log_return=np.log(returning),
        log_last=np.log1p(-returning),
        log_new=np.log(new),
    )


def _share_by_leaving(leaving: Floats, there: Floats) -> Floats:
    """Share of those that stand in both views whose coming is told by leaving, (C, C), of so many and of all."""
    site = (OVERLAP_STRENGTH * LEAVING_PRIOR + leaving.sum()) / (OVERLAP_STRENGTH + there.sum())
    share: Floats = (leaving + OVERLAP_STRENGTH * site) / (there + OVERLAP_STRENGTH)
    return share


def _shares(tally: Tally, settings: AssociationSettings) -> tuple[Floats, Floats]:
    """Share of new vehicles at each camera, and of vehicles that come into view again after it, (C,) each."""
    new, visits = tally.shares.T
    site = (new.sum() + SITE_STRENGTH * settings.new_prior) / (visits.sum() + SITE_STRENGTH)
    bounds = LEAST_SHARE, 1.0 - LEAST_SHARE
    # Among all sightings of a site as many follow another as are followed.
    here = (new + CAMERA_STRENGTH * site) / (visits + CAMERA_STRENGTH)
    again = (tally.returns + CAMERA_STRENGTH * (1.0 - site)) / (visits + CAMERA_STRENGTH)
    return np.clip(here, *bounds), np.clip(again, *bounds)


def _zone_ratio(link: Floats, camera: Floats) -> Floats:
    """Log ratio of a cell's share on a link to its share at the camera; (C, C, CELLS + 1), the last is 0."""
    at_camera = (camera + 1.0) / (camera.sum(axis=-1, keepdims=True) + CELLS)
    on_link = (link + ZONE_STRENGTH * at_camera) / (link.sum(axis=-1, keepdims=True) + ZONE_STRENGTH)
    return np.pad(np.log(on_link / at_camera), ((0, 0), (0, 0), (0, 1)))
