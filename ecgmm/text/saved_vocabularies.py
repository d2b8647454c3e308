"""Tokenisers and statements that were saved with a model, which may come from others: data, of a known form.

A tokenizer of the library runs what its file describes, regular expressions included, which can take for ever. So the
word tokeniser is built anew from its vocabulary, and of another one every expression must be a known one.
"""

import json
from typing import Any

import tokenizers

from ecgmm.text.tokenise import SPECIAL_TOKENS, StatementVocabulary, TransformerTokeniser, WordTokeniser

MOST_WORDS = 1_000_000
_LONGEST_WORD = 20_000
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# Of tokenizers on the hub: GPT-4 and Llama 3, Qwen 2, and the blanks of DeBERTa and XLM-RoBERTa.
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
KNOWN_EXPRESSIONS = frozenset({_WORDS + r"|\p{N}{1,3}" + _REST, _WORDS + r"|\p{N}" + _REST, " {2,}"})


def word_tokeniser_from(content: bytes) -> WordTokeniser:
    """The word tokeniser with the vocabulary of a ``tokenizer.json``.

    Raises:
        ValueError: If it holds none.
    """
    model = _object(json.loads(content)).get("model")
    words = _object(model).get("vocab")
    ids = _object(words)
    whole = all(type(number) is int for number in ids.values())
    if not whole or sorted(ids.values()) != list(range(len(ids))) or len(ids) > MOST_WORDS:
        raise ValueError("its ids do not number its words")
    if [ids.get(name) for name in SPECIAL_TOKENS] != list(range(len(SPECIAL_TOKENS))):
        raise ValueError("its special tokens are others")
    return WordTokeniser.of_words(sorted(ids, key=lambda word: ids[word]))


def transformer_tokeniser_from(content: bytes, settings: bytes) -> TransformerTokeniser:
    """The tokenizer of the ``transformers`` library in a ``tokenizer.json``, with the specials of its settings.

    Args:
        content: ``tokenizer.json``.
        settings: ``tokenizer_config.json``, of which special tokens are read and nothing else.

    Raises:
        ValueError: If they hold none, or a regular expression that is not known.
    """
    from transformers import PreTrainedTokenizerFast  # heavy import, needed only here

    _check_expressions(_object(json.loads(content)))
    fields = _object(json.loads(settings))
    specials = {name: _text_of(fields[name]) for name in _SPECIAL if fields.get(name) is not None}
    try:
        tokeniser = tokenizers.Tokenizer.from_str(content.decode())
    except Exception as error:  # the library raises the bare class
        raise ValueError(str(error)) from None
    return TransformerTokeniser.of(PreTrainedTokenizerFast(tokenizer_object=tokeniser, **specials))


def statements_from(content: bytes) -> StatementVocabulary:
    """The vocabulary in a ``statements.json``.

    Raises:
        ValueError: If it holds none.
    """
    statements = json.loads(content)
    if (
        not isinstance(statements, list)
        or len(set(map(str, statements))) < len(statements)
        or len(statements) > MOST_WORDS
    ):
        raise ValueError("it is no list of different statements")
    return StatementVocabulary([_text_of(statement) for statement in statements])


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object is missing in it")
    return value


def _text_of(value: Any) -> str:
    text = value.get("content") if isinstance(value, dict) else value
    if not isinstance(text, str) or len(text) > _LONGEST_WORD:
        raise ValueError("a text is missing in it")
    return text


def _check_expressions(value: Any) -> None:
    if isinstance(value, dict):
        if "Regex" in value and value["Regex"] not in KNOWN_EXPRESSIONS:
            raise ValueError("it holds a regular expression that is not known")
        for part in value.values():
            _check_expressions(part)
    elif isinstance(value, list):
        for part in value:
            _check_expressions(part)
