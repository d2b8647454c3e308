"""A run with a pre-trained text tower or language model needs neither hub nor folder once it is trained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecgmm.interface.runs import load_run
from tests.pretrained_models import save_bert, save_gpt2

Command = Callable[..., int]
TOWER = ("text=transformer", "text_encoder=transformer")
GPT2 = ("text=transformer", "language_model=pretrained", "language_model.lora_rank=2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("save", "settings"),
    [
        (save_bert, ("method=gated_fusion", *TOWER, "text_encoder.trainable_layers=0")),
        (save_bert, ("method=fg_clep", "size=base", "ecg_encoder=conv", *TOWER)),
        (save_gpt2, ("method=meit", *GPT2)),
        (save_gpt2, ("method=ecg_doctor", *GPT2)),
    ],
    ids=("frozen tower", "similarity of reports", "adapters", "adapters and findings"),
)
def test_a_run_predicts_and_evaluates_without_the_model_that_it_began_with(
    command: Command,
    quick_settings: list[str],
    workspace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    save: Callable[[Path], Path],
    settings: tuple[str, ...],
) -> None:
    folder, run = save(tmp_path / "pretrained"), tmp_path / "run"
    shown = (*settings, f"pretrained.name_or_path={folder}", "trainer.precision=32-true", "trainer.max_epochs=1")
    assert command("train", *quick_settings, *shown, f"hydra.run.dir={run}") == 0
    printed = capsys.readouterr()
    assert "holds the pre-trained model too" in printed.out + printed.err
    record = next((workspace / "raw").rglob("*.hea"))
    before = load_run(run).predict(record, "Sinus rhythm. Left bundle branch block.")
    assert command("evaluate", f"run={run}", f"paths.stores={workspace}/stores") == 0
    [file] = (run / "evaluation").glob("*-test.json")
    evaluated = file.read_bytes()
    file.unlink()

    shutil.rmtree(folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("ecgmm.pretrained.hub_answers", lambda: pytest.fail("the hub was asked"))
    assert str(tmp_path) not in (run / "model" / "model.json").read_text() + (run / "config.yaml").read_text()
    after = load_run(run).predict(record, "Sinus rhythm. Left bundle branch block.")
    assert (after.numbers, after.words, after.notes) == (before.numbers, before.words, before.notes)
    assert command("evaluate", f"run={run}", f"paths.stores={workspace}/stores") == 0
    assert file.read_bytes() == evaluated
    saved = json.loads(evaluated)
    trained = json.loads((run / "metrics.json").read_text())
    assert saved["test/auroc_macro"] == pytest.approx(trained["test/auroc_macro"], abs=1e-6)
