"""Tables of what a frozen text tower says: the same numbers as the tower, made once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from ecgmm.models.text_encoders.known_texts import KnownTexts
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.training import frozen_texts

IDS = torch.tensor([[2, 5, 0, 7, 3], [2, 9, 3, 0, 0], [0, 0, 0, 0, 0], [2, 9, 3, 0, 0]])
MASK = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 5, [True] * 3 + [False] * 2])


def frozen_tower() -> Transformer:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    return Transformer(None, vocabulary_size=30, dim=8, trainable_layers=0, dropout=0.1, config=config)


def known_by(tower: Transformer) -> KnownTexts:
    return KnownTexts(IDS, MASK, tower.pooled(IDS, MASK))


@pytest.mark.parametrize("training", [True, False])
def test_the_table_says_what_the_tower_says_with_the_same_dropout(training: bool) -> None:
    tower = frozen_tower().train(training)
    torch.manual_seed(1)
    expected = tower(IDS, MASK)
    names = set(tower.state_dict())
    tower.know(known_by(tower))
    torch.manual_seed(1)
    torch.testing.assert_close(tower(IDS, MASK), expected, atol=1e-6, rtol=1e-6)
    assert set(tower.state_dict()) == names


def test_padding_does_not_matter_and_a_token_whose_id_is_that_of_padding_does() -> None:
    known = known_by(frozen_tower())
    assert torch.equal(known(IDS[1:2, :3], MASK[1:2, :3]), known(IDS[1:2], MASK[1:2]))
    with pytest.raises(RuntimeError, match="not in the table"):
        known(IDS[1:2], torch.tensor([[True] * 4 + [False]]))


def test_the_linear_layer_learns_through_the_table_and_the_tower_is_not_asked() -> None:
    tower = frozen_tower()
    tower.know(known_by(tower))
    tower.model.register_forward_pre_hook(lambda *_: pytest.fail("the transformer was run"))
    tower(IDS, MASK).square().sum().backward()
    assert tower.linear.weight.grad is not None
    assert tower.linear.weight.grad.abs().sum() > 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    BertModel(
        BertConfig(vocab_size=9000, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(path)
    return path


def tables_of(quick_settings: list[str]) -> set[Path]:
    stores = Path(next(text for text in quick_settings if text.startswith("paths.stores=")).split("=")[1])
    return set(stores.glob("*.text/*"))


@pytest.fixture(scope="module")
def others(quick_settings: list[str], tiny_store: Path) -> set[Path]:
    """Tables of the towers of other tests, which use the same store."""
    return tables_of(quick_settings)


@pytest.mark.parametrize(
    "method",
    ["gated_fusion", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ecg_clip", "k_merl", "fg_clep"))],
)
def test_a_run_with_the_table_ends_as_one_without(
    command: Callable[..., int],
    quick_settings: list[str],
    folder: Path,
    others: set[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    settings = [*quick_settings, f"method={method}", "text_encoder=transformer", f"pretrained.name_or_path={folder}"]
    settings += ["text_encoder.trainable_layers=0", "trainer.precision=32-true"]
    settings += ["trainer.max_epochs=1", "optimizer.lr=0"]  # AdamW makes much of small differences: see the step alone
    frames: list[Any] = []
    losses: list[Any] = []
    for name in ("first", "again", "without"):
        if name == "without":
            monkeypatch.setattr(frozen_texts, "know_frozen_texts", lambda *_: None)
        assert command("train", *settings, f"hydra.run.dir={tmp_path / name}") == 0
        frames.append(pl.read_parquet(tmp_path / name / "predictions.parquet").select(pl.selectors.starts_with("prob")))
        losses.append(pl.read_csv(tmp_path / name / "history.csv").select(pl.selectors.contains("loss")))
    (file,) = tables_of(quick_settings) - others  # one for all methods, and nothing half written
    assert load_file(file)["pooled"].shape[1] == 16
    assert frames[0].equals(frames[1])
    first, without = (torch.from_numpy(frame.to_numpy()) for frame in frames[1:])
    torch.testing.assert_close(first, without, atol=1e-6, rtol=0.0)
    first, without = (torch.from_numpy(table.to_numpy()) for table in losses[1:])
    assert first.numel()
    torch.testing.assert_close(first, without, atol=0.0, rtol=1e-5)
