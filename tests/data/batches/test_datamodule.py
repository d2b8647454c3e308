"""The data module of a training run on the tiny store: who takes part, in which order, and from where."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from ecgmm.data.batches import residency
from ecgmm.data.batches.choices import Loading, TargetChoice, TextChoice, TrainingPart
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.batches.quality_limits import QualityLimits
from ecgmm.data.batches.residency import HostWaveforms
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError
from ecgmm.text.tokenise import StatementVocabulary, WordTokeniser

CLASSES = ["NORM", "MI", "STTC", "CD", "HYP"]


def learnt(reports: Any, patients: Any) -> tuple[WordTokeniser, StatementVocabulary]:
    return WordTokeniser.train(reports, patients), StatementVocabulary.train(reports, patients, 1)


@pytest.fixture
def make(tiny_store: Path) -> Callable[..., EcgReportDataModule]:
    """Make a data module; ``columns`` replaces columns of the store's records, ``without`` removes some."""
    opened = Store.open(tiny_store)
    labels = open_labels(opened, "superclass")

    def build(columns: dict[str, Any] | None = None, without: str = "", **settings: Any) -> EcgReportDataModule:
        records = opened.records.with_columns(**(columns or {}))
        store = dataclasses.replace(opened, records=records.select(pl.exclude(without)) if without else records)
        target = TargetChoice(labels, "exactly_one", CLASSES, modalities=settings.pop("modalities", "any"))
        text = TextChoice(
            settings.pop("text_policy", "full"),
            32,
            settings.pop("vocabularies", learnt),
            settings.pop("at_test", "report"),
        )
        if "train_fraction" in settings:
            settings["part"] = TrainingPart(settings.pop("train_fraction"))
        names = ("seed", "part", "quality", "learns")
        of_module = {name: settings.pop(name) for name in names if name in settings}
        return EcgReportDataModule(store, target, text, Loading(16, **settings), **{"seed": 3, **of_module})

    return build


def rows_in(loader: Any) -> list[int]:
    return [row for batch in loader for row in batch.rows.tolist()]


def test_training_sees_every_record_once_and_evaluation_in_store_order(
    make: Callable[..., EcgReportDataModule],
) -> None:
    datamodule = make()
    assert sorted(rows_in(datamodule.train_dataloader())) == datamodule.rows["train"].tolist()
    assert rows_in(datamodule.train_dataloader()) != datamodule.rows["train"].tolist()
    assert rows_in(datamodule.val_dataloader()) == datamodule.rows["val"].tolist()
    both = [*datamodule.rows["val"], *datamodule.rows["test"]]
    assert rows_in(datamodule.split_dataloader("val", "test")) == both


def test_hidden_labels_leave_pairs_steps_and_words_as_they_are(make: Callable[..., EcgReportDataModule]) -> None:
    whole, some, fewer = make(), *(make(part=TrainingPart(1.0, 5, share)) for share in (0.7, 0.5))
    assert rows_in(some.train_dataloader(with_labels=False)) == rows_in(whole.train_dataloader())
    assert some.tokeniser.words == whole.tokeniser.words
    assert set(fewer.labelled) < set(some.labelled) < set(whole.rows["train"])
    drawn = rows_in(fewer.train_dataloader())
    assert len(drawn) == len(whole.rows["train"])
    counts = np.unique(drawn, return_counts=True)
    assert counts[0].tolist() == rows_in(fewer.labelled_dataloader()) == fewer.labelled.tolist()
    assert counts[1].max() - counts[1].min() <= 1
    assert fewer.labelled_summary()["records"] == len(fewer.labelled)


def test_fewer_pairs_have_the_labelled_patients_and_the_steps_of_all(make: Callable[..., EcgReportDataModule]) -> None:
    whole, fewer = make(), make(part=TrainingPart(0.8, 5, 0.5))
    pairs = rows_in(fewer.train_dataloader(with_labels=False))
    assert set(fewer.labelled) < set(pairs) < set(whole.rows["train"])
    assert len(pairs) == len(rows_in(fewer.train_dataloader())) == len(whole.rows["train"])


def test_records_that_lack_waveform_or_report_can_be_left_out_of_every_split(
    make: Callable[..., EcgReportDataModule],
) -> None:
    lacks = {
        "has_waveform": pl.int_range(pl.len()) % 3 > 0,
        "report": pl.when(pl.int_range(pl.len()) % 5 > 0).then("report").otherwise(-1),
    }
    anyone, pairs = make(lacks), make(lacks, modalities="both")
    for split, rows in anyone.rows.items():
        assert pairs.rows[split].tolist() == [row for row in rows if row % 3 and pairs.report_of_row[row] >= 0]
        assert len(pairs.rows[split]) < len(rows)
    n_lacking = sum(map(len, anyone.rows.values())) - sum(map(len, pairs.rows.values()))
    assert pairs.targets.dropped == {**anyone.targets.dropped, "waveform or report missing": n_lacking}


def test_balanced_sampling_shows_rare_classes_as_often_as_frequent_ones_but_not_to_pre_training(
    make: Callable[..., EcgReportDataModule],
) -> None:
    datamodule, plain = make(sampling="balanced"), make()
    labels = datamodule.targets.values[rows_in(datamodule.train_dataloader())]
    counts = np.bincount(labels, minlength=5)
    assert counts.max() - counts.min() <= 2
    assert len(labels) == len(datamodule.rows["train"])
    unlabelled = rows_in(datamodule.train_dataloader(with_labels=False))
    assert unlabelled == rows_in(plain.train_dataloader())
    assert rows_in(datamodule.val_dataloader()) == rows_in(plain.val_dataloader())


