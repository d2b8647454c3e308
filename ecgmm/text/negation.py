"""Negation in a statement: a small grammar over the findings of one canonical statement.

``negation.csv`` holds the phrases. Each acts within its clause, on the findings before or behind it, over lists. A
negation word that no phrase accounts for leaves its part of the clause undecided: what is not understood is no finding.
The idea of scopes is NegEx's (Chapman et al. 2001, J Biomed Inform 34:301); docs/understand/text.md describes
the kinds.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ecgmm.text.wording import read_table

ASSERTED, UNDECIDED, DENIED = range(3)
"""What a statement says of a finding that it mentions; where several phrases act, the largest counts."""


class Named(NamedTuple):
    """A finding mentioned in a statement.

    Attributes:
        start: First character.
        stop: Behind its last character.
        stands_alone: A summary or sinus rhythm, which no list of denied findings goes on with ("no LVH, normal ECG").
        whole: Whether negation words inside the mention are part of its name ("T waves are negative").
        gapped: Whether any words may stand inside the mention: a denial among them is one of the finding.
    """

    start: int
    stop: int
    stands_alone: bool
    whole: bool
    gapped: bool


class _Phrase(NamedTuple):
    kind: str
    start: int
    stop: int


def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    rows = [(row["kind"], row["pattern"]) for row in read_table("negation.csv")]
    parts = {kind.removeprefix("define "): pattern for kind, pattern in rows if kind.startswith("define ")}
    patterns = []
    for kind, pattern in rows:
        for name, part in parts.items():
            pattern = pattern.replace(f"{{{name}}}", part)
        if not kind.startswith("define "):
            patterns.append((kind, re.compile(pattern)))
    return patterns


_PATTERNS = _patterns()
_OR = re.compile(r"\b(?:or|nor|oder|noch)\b|/")
_AND = re.compile(r"\b(?:and|und|sowie)\b|[+&]")
_WITH = re.compile(
    r"(?<!consistent )(?<!compatible )(?<!keeping )(?<!compared )(?<!associated )\b(?:with|showing|mit)\b"
    r"(?! (?:secondary|repolarization|st-t|strain|(?:posterior|lateral|inferior) extension))"
)
_TO = re.compile(r" (?:back )?(?:in)?to (?:an? |normal )*")
_COMPLEMENT = re.compile(
    r" ?\(?(?:pattern|changes?|findings?|criteria|features?|signs?|evidence|waves?)?,? ?"
    r"(?:\b(?:of|for|to|suggest\w*|indicat\w*|consistent with|compatible with|in keeping with|typical|characteristic|"
    r"diagnostic|due|related|secondary|caused by|attributable|acute|old|recent|any|an?|the|definite|significant)\b ?)*"
)
_AFRESH = re.compile(
    r"\b(?:possibl[ey]|probabl[ey]|likely|consider|suspect|cannot|known|there (?:is|are)|this|these|also|minor|slight"
    r"|mild|marked|borderline|nonspecific|frequent|occasional|old|new|persistent|persisting|unchanged|continued)\b[^,]*$"
)
_OWN_VERB = re.compile(r"[^,.]{0,25}?\b(?:is|was|has|persists?|remains?|continues?)\b")
_AS_SHORT_AS = 2  # words that speak of what was said before: "infarct, very doubtful"
_MEANS_IT = re.compile(r"\W*(?:(?:which|that|this|it|these|and|now|is|are|was|were|has|have|been|but) ?)*")


def readings(text: str, named: Sequence[Named], hedges: Sequence[tuple[int, int]]) -> list[int]:
    """Whether each finding is asserted, denied or left undecided.

    Args:
        text: A canonical statement.
        named: Its findings in order of mention.
        hedges: Where words of certainty stand ("cannot rule out"): negation words in them deny nothing.
    """
    strongest = [ASSERTED] * len(named)
    phrases = _phrases(text, named, hedges)
    start = 0
    for edge in [phrase for phrase in phrases if phrase.kind in ("boundary", "replaced")] + [_end(text)]:
        clause = [phrase for phrase in phrases if start <= phrase.start < edge.start]
        if edge.kind == "replaced":
            clause.append(edge)
        inside = [index for index, name in enumerate(named) if start <= name.start < edge.start]
        for index, reading in _read_clause(text, named, inside, clause):
            strongest[index] = max(strongest[index], reading)
        start = edge.stop
    return strongest


def _end(text: str) -> _Phrase:
    return _Phrase("boundary", len(text) + 1, len(text) + 1)


def _phrases(text: str, named: Sequence[Named], hedges: Sequence[tuple[int, int]]) -> list[_Phrase]:
    """Phrases in order of mention; of overlapping ones the longest, and none inside the name of a finding."""
    every = [_Phrase("neutral", *span) for span in hedges]
    every += [_Phrase(kind, *match.span()) for kind, pattern in _PATTERNS for match in pattern.finditer(text)]
    names = [(name.start, name.stop) for name in named if name.whole]
    kept: list[_Phrase] = []
    for phrase in sorted(every, key=lambda phrase: (phrase.start - phrase.stop, phrase.kind == "unknown")):
        inside = any(start <= phrase.start and phrase.stop <= stop for start, stop in names)
        if not inside and not any(phrase.start < other.stop and other.start < phrase.stop for other in kept):
            kept.append(phrase)
    return sorted((phrase for phrase in kept if phrase.kind != "neutral"), key=lambda phrase: phrase.start)


def _read_clause(
    text: str, named: Sequence[Named], inside: Sequence[int], clause: Sequence[_Phrase]
) -> Iterator[tuple[int, int]]:
    """Readings of the findings of a clause that its phrases act on."""
    for place, phrase in enumerate(clause):
        last = next((p.start for p in clause[place + 1 :] if p.kind in ("before", "either", "next")), len(text))
        first = next((p.stop for p in clause[:place][::-1] if p.kind != "hypothetical"), 0)
        behind = [index for index in inside if phrase.start <= named[index].start < last]
        ahead = [index for index in inside if named[index].start < phrase.start and named[index].stop > first][::-1]
        kind = phrase.kind
        around = [i for i in inside if named[i].gapped and named[i].start < phrase.start < named[i].stop]
        yield from ((index, UNDECIDED if kind in ("unknown", "hypothetical") else DENIED) for index in around)
        if kind == "either":
            kind = "before" if behind and not _parted(text[phrase.stop : named[behind[0]].start]) else "after"
        if kind in ("before", "next"):
            yield from _forward(text, named, behind, phrase, kind == "next")
        elif kind in ("after", "previous", "replaced"):
            yield from _backward(text, named, ahead, phrase, kind == "previous")
        elif kind in ("unknown", "hypothetical"):
            yield from (
                (i, UNDECIDED) for i in _of_part(text, named, inside, phrase) if kind == "unknown" or i in behind
            )


def _forward(
    text: str, named: Sequence[Named], behind: Sequence[int], phrase: _Phrase, one_only: bool
) -> Iterator[tuple[int, int]]:
    reading, stop, first = DENIED, phrase.stop, True
    for number, index in enumerate(behind):
        name, gap = named[index], text[stop : named[index].start]
        if name.start >= stop:
            link, first = _link(gap, text, name, first), False
            listed = link == "comma" and any(
                _OR.search(text[named[i].stop : named[j].start]) or _AND.search(text[named[i].stop : named[j].start])
                for i, j in zip(behind[number:], behind[number + 1 :], strict=False)
            )
            if link == "afresh" or (one_only and link == "loose"):
                return
            if link in ("comma", "loose") and not listed:
                reading = UNDECIDED
        yield index, reading
        stop = max(stop, name.stop)


def _link(gap: str, text: str, name: Named, first: bool) -> str:
    """How a finding goes on with what is denied before it: "list", "comma", "loose" or "afresh"."""
    if _WITH.search(gap) or _TO.fullmatch(gap):
        return "afresh"
    if _OR.search(gap):
        return "list"
    comma, conjoined = "," in gap, bool(_AND.search(gap))
    if (comma or conjoined or not first) and (
        name.stands_alone or _AFRESH.search(gap) or _OWN_VERB.match(text, name.stop)
    ):
        return "afresh"
    if conjoined:
        return "list"
    if comma:
        return "comma"
    return "list" if first or (gap.strip() and _COMPLEMENT.fullmatch(gap)) else "loose"


def _parted(gap: str) -> bool:
    return "," in gap or bool(_WITH.search(gap))


def _backward(
    text: str, named: Sequence[Named], ahead: Sequence[int], phrase: _Phrase, one_only: bool
) -> Iterator[tuple[int, int]]:
    """What stands before "is absent": the nearest finding, and the list that it ends."""
    reading, start, conjoined = DENIED, phrase.start, False
    finite = re.match(r"\W*(?:is|are|was|were|has|have|had)\b", text[phrase.start : phrase.stop]) is not None
    for number, index in enumerate(ahead):
        name, gap = named[index], text[named[index].stop : start]
        if name.stop <= start:
            joint = bool(_OR.search(gap) or _AND.search(gap))
            conjoined |= joint
            if number == 0:
                if "," in gap and not _MEANS_IT.fullmatch(gap):
                    return
            elif _WITH.search(gap):
                if not finite:
                    return
            elif not joint and "," in gap:
                if not conjoined:
                    return
            elif not joint:
                if one_only:
                    return
                reading = UNDECIDED
        yield index, reading
        start = min(start, name.start)


def _of_part(text: str, named: Sequence[Named], inside: Sequence[int], phrase: _Phrase) -> list[int]:
    """Findings of a clause that stand with a phrase between the same commas; before it, if it stands there alone."""
    start, stop = text.rfind(",", 0, phrase.start), text.find(",", phrase.stop)
    part = text[start + 1 : stop if stop >= 0 else len(text)]
    own = [index for index in inside if start < named[index].start < start + 1 + len(part)]
    if own or len(part.split()) > _AS_SHORT_AS:
        return own
    return [index for index in inside if named[index].start < start]
