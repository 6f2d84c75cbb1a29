"""The process's registry, and catalogue entries made into things that count. Knows no component.

What the hot path knows anyway is read at the time of a scrape (``family``); only what would be lost is counted as it
happens (``counter``, ``histogram``), at about a microsecond each. All of it counts whether or not anybody may scrape.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from services.observability.catalogue import Metric

# They are a series beside each counter and histogram that no rule and no panel uses.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

#: Labels and value of one series.
Row = tuple[tuple[str, ...], float]

#: A registry takes each name once, and two threads may be the first to ask for it.
_making = threading.Lock()
_counters: dict[str, Counter] = {}
_histograms: dict[str, Histogram] = {}


@cache
def counter(metric: Metric) -> Counter:
    """The process's counter of that name. Safe for threads.

    Raises:
        ValueError: It is no counter.
    """
    if metric.kind != "counter":
        raise ValueError(f"{metric.name} is a {metric.kind}")
    with _making:
        if metric.name not in _counters:
            _counters[metric.name] = Counter(metric.name, metric.help, metric.labels, registry=REGISTRY)
        return _counters[metric.name]


@cache
def histogram(metric: Metric) -> Histogram:
    """The process's histogram of that name. Safe for threads.

    Raises:
        ValueError: It is no histogram.
    """
    if metric.kind != "histogram":
        raise ValueError(f"{metric.name} is a {metric.kind}")
    with _making:
        if metric.name not in _histograms:
            _histograms[metric.name] = Histogram(
                metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=REGISTRY
            )
        return _histograms[metric.name]


def family(metric: Metric, rows: Iterable[Row]) -> Family:
    """Values of now, for a collector.

    Args:
        metric: A counter or a gauge.
        rows: Label values in the catalogue's order, and the value.

    Raises:
        ValueError: It is a histogram.
    """
    made: CounterMetricFamily | GaugeMetricFamily
    if metric.kind == "counter":
        made = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    elif metric.kind == "gauge":
        made = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    else:
        raise ValueError(f"{metric.name} is a histogram")
    for labels, value in rows:
        made.add_metric(labels, value)
    return made


def single(metric: Metric, value: float) -> Family:
    """A counter or gauge without labels, of now."""
    return family(metric, [((), value)])


class ScrapeCollector(Collector):
    """Asks a component for its values when somebody scrapes."""

    def __init__(self, read: Callable[[], Iterator[Family]]) -> None:
        """Registers with the process's registry.

        Args:
            read: Called by the thread of a scrape; what it raises costs the scrape, so it handles its own failures.
        """
        self._read = read
        REGISTRY.register(self)

    def describe(self) -> Iterable[Family]:
        """Nothing: names are in the catalogue, and asking for values at registration would be too early."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Values of now."""
        yield from self._read()

    def close(self) -> None:
        """Is asked no more."""
        REGISTRY.unregister(self)
