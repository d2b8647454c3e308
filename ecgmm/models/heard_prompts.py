"""Class descriptions in words that training has shown: an embedding that was never trained says nothing.

The vocabulary of a run holds the words of the glossary too, so that "myocardial infarction" has ids although reports
write "inferior infarct". What training has not shown keeps the random embedding that it was born with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ecgmm.models.text_bank import TextBank
from ecgmm.text.findings import stated

MOST_STATEMENTS = 16
"""Most statements in the place of one description, the most frequent of training first."""


@dataclass(frozen=True)
class HeardDescription:
    """What stands for one description of a class.

    Attributes:
        class_name: The class.
        written: The description as it was written.
        unheard: How many of its tokens no report of training holds.
        used: What is read in its place; nothing where another description of the class will do.
    """

    class_name: str
    written: str
    unheard: int
    used: tuple[str, ...]


def heard_descriptions(texts: TextBank) -> list[HeardDescription]:
    """Replace descriptions that hold a token which no report of training holds.

    The rule looks at words alone, never at a label or a waveform. In the place of such a description stand the
    statements of the vocabulary that state the very findings which the description states, by the rule table, wherever
    in the heart. Where none does, the class's other descriptions must do; where none of those is known either, the
    description without its unheard words; where no word is left, the description as it is.
    """
    heard = texts.heard
    if heard is None:
        heard = frozenset(index for text in texts.statements for index in texts.tokeniser.encode_text(text))
    said = {text: {finding.name for finding in stated(text)} for text in texts.statements}
    found = [
        _heard(name, written, heard, texts, said) for name in texts.class_names for written in texts.descriptions(name)
    ]
    known = {one.class_name for one in found if one.used}
    return [one if one.used or one.class_name in known else _shortened(one, heard, texts) for one in found]


def with_heard(texts: TextBank, found: Sequence[HeardDescription]) -> TextBank:
    """The words of a run with the descriptions that were found in place of those that were written."""
    described: dict[str, tuple[str, ...]] = dict.fromkeys(texts.class_names, ())
    for one in found:
        described[one.class_name] += tuple(text for text in one.used if text not in described[one.class_name])
    return replace(texts, described=described)


def _heard(
    name: str, written: str, heard: frozenset[int], texts: TextBank, said: Mapping[str, set[str]]
) -> HeardDescription:
    unheard = sum(index not in heard for index in texts.tokeniser.encode_text(written))
    if not unheard:
        return HeardDescription(name, written, 0, (written,))
    meant = {finding.name for finding in stated(written)}
    alike = [text for text, names in said.items() if meant and names == meant]
    return HeardDescription(name, written, unheard, tuple(alike[:MOST_STATEMENTS]))


def _shortened(one: HeardDescription, heard: frozenset[int], texts: TextBank) -> HeardDescription:
    words = [word for word in one.written.split() if heard.issuperset(texts.tokeniser.encode_text(word))]
    return replace(one, used=(" ".join(words) or one.written,))
