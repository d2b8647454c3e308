"""Finished runs: what they measured, and their models at work."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.batches.loader import BatchLoader
from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.data.sources.array_reader import ArrayReader
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.explaining.explanation import Explanation, explain
from ecgmm.files import inside
from ecgmm.interface.settings import overrides_of, settings_of
from ecgmm.leads import LEADS
from ecgmm.predicting.inputs import read_input
from ecgmm.predicting.many import Wishes, predict_many
from ecgmm.predicting.prediction import COVERAGE, Prediction, predict_record
from ecgmm.predicting.record_list import Listed, check_listed, read_list
from ecgmm.runs import run
from ecgmm.runs.configuration import CONFIG, read_config, read_evaluation_settings
from ecgmm.runs.loading import SavedModel, load_model
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.store_of_run import STORES
from ecgmm.settings.ranges import COVERAGES, SHEET_FORMATS, TABLE_ENDINGS

if TYPE_CHECKING:
    from ecgmm.exporting.export import Export

BUNDLE = "bundle.json"
_ARRAY = Path("millivolts")


class Run(run.Run):
    """Finished run directory with its model.

    ``facts``, ``metrics``, ``predictions``, ``history`` and ``config`` are the files of the directory, read when they
    are asked for.
    """

    def __repr__(self) -> str:
        return f"<ecgmm.Run: {self.method}, seed {self.seed}, {self.directory.name}>"

    @cached_property
    def model(self) -> SavedModel:
        """The trained method with its preparation and vocabularies: ``run.model(batch)`` is a ``ModelOutput``."""
        return load_model(self.directory)

    def batches(self, store: Store, split: str = "test", size: int | None = None) -> BatchLoader:
        """Batches of a store as the model takes them, in order of its rows.

        Args:
            store: A store of the same rate, window and label set.
            split: ``train``, ``val`` or ``test``.
            size: Records in a batch; None takes the run's.

        Returns:
            Batches to go through; ``first()`` is the first.

        Raises:
            ConfigError: If the store does not fit the model, or there is no such split.
        """
        from ecgmm.training.served import data_for, labels_for  # training is not needed to predict

        if split not in SPLITS:
            raise ConfigError(f"split is {split!r}; choose one of {', '.join(SPLITS)}")
        config = read_config(self.directory, self.facts.files)
        settings = read_evaluation_settings(config, inside(self.directory, CONFIG))
        labels = labels_for(self.model.facts, store, config["data"], config["labels"], settings.task.selection)
        data = data_for(self.model, store, labels, settings, size or settings.batch_size)
        return data.split_dataloader(split)

    def evaluate(
        self, store: Store | str | Path | None = None, stores: str | Path = STORES, **settings: object
    ) -> Metrics:
        """Measure the model again, on its own store or another; nothing is prepared.

        Args:
            store: A store, or its folder; None takes the run's own.
            stores: Folder in which the run's own store is looked for.
            settings: Settings of ``python -m ecgmm.evaluate``, as in ``split="all"``, ``labels="rhythm"``,
                ``classes__map={"SR": "NORM"}`` or ``shared_patients="drop"``.

        Returns:
            The metrics, which are saved below ``evaluation/`` of the run as the command does.

        Raises:
            ConfigError: If the store does not fit the model, patients of its training are there, or the number would
                measure a leak.
            DataError: If the store is not there, or a file of the run is damaged.
        """
        from ecgmm.training.evaluation import evaluate_run
        from ecgmm.training.evaluation_choice import choice_of

        names = ("labels", "task", "classes", "split", "leads", "allow_leaky", "shared_patients", "recalibrate")
        more = ("recalibration_seed", "recalibrate_by", "adapt", "conformal", "name")
        chosen = settings_of("evaluate", ["run=.", *overrides_of(settings)])
        choice = choice_of(**{str(name): chosen[name] for name in (*names, *more)})
        folder = store.path if isinstance(store, Store) else None if store is None else Path(store)
        metrics, _ = evaluate_run(self.directory, folder, choice, Path(stores))
        return metrics

    def export(
        self,
        out: str | Path,
        format: Literal["onnx", "torch", "bundle"] = "onnx",
        *,
        report_words: Literal["refuse", "keep"] = "refuse",
        stores: str | Path = STORES,
    ) -> "Export":
        """Write the model for use elsewhere, as ``python -m ecgmm.export`` does.

        Args:
            out: File of a program, or folder of a bundle; neither may be there.
            format: ``onnx``, ``torch`` (``torch.export``) or ``bundle`` (``ecgmm.load_bundle`` reads it).
            report_words: What a bundle does with words of training reports in its vocabulary.
            stores: Folder in which the run's store is looked for, on whose records a program is compared with Python.

        Returns:
            Path, size, difference from Python, and what to know of it.

        Raises:
            ConfigError: If the model cannot be written so, or a program differs from Python by more than 1e-5.
            DataError: If a file of the run is damaged.
        """
        from ecgmm.exporting.export import export

        choice = settings_of(
            "export", ["run=.", "out=.", *overrides_of({"format": format, "report_words": report_words})]
        )
        return export(self, choice.format, Path(out), Path(stores), choice.report_words == "keep")

    def predict(
        self,
        record: str | Path | None = None,
        report: str | None = None,
        *,
        millivolts: NDArray[np.floating] | None = None,
        rate_hz: float | None = None,
        leads: Sequence[str] = LEADS,
        coverage: float = COVERAGE,
    ) -> Prediction:
        """Classify one record: a file, an array, a report, or a waveform with its report.

        Args:
            record: Path of a WFDB record.
            report: The report's text.
            millivolts: In place of ``record``: ``[L, T]`` in mV, NaN where a sample is missing.
            rate_hz: Sampling rate of ``millivolts``.
            leads: Name of each row of ``millivolts``, in any order; some of the twelve will do.
            coverage: Of the set of classes that are not ruled out, one of ``ecgmm.settings.ranges.COVERAGES``.

        Returns:
            Probabilities, decision and abstention, what the method says, and what speaks against them.

        Raises:
            ConfigError: If nothing is given that the method looks at, or there is no such coverage.
            DataError: If the record cannot be read, or shows no signal.
        """
        _check_coverage(coverage)
        path, reader = _source(record, millivolts, rate_hz, leads)
        return predict_record(self.model, path, report, reader, coverage)

    def predict_many(
        self,
        records: str | Path | Sequence[Listed | tuple[str | None, str | None]],
        out: str | Path | None = None,
        *,
        root: str | Path | None = None,
        coverage: float = COVERAGE,
        sheets: str | Path | None = None,
        sheet_format: Literal["pdf", "png"] = "pdf",
        n_processes: int | None = None,
    ) -> pl.DataFrame:
        """Classify many records, as ``ecgmm predict records=... out=...`` does.

        Args:
            records: A table with the columns ``record``, ``report`` and ``id``, or pairs of record and report.
            out: Table to write, ``.csv``, ``.parquet`` or ``.json``; with it an interrupted call can be given again.
            root: Folder that the records' paths start at; None takes the table's, or the working directory.
            coverage: As in ``predict``.
            sheets: Folder for a sheet of each record on clinical paper.
            sheet_format: Of the sheets.
            n_processes: Processes that read; None takes one, or one for each core where the records are many.

        Returns:
            One row a record; ``refused`` says why one has no prediction.

        Raises:
            ConfigError: If the method looks at nothing that any record has, or an argument is not as it must be.
            DataError: If the table is no list of records: names the line.
        """
        _check_coverage(coverage)
        if out is not None and not str(out).endswith(TABLE_ENDINGS):
            raise ConfigError(f"out is {str(out)!r}; it must end with one of {', '.join(TABLE_ENDINGS)}")
        if sheet_format not in SHEET_FORMATS:
            raise ConfigError(f"sheet_format is {sheet_format!r}; choose {' or '.join(SHEET_FORMATS)}")
        if isinstance(records, str | Path):
            listed, folder = read_list(Path(records)), Path(records).parent
        else:
            listed, folder = [Listed(*one) for one in records], Path()
            check_listed(listed)
        wishes = Wishes(coverage, None if sheets is None else Path(sheets), sheet_format)
        place = folder if root is None else Path(root)
        return predict_many(self.model, listed, place, None if out is None else Path(out), wishes, n_processes)

    def explain(
        self,
        record: str | Path | None = None,
        report: str | None = None,
        *,
        millivolts: NDArray[np.floating] | None = None,
        rate_hz: float | None = None,
        leads: Sequence[str] = LEADS,
        class_name: str | None = None,
        method: str = "integrated_gradients",
    ) -> Explanation:
        """Explain the answer for one record, which is given as to ``predict``.

        Args:
            record: Path of a WFDB record.
            report: The report's text.
            millivolts: In place of ``record``, as in ``predict``.
            rate_hz: Sampling rate of ``millivolts``.
            leads: Name of each row of ``millivolts``.
            class_name: Class whose log-odds are explained; None takes the most probable one.
            method: ``integrated_gradients`` or ``occlusion``.

        Returns:
            What each sample and word adds, and the answer with either half alone, without each statement and lead.

        Raises:
            ConfigError: If there is no such class or method, nothing is given that the method looks at, or captum is
                not installed.
            DataError: If the record cannot be read, or shows no signal.
        """
        path, reader = _source(record, millivolts, rate_hz, leads)
        return explain(self.model, read_input(self.model, path, report, reader), class_name, method)


def _check_coverage(coverage: float) -> None:
    if coverage not in COVERAGES:
        raise ConfigError(f"coverage is {coverage!r}; choose one of {', '.join(map(str, COVERAGES))}")


def _source(
    record: str | Path | None, millivolts: NDArray[np.floating] | None, rate_hz: float | None, leads: Sequence[str]
) -> tuple[Path | None, WaveformReader]:
    """Path of a record and the reader that takes it."""
    if millivolts is None:
        return None if record is None else Path(record), ANY_LEADS
    if rate_hz is None:
        raise ConfigError("rate_hz is missing; an array does not say its sampling rate")
    return _ARRAY, ArrayReader.of(millivolts, rate_hz, leads)


def load_run(directory: str | Path) -> Run:
    """Open a finished run directory; nothing in it is run, and its model is loaded when it is asked for.

    A bundle (``Run.export``) is opened by ``load_bundle``: a run that holds a model and metrics, and no predictions.

    Raises:
        DataError: If it holds no finished run, or a file of it is damaged.
    """
    if (Path(directory) / BUNDLE).is_file():
        from ecgmm.interface.bundles import load_bundle

        return load_bundle(directory)
    opened = run.Run.open(Path(directory))
    return Run(opened.directory, opened.facts, opened.metrics, opened.readout)
