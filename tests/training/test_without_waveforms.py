"""A run of a method that looks at no waveform reads none, and has every number of a run that does."""

from pathlib import Path
from typing import Any, NoReturn

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ecgmm
from ecgmm.data.batches.residency import HostWaveforms
from ecgmm.disturbing.suite import Plan, run_suite
from ecgmm.models.method import Method
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import KINDS
from ecgmm.signal.augment import Augmentation
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.training.evaluation_choice import Choice
from tests.tiny_runs import QUICK

pytestmark = pytest.mark.slow
FILES = ("metrics.json", "model/model.safetensors", "predictions.parquet")
KINDS_MET = ("only_lead_ii", "waveform_missing", "statements_left_out", "foreign_report_and_noise")
REPORT = "Sinus rhythm. Left axis deviation. Abnormal ECG."


class Reads:
    """Switch between a method that has its waveforms read as all others have, and one whose waveforms cannot be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def everything(self) -> None:
        self.monkeypatch.setattr(Method, "looks_at_waveforms", True)

    def no_waveform(self) -> None:
        self.monkeypatch.undo()

        def refuse(*_: Any) -> NoReturn:
            pytest.fail("a waveform is touched")

        for part, name in (
            (HostWaveforms, "gather"),
            (HostWaveforms, "announce"),
            (WaveformPreparation, "forward"),
            (Augmentation, "forward"),
        ):
            self.monkeypatch.setattr(part, name, refuse)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.mark.parametrize("method", ["text_only", "bag_of_statements"])
def test_training_evaluation_and_answers_touch_none(
    method: str, reads: Reads, tiny_store: Path, tmp_path: Path
) -> None:
    store = ecgmm.open_store(tiny_store)
    corrupted = {"corruption": "default"} if method == "text_only" else {}

    def numbers(folder: Path) -> list[object]:
        run = ecgmm.train(store, method, folder, **QUICK, **corrupted)
        again = run.evaluate(stores=tiny_store.parent)
        first = run.model(run.batches(store).first()).logits.tolist()
        return [first, again.model_dump(), run.predict(report=REPORT).numbers]

    reads.everything()
    read = numbers(tmp_path / "read")
    reads.no_waveform()
    assert numbers(tmp_path / "unread") == read
    for name in (*FILES, *(["history.csv"] if method == "text_only" else [])):
        assert (tmp_path / "unread" / name).read_bytes() == (tmp_path / "read" / name).read_bytes(), name


def test_explanations_and_disturbances_are_what_they_were(reads: Reads, tiny_store: Path, tmp_path: Path) -> None:
    run = ecgmm.train(ecgmm.open_store(tiny_store), "text_only", tmp_path / "run", **QUICK)
    plan = Plan(None, Choice(), tiny_store.parent, KINDS_MET, (5,))

    def frames() -> dict[str, pl.DataFrame | None]:
        [suite] = run_suite([run.directory], plan)
        found = {kind: suite.read(kind) for kind in KINDS_MET}
        for file in suite.folder.iterdir():
            file.unlink()
        return found

    def explained() -> tuple[object, ...]:
        explanation = ecgmm.load_run(run.directory).explain(report=REPORT)
        values = explanation.attribution.words
        assert values is not None
        return values.tolist(), explanation.statement_losses

    reads.everything()
    met, why = frames(), explained()
    reads.no_waveform()
    assert explained() == why
    clean = Run.open(run.directory).test.sort("row")
    names = [name for name in clean.columns if name.startswith("probability.")]
    for kind, frame in frames().items():
        before = met[kind]
        assert frame is not None
        assert before is not None
        assert_frame_equal(frame, before)
        unmoved = frame.select(names).equals(clean.select(names))
        assert unmoved == (KINDS[kind].modality == "waveform"), kind
