"""Reports that are thinned, contradicted, misspelt, abbreviated or worded otherwise.

Each function takes the statements of a report, the strength and the record's generator, and returns new statements.
"""

import string
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np

from ecgmm.disturbing.inputs import Report
from ecgmm.text.clean import clean_statement
from ecgmm.text.statements import CERTAINTY_WEIGHT, SUPERCLASSES, Finding, findings_of
from ecgmm.text.wording import read_table

Generator = np.random.Generator
_FEWEST_LETTERS = 3  # of a word that is misspelt: shorter ones turn into others
_NORMAL = "normal ecg"


def leave_out(report: Report, share: float, generator: Generator) -> Report:
    """Leave each statement out with a chance; those left out by a smaller one are among those of a larger."""
    draws = generator.random(len(report))
    return [statement for statement, draw in zip(report, draws, strict=True) if draw >= share]


def negate_one(report: Report, share: float, generator: Generator) -> Report:
    """Negate one statement of a finding with a superclass, of a share of the reports."""
    return _one_replaced(report, share, generator, lambda statement, _: f"no evidence of {statement}")


def state_opposite(report: Report, share: float, generator: Generator) -> Report:
    """Put in place of one statement of a finding its opposite: normal for pathological, pathological for normal.

    A pathological opposite is an example of the rule table of a superclass that the report does not state.
    """
    stated = {finding.superclass for statement in report for finding in _asserted(statement)}

    def opposite(statement: str, generator: Generator) -> str:
        if all(finding.superclass == "NORM" for finding in _asserted(statement)):
            choices = [text for name, texts in _examples().items() if name not in stated for text in texts]
            return choices[generator.integers(len(choices))]
        return _NORMAL

    return _one_replaced(report, share, generator, opposite)


def _one_replaced(
    report: Report, share: float, generator: Generator, replaced: Callable[[str, Generator], str]
) -> Report:
    is_hit, place = generator.random() < share, generator.random()
    diagnostic = [index for index, statement in enumerate(report) if _asserted(statement)]
    if not is_hit or not diagnostic:
        return report
    chosen = diagnostic[int(place * len(diagnostic))]
    return [replaced(text, generator) if index == chosen else text for index, text in enumerate(report)]


def _asserted(statement: str) -> list[Finding]:
    """Findings with a superclass that a statement does not deny."""
    return [finding for finding in findings_of(statement) if finding.superclass and not finding.negated]


@cache
def _examples() -> dict[str, list[str]]:
    """Examples of the rule table that state a pathological superclass and no other, by superclass."""
    examples: dict[str, list[str]] = {name: [] for name in SUPERCLASSES if name != "NORM"}
    for row in read_table("statement_rules.csv"):
        text = clean_statement(row["example"])
        found = {finding.superclass for finding in _asserted(text)}
        if row["superclass"] in examples and found == {row["superclass"]}:
            examples[row["superclass"]].append(text)
    return examples


def misspell(report: Report, share: float, generator: Generator) -> Report:
    """Put one error into each word with a chance: a letter is lost, doubled, exchanged with the next, or another."""
    return [" ".join(_misspelt(word, share, generator) for word in statement.split(" ")) for statement in report]


def _misspelt(word: str, share: float, generator: Generator) -> str:
    draw, kind, place, letter = generator.random(), generator.integers(4), generator.random(), generator.integers(26)
    if draw >= share or len(word) < _FEWEST_LETTERS or not word.isalpha():
        return word
    at = int(place * (len(word) - 1))
    head, one, following, tail = word[:at], word[at], word[at + 1], word[at + 2 :]
    return (
        head
        + (following, one + one + following, following + one, string.ascii_lowercase[letter] + following)[kind]
        + tail
    )


def abbreviate(report: Report, share: float, generator: Generator) -> Report:
    """Put the abbreviation in place of each term of ``abbreviations.csv`` with a chance, the longest terms first."""
    return [_abbreviated(statement, share, generator) for statement in report]


def _abbreviated(statement: str, share: float, generator: Generator) -> str:
    padded = f" {statement} "
    for term, short in _abbreviations():
        if f" {term} " in padded and generator.random() < share:
            padded = padded.replace(f" {term} ", f" {short} ")
    return padded.strip()


@cache
def _abbreviations() -> list[tuple[str, str]]:
    lines = files("ecgmm.disturbing").joinpath("abbreviations.csv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [(term, short) for term, short in (line.split(",") for line in lines)]
    return sorted(pairs, key=lambda pair: -len(pair[0].split()))


def keep_summary(report: Report, share: float, generator: Generator) -> Report:
    """Keep the statements that sum the record up, of a share of the reports; the last one where none does."""
    if generator.random() >= share or not report:
        return report
    sums_up = [text for text in report if any(finding.category == "summary" for finding in findings_of(text))]
    return sums_up or report[-1:]


def word_otherwise(report: Report, share: float, generator: Generator) -> Report:
    """Put findings into the words of another cart with a chance: certainty, age, region and name, as the rules know it.

    A statement of which the rule table knows nothing, or which denies, stays as it is.
    """
    draws = generator.random(len(report))
    return [_other_words(text) if draw < share else text for text, draw in zip(report, draws, strict=True)]


_CERTAINTY = {"definite": "", "probable": "likely ", "possible": "suspected ", "cannot_rule_out": "differential: "}
assert set(_CERTAINTY) == set(CERTAINTY_WEIGHT)


@cache
def _other_words(statement: str) -> str:
    findings = findings_of(statement)
    if not findings or any(finding.negated for finding in findings):
        return statement
    return ", ".join(dict.fromkeys(_in_words(finding) for finding in findings))


def _in_words(finding: Finding) -> str:
    region = f" in {finding.region.replace('+', ' and ').replace('_', ' ')} location" if finding.region else ""
    age = f" of {finding.age} age" if finding.age else ""
    return f"{_CERTAINTY[finding.certainty]}{finding.name.replace('_', ' ')}{region}{age}"


def cut_after(report: Report, n_words: float, generator: Generator) -> Report:
    """End the report after so many words."""
    kept, left = [], int(n_words)
    for statement in report:
        words = statement.split(" ")[:left]
        left -= len(words)
        kept += [" ".join(words)] if words else []
    return kept


REPORTS: dict[str, Callable[[Report, float, Generator], Report]] = {
    "statements_left_out": leave_out,
    "statement_negated": negate_one,
    "statement_opposite": state_opposite,
    "typing_errors": misspell,
    "abbreviations": abbreviate,
    "summary_only": keep_summary,
    "other_wording": word_otherwise,
    "cut_after_words": cut_after,
}
