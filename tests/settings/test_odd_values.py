"""Values at the edge of what the tables allow really train."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., int]


@pytest.mark.slow
@pytest.mark.parametrize(
    "odd",
    [
        ["optimizer.lr=0", "optimizer.weight_decay=0", "method.lambda_cons=0", "prefetch=0", "warmup_fraction=0"],
        ["warmup_fraction=1", "checkpoint_minutes=0", "method.dropout=0", "trainer.gradient_clip_val=null"],
        ["batch_size=1", "trainer.limit_train_batches=3", "seed=4294967295"],
        ["batch_size=100000", "evaluation.n_resamples=1", "evaluation.seed=0"],
        ["ecg_encoder.kernel_size=4", "ecg_encoder.stem_kernel_s=0", "ecg_encoder.stem_hz=500"],
        ["text.max_tokens=1", "text.tokeniser.max_vocabulary=4", "text.tokeniser.min_frequency=1000000000"],
        ["waveform.limit_mv=0.1", "waveform.highpass_hz=49.9"],
        ["waveform.limit_mv=1000", "waveform.highpass_hz=0.01"],
        ["augmentation.probability=1", "augmentation.gain=10", "augmentation.shift_s=9.9"],
        ["method=k_merl", "method.ecg_encoder.most_leads_out=11", "method.ecg_encoder.segments_out=0.9"],
        [
            "method=cross_modal_transformer",
            "method.max_ecg_tokens=1",
            "method.transformer.n_heads=64",
            "method.findings_weight=0",
        ],
        ["method=bag_of_statements", "method.inverse_penalty=1e-6"],
        ["method=time_frequency", "method.frequency_encoder.hop_s=1.0", "method.frequency_encoder.max_hz=1"],
        ["ecg_encoder=resnet18", "ecg_encoder.width=1", "ecg_encoder.dim=1"],
        ["trainer.precision=bf16-mixed", "trainer.devices=auto", "trainer.deterministic=false"],
    ],
    ids=lambda odd: odd[0],
)
def test_odd_values_train(
    odd: list[str], command: Command, quick_settings: list[str], tiny_store: Path, tmp_path: Path
) -> None:
    settings = [text for text in quick_settings if not (text.startswith("ecg_encoder.") and "ecg_encoder=" in odd[0])]
    assert command("train", *settings, "trainer.max_epochs=1", f"paths.outputs={tmp_path}", *odd) == 0
    (run,) = tmp_path.glob("train/*")
    assert json.loads((run / "run.json").read_text())["finished"]