def test_batches_are_the_same_wherever_waveforms_are_and_however_they_are_fetched(
    make: Callable[..., EcgReportDataModule],
) -> None:
    plain = list(make().train_dataloader())
    for settings in ({"residency": "memory"}, {"prefetch": 2}, {"residency": "memory", "prefetch": 3}):
        datamodule = make(**settings)
        datamodule.place(torch.device("cpu"))
        for batch, other in zip(datamodule.train_dataloader(), plain, strict=True):
            assert all(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) for a, b in zip(batch, other, strict=True))


def test_quality_limits_leave_records_out_of_the_splits_they_are_meant_for(
    make: Callable[..., EcgReportDataModule],
) -> None:
    plain = make()
    bad = np.zeros(plain.store.records.height, dtype=np.float32)
    for split in ("train", "val", "test"):
        bad[plain.rows[split][:3]] = 0.5
    columns = {"missing_share": pl.Series(bad)}
    limited = make(columns, quality=QualityLimits(max_missing_share=0.4))
    assert limited.rows["train"].tolist() == plain.rows["train"][3:].tolist()
    assert limited.rows["test"].tolist() == plain.rows["test"].tolist()
    assert limited.left_out == {"train": {"max_missing_share": 3}}
    assert limited.summary()["records"].to_list()[0] == len(plain.rows["train"]) - 3
    everywhere = make(columns, quality=QualityLimits(max_missing_share=0.4, splits=["train", "test"]))
    assert everywhere.rows["test"].tolist() == plain.rows["test"][3:].tolist()
    assert everywhere.left_out["test"] == {"max_missing_share": 3}
    assert plain.left_out == {}


def test_limits_that_leave_nothing_say_so(make: Callable[..., EcgReportDataModule]) -> None:
    everything = {"missing_share": pl.lit(1.0)}
    with pytest.raises(ConfigError, match="quality"):
        make(everything, quality=QualityLimits(max_missing_share=0.5))


def test_a_store_without_quality_columns_works_until_a_limit_needs_one(
    make: Callable[..., EcgReportDataModule],
) -> None:
    make(without="^missing_share$")
    with pytest.raises(DataError, match="prepare it again"):
        make(without="^missing_share$", quality=QualityLimits(max_missing_share=0.5))


@pytest.mark.parametrize(
    ("setting", "value", "choices"),
    [("sampling", "even", "uniform, balanced"), ("residency", "ram", "disk, memory, gpu")],
)
def test_unknown_choices_are_refused(
    make: Callable[..., EcgReportDataModule], setting: str, value: str, choices: str
) -> None:
    with pytest.raises(ConfigError, match=choices):
        make(**{setting: value})


@pytest.mark.parametrize("text_policy", ["full", "shuffled"])
def test_vocabularies_count_the_patients_whose_reports_they_are(
    make: Callable[..., EcgReportDataModule], text_policy: str
) -> None:
    seen: list[tuple[list[list[str]], list[Any]]] = []

    def vocabularies(reports: Any, patients: Any) -> tuple[WordTokeniser, StatementVocabulary]:
        seen.append((list(reports), list(patients)))
        return WordTokeniser.train(reports, patients), StatementVocabulary.train(reports, patients)

    datamodule = make(vocabularies=vocabularies, text_policy=text_policy)
    records = datamodule.store.records[datamodule.rows["train"]].filter(pl.col("report") >= 0)
    statements = datamodule.store.reports["statements"].to_list()
    ((reports, patients),) = seen
    assert patients == records["patient"].to_list()
    assert reports == [statements[index] for index in records["report"].to_list()]


def test_a_report_withheld_at_test_is_there_in_training_alone(make: Callable[..., EcgReportDataModule]) -> None:
    withheld, plain, evaluated = make(at_test="none"), make(), make(at_test="none", learns=False)
    for batch, other in zip(withheld.train_dataloader(), plain.train_dataloader(), strict=True):
        assert torch.equal(batch.token_mask, other.token_mask)
    assert (withheld.report_of_row[withheld.rows["train"]] >= 0).any()
    for split in ("val", "test"):
        assert (plain.report_of_row[plain.rows[split]] >= 0).any()
        assert (withheld.report_of_row[withheld.rows[split]] == -1).all()
    assert withheld.tokeniser.words == plain.tokeniser.words
    assert (evaluated.report_of_row == -1).all()


def test_batches_without_waveforms_hold_all_else_and_read_none(
    make: Callable[..., EcgReportDataModule], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = list(make().train_dataloader())
    for name in ("gather", "announce"):
        monkeypatch.setattr(HostWaveforms, name, lambda *_: pytest.fail("read"))
    monkeypatch.setattr(residency, "_copy", lambda *_: pytest.fail("copied"))
    for settings in ({}, {"prefetch": 2, "residency": "memory"}):
        datamodule = make(**settings)
        datamodule.with_waveforms = False
        datamodule.place(torch.device("cpu"))
        for batch, other in zip(datamodule.train_dataloader(), plain, strict=True):
            assert batch.waveforms.shape == (len(other.rows), 12, 0)
            for one, same in zip(batch[1:], other[1:], strict=True):
                assert torch.equal(torch.nan_to_num(one), torch.nan_to_num(same))
