"""Transformers around tiny models that are built and saved here."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import BertConfig, BertModel, DistilBertConfig, GPT2Config, PretrainedConfig, T5Config

from ecgmm.errors import ConfigError
from ecgmm.models.text_encoders.transformer import Transformer

N_WORDS = 30
BERT = BertConfig(vocab_size=N_WORDS, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 9, 3, 0, 0], [0, 0, 0, 0, 0]])
MASK = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 5])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    BertModel(BERT).save_pretrained(path)
    return str(path)


def encoder_of(folder: str, trainable_layers: int | None = None) -> Transformer:
    return Transformer(folder, vocabulary_size=N_WORDS, dim=8, trainable_layers=trainable_layers, dropout=0.1)


def test_loads_the_saved_weights_from_a_folder_without_the_pooler(folder: str) -> None:
    encoder = encoder_of(folder).eval()
    assert not [name for name, _ in encoder.named_parameters() if "pooler" in name]
    saved = BertModel.from_pretrained(folder).eval()
    expected = saved(input_ids=IDS[:1], attention_mask=MASK[:1].long()).last_hidden_state.mean(dim=1)
    torch.testing.assert_close(encoder(IDS[:1], MASK[:1]), encoder.linear(expected))


def test_empty_report_is_exactly_zero_and_every_gradient_is_finite(folder: str) -> None:
    encoder = encoder_of(folder)
    embedding = encoder(IDS, MASK)
    assert torch.equal(embedding[2], torch.zeros(8))
    assert embedding[:2].abs().sum() > 0
    embedding.square().sum().backward()
    missing = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert missing == []


def test_attention_is_never_asked_to_look_at_nothing(folder: str) -> None:
    encoder, masks = encoder_of(folder), []
    encoder.model.register_forward_pre_hook(
        lambda _, args, kwargs: masks.append(kwargs["attention_mask"]), with_kwargs=True
    )
    encoder(IDS, MASK)
    assert torch.equal(masks[0].bool(), torch.cat([MASK[:2], torch.ones(1, 5, dtype=torch.bool)]))


def padded(ids: Tensor, n: int) -> Tensor:
    return torch.nn.functional.pad(ids, (0, n))


def test_padding_changes_nothing(folder: str) -> None:
    encoder = encoder_of(folder).eval()
    torch.testing.assert_close(encoder(padded(IDS, 7), padded(MASK, 7)), encoder(IDS, MASK))


def test_frozen_model_keeps_its_weights_and_its_dropout_off(folder: str) -> None:
    encoder = encoder_of(folder, trainable_layers=0).train()
    assert not encoder.model.training
    assert [name for name, p in encoder.named_parameters() if p.requires_grad] == ["linear.weight", "linear.bias"]
    assert torch.equal(encoder.token_states(IDS, MASK), encoder.token_states(IDS, MASK))
    encoder(IDS, MASK).sum().backward()
    assert encoder.linear.weight.grad is not None
    assert all(p.grad is None for p in encoder.model.parameters())


@pytest.mark.parametrize("n", [1, 2])
def test_the_last_layers_learn_and_no_others(folder: str, n: int) -> None:
    encoder = encoder_of(folder, trainable_layers=n).train()
    layers = encoder.model.encoder.layer
    assert [layer.training for layer in layers] == [False] * (2 - n) + [True] * n
    assert not encoder.model.embeddings.training
    encoder(IDS, MASK).square().sum().backward()
    learnt = {name for name, p in encoder.model.named_parameters() if p.grad is not None}
    expected = {
        f"encoder.layer.{index}.{name}" for index in range(2 - n, 2) for name, _ in layers[index].named_parameters()
    }
    assert learnt == expected == {name for name, p in encoder.model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("n", [-1, 3])
def test_more_layers_than_there_are_is_refused(folder: str, n: int) -> None:
    with pytest.raises(ConfigError, match=rf"text_encoder.trainable_layers is {n}; this model has 2 layers"):
        encoder_of(folder, trainable_layers=n)


def test_words_that_learn_get_their_gradient_through_a_frozen_transformer(folder: str) -> None:
    encoder = encoder_of(folder, trainable_layers=0)
    words = encoder.embed(IDS).detach().requires_grad_()
    encoder.encode(words, MASK).square().sum().backward()
    assert words.grad is not None
    assert words.grad[:2][MASK[:2]].abs().amin(dim=-1).gt(0).any()
    assert not words.grad[~MASK].any()
    assert all(p.grad is None for p in encoder.model.parameters())


def test_words_of_the_vocabulary_and_its_ids_are_the_same(folder: str) -> None:
    encoder = encoder_of(folder).eval()
    assert torch.equal(encoder.encode(encoder.embed(IDS), MASK), encoder(IDS, MASK))
    assert torch.equal(encoder.summarise(encoder.token_states(IDS, MASK), MASK), encoder(IDS, MASK))


@pytest.mark.parametrize(
    "config",
    [
        BERT,
        DistilBertConfig(vocab_size=N_WORDS, dim=16, n_layers=1, n_heads=2, hidden_dim=32),
        GPT2Config(vocab_size=N_WORDS, n_embd=16, n_layer=1, n_head=2),
        T5Config(vocab_size=N_WORDS, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2),
    ],
    ids=lambda config: str(config.model_type),
)
def test_fresh_model_of_any_family(config: PretrainedConfig) -> None:
    encoder = Transformer(
        None, vocabulary_size=N_WORDS, dim=8, trainable_layers=None, dropout=0.1, config=config
    ).eval()
    embedding = encoder(IDS, MASK)
    assert embedding.shape == (3, 8)
    assert torch.equal(embedding[2], torch.zeros(8))
    torch.testing.assert_close(encoder(padded(IDS, 4), padded(MASK, 4)), embedding)


def test_tokeniser_that_does_not_belong_to_the_model_is_refused(folder: str) -> None:
    with pytest.raises(ConfigError, match="knows 30 tokens but the tokeniser gives out 31"):
        Transformer(folder, vocabulary_size=N_WORDS + 1, dim=8, trainable_layers=None, dropout=0.1)


def test_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        encoder_of(str(tmp_path))
