"""The page of an evaluation: figures, tables, curve, and the worst failures with their pictures. Computes no figure."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path

from reid.data import Sample
from reid.evaluation.evaluate import Evaluation
from reid.evaluation.failures import Answer, Failure
from reid.evaluation.report.curve import reliability_svg
from reid.evaluation.report.thumbnails import data_url
from reid.evaluation.tables import Table
from reid.whole import draft_of, written_whole

_HEADINGS = {
    "class": "By vehicle class",
    "view": "By side shown",
    "camera_pair": "By camera pair",
    "view_pair": "By pair of sides",
}
_FIGURES = (
    ("mAP", "mean average precision"),
    ("mINP", "mean inverse negative penalty: the last right answer"),
    ("rank1", "first answer right"),
    ("rank5", "right among the first five"),
    ("rank10", "right among the first ten"),
    ("rank1_macro_class", "rank-1, every class weighing alike"),
    ("mAP_macro_class", "mAP, every class weighing alike"),
    ("chance_rank1", "rank-1 of a random order"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What was judged on what, for the head of the page.

    Attributes:
        model: Name of the network.
        model_id: Its sha256.
        data: Name of the data set's folder.
        query: Query samples, as judged.
        gallery: Gallery samples, as judged.
        unreadable: Pictures left out because they cannot be read.
    """

    model: str
    model_id: str
    data: str
    query: tuple[Sample, ...]
    gallery: tuple[Sample, ...]
    unreadable: tuple[Path, ...] = ()


def require_writable(path: Path) -> None:
    """Makes sure, before work is put into it, that a page can be written; leaves nothing behind.

    Args:
        path: File to write later.

    Raises:
        OSError: It cannot be written, or is something else than a file.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "it is no file")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"no folder {path.parent}")
    draft = draft_of(path)
    draft.write_bytes(b"")
    draft.unlink()


def write_report(path: Path, found: Evaluation, subject: Subject) -> None:
    """Writes the page, whole or not at all.

    It holds thumbnails of the pictures of its failures and nothing else of the data set; it loads nothing.

    Args:
        path: File to write.
        found: The evaluation.
        subject: What it is about.

    Raises:
        OSError: The file cannot be written.
    """
    page = render_report(found, subject).encode(errors="replace")  # Names of files need not be UTF-8.
    with written_whole(path) as draft:
        draft.write_bytes(page)


def render_report(found: Evaluation, subject: Subject) -> str:
    """The page as text; the same evaluation gives the same text."""
    title = f"{subject.model} on {subject.data}"
    body = [
        f"<h1>{escape(title)}</h1>",
        _summary(found, subject),
        _figures(found),
        _recall(found),
        *(_table(_HEADINGS.get(name, f"By {name}"), table) for name, table in found.tables.items()),
        _thresholds(found),
        _reliability(found),
        _failures(found.failures, subject),
        _left_out(subject.unreadable),
    ]
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    content = "".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{style}</style></head><body>{content}</body></html>\n'


def _summary(found: Evaluation, subject: Subject) -> str:
    figures = found.retrieval
    words = (
        ("Protocol", figures.protocol),
        ("Queries", f"{figures.queries} judged, {figures.skipped} without a right answer"),
        ("Gallery", str(figures.gallery)),
        ("Model", subject.model_id),
    )
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in words)
    ties = "Ties count against the network. Intervals: 95 %, bootstrap over vehicles."
    return f'<dl>{rows}</dl><p class="note">{ties}</p>'


def _figures(found: Evaluation) -> str:
    document = found.retrieval.document()
    rows = []
    for name, meaning in _FIGURES:
        interval = found.retrieval.ci95.get(name)
        between = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
        rows.append([escape(name), f"{document[name]:.3f}", between, escape(meaning)])
    return "<h2>Figures</h2>" + _grid(["", "value", "95 %", ""], rows)


def _recall(found: Evaluation) -> str:
    if not found.recall_at:
        return ""
    return "<h2>Recall@k</h2>" + _grid(
        [f"@{k}" for k in found.recall_at], [[f"{value:.3f}" for value in found.recall_at.values()]]
    )


def _table(heading: str, table: Table) -> str:
    if not table:
        return ""
    weakest_first = sorted(table.items(), key=lambda item: (item[1].rank1, item[0]))
    rows = [
        [escape(label.replace(">", " → ")), str(row.queries), _bar(row.rank1), f"{row.mean_average_precision:.3f}"]
        for label, row in weakest_first
    ]
    return f"<h2>{escape(heading)}</h2>" + _grid(["", "queries", "rank-1", "mAP"], rows)


def _bar(share: float) -> str:
    return f'<span class="bar"><span style="width:{100 * share:.0f}%"></span></span> {share:.3f}'


def _thresholds(found: Evaluation) -> str:
    rates = list(found.identification)
    rows = [["known vehicle found at rank 1 (DIR)", *(f"{found.identification[rate]:.3f}" for rate in rates)]]
    pairs = found.verification
    if pairs is not None:
        rows.insert(0, ["same pair accepted (TPR)", *(f"{pairs.tpr_at_fpr[rate]:.3f}" for rate in rates)])
    note = ""
    if pairs is not None:
        counts = f"{pairs.same} pairs of one vehicle, {pairs.different} of two"
        note = f'<p class="note">{counts}. Area under the ROC {pairs.auc:.4f}, equal error rate {pairs.eer:.4f}.</p>'
    return "<h2>At a false rate of</h2>" + _grid(["", *(f"{rate:g}" for rate in rates)], rows) + note


def _reliability(found: Evaluation) -> str:
    pair = "First answers against the probability that the model's own calibration gives them at equal priors."
    among = "First answers against their posterior among all vehicles that the query sees."
    curves = "".join(
        f'{reliability_svg(curve)}<p class="note">{note} Expected calibration error {curve.ece:.3f}, '
        f"log loss {curve.log_loss:.3f} nats.</p>"
        for curve, note in ((found.reliability, pair), (found.posterior, among))
        if curve is not None
    )
    return f"<h2>Reliability</h2>{curves}" if curves else ""


def _failures(failures: Sequence[Failure], subject: Subject) -> str:
    if not failures:
        return ""
    blocks = []
    for failure in failures:
        asked = subject.query[failure.row]
        shown = [_picture(asked, "query", "asked")]
        shown += [_answer(answer, subject.gallery[answer.row]) for answer in failure.answers]
        blocks.append(f'<div class="failure">{"".join(shown)}</div>')
    note = "Queries by how much more alike the best wrong answer is than the best right one; one per vehicle."
    return f'<h2>Worst failures</h2><p class="note">{note}</p>{"".join(blocks)}'


def _answer(answer: Answer, sample: Sample) -> str:
    return _picture(sample, "right" if answer.right else "wrong", f"#{answer.place} · {answer.similarity:.3f}")


def _picture(sample: Sample, style: str, caption: str) -> str:
    source = data_url(sample.path)
    image = f'<img src="{source}" alt="">' if source else '<span class="gone">unreadable</span>'
    lines = [caption, sample.vehicle, *([f"camera {sample.camera}"] if sample.camera else [])]
    words = f"<figcaption>{'<br>'.join(map(escape, lines))}</figcaption>"
    return f'<figure class="{style}" title="{escape(sample.path.name)}">{image}{words}</figure>'


def _left_out(unreadable: Sequence[Path]) -> str:
    if not unreadable:
        return ""
    names = "".join(f"<li>{escape(path.name)}</li>" for path in unreadable)
    return f"<h2>Left out: {len(unreadable)} unreadable</h2><ul>{names}</ul>"


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
