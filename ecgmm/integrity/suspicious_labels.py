"""Suspicious labels of the training patients, from the runs of ``+experiment=label_review``: a table and a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, printable
from ecgmm.evaluation.confident_learning import find_suspects, yes_or_no
from ecgmm.files import whole_file, write_whole
from ecgmm.integrity.figures import sheet
from ecgmm.integrity.reading import row
from ecgmm.plots.images import png_url
from ecgmm.plots.page import templates
from ecgmm.runs.predictions import labels_and_probabilities, read_held_out, records_of
from ecgmm.runs.run import Run, find_runs
from ecgmm.runs.store_of_run import store_of_run

TABLE, PAGE = "suspicious_labels.parquet", "suspicious_labels.html"
_TEMPLATE = "suspicious_labels.html.jinja"
_REM_PER_IN = 6.0


class Review(NamedTuple):
    """Runs that together predict each training record without having learnt from it.

    Attributes:
        runs: One for each part.
        table: One line for each label: ``row`` of the store, ``record``, ``patient``; ``class`` (of a multi-label task,
            else empty), ``given``, ``suggested``; ``score`` in [-1, 1], the lower the more suspicious; ``suspicious``
            by the estimated joint; ``disturbed``, null where no labels were made wrong on purpose.
    """

    runs: Sequence[Run]
    table: pl.DataFrame

    @property
    def n_disturbed(self) -> int:
        """Labels that were made wrong on purpose."""
        return int(self.table["disturbed"].sum())

    @property
    def precision(self) -> float | None:
        """Share of wrong labels among as many of the most suspicious as were made wrong; None where none were."""
        worst = self.table["disturbed"].head(self.n_disturbed)
        return float(worst.cast(pl.Float64).mean()) if len(worst) else None  # type: ignore[arg-type]  # of floats


def review_labels(folder: Path) -> Review:
    """Rank the labels of the training patients.

    Args:
        folder: Holds the runs of one review.

    Raises:
        UserError: If it holds no finished run.
        ConfigError: If the runs are not the parts of one review.
        DataError: If a file of a run cannot be used.
    """
    runs, _ = find_runs([folder])
    _check_parts(runs, folder)
    frame = pl.concat([records_of(read_held_out(run.directory, run.facts), "train") for run in runs]).sort("row")
    classes, task = runs[0].classes, runs[0].task
    labels, probabilities = labels_and_probabilities(frame, classes, task)
    ids = frame.select("row", "record", "patient")
    if task == "single_label":
        parts = [_lines(ids, "", labels.astype(np.int64), probabilities, classes, _disturbed(frame, "disturbed"))]
    else:
        parts = [
            _lines(
                ids,
                name,
                *yes_or_no(labels[:, k], probabilities[:, k]),
                ("no", "yes"),
                _disturbed(frame, f"disturbed.{name}"),
            )
            for k, name in enumerate(classes)
        ]
    return Review(runs, pl.concat(parts).sort("score", maintain_order=True))


def _lines(
    ids: pl.DataFrame,
    name: str,
    labels: np.ndarray[tuple[int], np.dtype[np.int64]],
    probabilities: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    answers: Sequence[str],
    disturbed: pl.Series,
) -> pl.DataFrame:
    suspects, names = find_suspects(labels, probabilities), np.array(answers)
    return ids.with_columns(
        pl.lit(name).alias("class"),
        pl.Series("given", names[labels]),
        pl.Series("suggested", names[suspects.suggested]),
        pl.Series("score", suspects.score),
        pl.Series("suspicious", suspects.suspicious),
        disturbed,
    )


def _disturbed(frame: pl.DataFrame, column: str) -> pl.Series:
    if column in frame.columns:
        return frame[column].alias("disturbed")
    return pl.Series("disturbed", [None] * frame.height, pl.Boolean)


def _check_parts(runs: Sequence[Run], folder: Path) -> None:
    """Refuse runs that are not the parts of one review, each once."""
    parts = sorted(run.facts.held_out or "none" for run in runs)
    of = parts[0].rpartition("/")[2]
    whole = of.isdigit() and parts == sorted(f"{k}/{of}" for k in range(1, int(of) + 1))
    kinds = {(r.method, r.seed, r.facts.criterion, r.facts.data.fingerprint, str(r.facts.label_noise)) for r in runs}
    if not whole or len(kinds) > 1:
        raise ConfigError(
            f"{printable(folder)} holds runs with held_out={', '.join(parts)} of {len(kinds)} kinds (method, seed,"
            " criterion, data, label_noise); give the folder of one review, with each part once, as"
            " +experiment=label_review trains them"
        )


def write_review(review: Review, folder: Path, stores: Path, n_shown: int) -> None:
    """Write the table and the page into the folder, for their owner's eyes alone.

    Args:
        review: What was found.
        folder: Of the runs.
        stores: Folder that holds the store, for the waveforms of the page.
        n_shown: Most suspicious labels that the page shows.

    Raises:
        DataError: If the store is not there.
    """
    first = review.runs[0]
    store = store_of_run(first.facts.data.fingerprint, stores, first.config["data"], "paths.stores=...")
    with whole_file(folder / TABLE, private=True) as file:
        review.table.write_parquet(file)
    write_whole(folder / PAGE, _page(review, store, n_shown).encode(), private=True)


def _page(review: Review, store: Store, n_shown: int) -> str:
    facts = review.runs[0].facts
    filters = {"count": lambda n: f"{n:,}", "number": lambda value: f"{value:.2f}"}
    return (
        templates(Path(__file__).parent, filters)
        .get_template(_TEMPLATE)
        .render(
            facts=facts,
            n_parts=len(review.runs),
            n_labels=review.table.height,
            n_suspicious=int(review.table["suspicious"].sum()),
            n_disturbed=review.n_disturbed,
            precision=review.precision,
            changes=_changes(review.table),
            shown=[_shown(store, line) for line in review.table.head(n_shown).iter_rows(named=True)],
        )
    )


def _changes(table: pl.DataFrame) -> list[tuple[str, str, str, int]]:
    """How often each suspicious label is suggested to be another, the most frequent first."""
    pairs = table.filter("suspicious").group_by("class", "given", "suggested").len("n")
    return list(pairs.sort("n", "class", "given", "suggested", descending=[True, False, False, False]).iter_rows())


def _shown(store: Store, line: dict[str, object]) -> dict[str, object]:
    number = line["row"]
    assert isinstance(number, int)
    figure = sheet(row(store, number), store.manifest)
    return {**line, "image": png_url(figure), "width_rem": round(figure.get_figwidth() * _REM_PER_IN, 2)}
