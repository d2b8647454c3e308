"""Learned prompts: where the learned vectors stand, and that they learn through a text tower that does not."""

from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers
import torch
from tokenizers import models, pre_tokenizers
from torch import Tensor
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from ecgmm.models.prompt_context import LearnedPrompts
from ecgmm.models.text_bank import TextBank
from ecgmm.models.text_encoders.attention_pooling import AttentionPooling
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.text.glossary import class_descriptions
from ecgmm.text.tokenise import TransformerTokeniser
from tests.models.building import CLASSES, TEXTS, TOKENISER

N_CONTEXT, WIDTH = 3, 16
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", "normal", "ecg", "infarction", "block")


class Seen(AttentionPooling):
    """Keeps what it is asked to encode."""

    words: Tensor
    mask: Tensor

    def encode(self, words: Tensor, token_mask: Tensor) -> Tensor:
        self.words, self.mask = words, token_mask
        return super().encode(words, token_mask)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a tiny BERT and its tokenizer."""
    folder: Path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    tokeniser = tokenizers.Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokeniser.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, **special).save_pretrained(folder)
    return str(folder)


def learned(texts: TextBank) -> LearnedPrompts:
    torch.manual_seed(0)
    prompts = LearnedPrompts(N_CONTEXT, WIDTH)
    prompts.bind(texts)
    return prompts


def test_context_stands_before_the_words_of_every_description() -> None:
    prompts, encoder = learned(TEXTS), Seen(TOKENISER.vocabulary_size, WIDTH, dropout=0.0).eval()
    classes = prompts(encoder)
    assert classes.shape == (len(CLASSES), WIDTH)
    torch.testing.assert_close(classes.norm(dim=1), torch.ones(len(CLASSES)))
    written = [text for name in CLASSES for text in class_descriptions(name)]
    assert len(encoder.words) == len(written)
    for words, mask, text in zip(encoder.words, encoder.mask, written, strict=True):
        ids = torch.tensor(TOKENISER.encode_text(text))
        assert torch.equal(words[mask], torch.cat([prompts.context, encoder.embedding(ids)]))


def test_context_stands_behind_the_token_that_the_tokeniser_begins_with(bert: str) -> None:
    prompts = learned(replace(TEXTS, tokeniser=TransformerTokeniser(bert)))
    encoder = Seen(len(WORDS), WIDTH, dropout=0.0).eval()
    prompts(encoder)
    ids = torch.tensor([[WORDS.index("[CLS]"), WORDS.index("normal"), WORDS.index("ecg"), WORDS.index("[SEP]")]])
    cls, *description = encoder.embedding(ids)[0]
    expected = torch.stack([cls, *prompts.context, *description])  # "normal ecg" is the first description of NORM
    assert torch.equal(encoder.words[0][encoder.mask[0]], expected)


def test_context_learns_through_a_frozen_text_tower_and_the_tower_does_not(bert: str) -> None:
    prompts = learned(replace(TEXTS, tokeniser=TransformerTokeniser(bert)))
    tower = Transformer(bert, vocabulary_size=len(WORDS), dim=8, trainable_layers=0, dropout=0.1).train()
    classes = prompts(tower)
    (classes[0] @ torch.randn(8)).backward()
    assert prompts.context.grad is not None
    assert prompts.context.grad.any(dim=1).all()
    assert all(parameter.grad is None for parameter in tower.model.parameters())
    assert tower.linear.weight.grad is not None
