"""Tiny models and tokenisers in the layout of the ``transformers`` library, made by code in a local folder."""

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_WORDS = ("sinus", "rhythm", "normal", "ecg", "atrial", "left", "right", "block", "infarct", "old", "the", "of", "is")


def save_tokeniser(folder: Path) -> int:
    """Write a tokeniser of single letters and a few words; returns the number of its tokens."""
    letters = string.ascii_letters + string.digits + string.punctuation
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters), *_WORDS]
    tokeniser = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokeniser.normalizer, tokeniser.pre_tokenizer = normalizers.NFC(), pre_tokenizers.BertPreTokenizer()
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), _SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, **names).save_pretrained(folder)
    return len(pieces)


def save_bert(folder: Path) -> Path:
    """Write a text encoder of two layers with its tokeniser."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=save_tokeniser(folder), **sizes)).save_pretrained(folder)
    return folder


def save_gpt2(folder: Path) -> Path:
    """Write a causal language model of two layers with its tokeniser."""
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=save_tokeniser(folder), n_embd=16, n_layer=2, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder
