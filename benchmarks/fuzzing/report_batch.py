"""Mutated reports: cleaning and the rule table read any text in time that grows with its length, and a denial is none.

The statements are our own wording, so that the cases are the same wherever they run.
"""

import time
from collections.abc import Callable
from pathlib import Path

from numpy.random import Generator

from benchmarks.fuzzing.file_mutations import pick
from benchmarks.fuzzing.values import CELL_TEXTS
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict
from ecgmm.text.clean import clean_report, split_report
from ecgmm.text.policy import apply_policy
from ecgmm.text.statements import findings_of, superclasses

PATIENCE_S = 5.0
"""A report of 100,000 letters takes some 0.05 s; with the square of its length it would take minutes."""
# fmt: off
SAID = (
    "atrial fibrillation", "left bundle branch block", "right bundle branch block", "left ventricular hypertrophy",
    "inferior infarct", "anterior infarct", "first degree av block", "lateral ischemia", "st depression",
    "right ventricular hypertrophy", "left anterior fascicular block", "acute myocardial infarction",
    "t wave inversion", "complete heart block", "left atrial enlargement", "septal infarct",
)
DENIALS = (
    "no {}", "{} not present", "{} is not present", "{} absent", "{} is absent", "without {}", "no evidence of {}",
    "no evidence for {}", "absence of {}", "negative for {}", "not consistent with {}", "{} not seen",
    "{} is not seen", "{} not identified", "criteria for {} not met", "criteria for {} are not met", "{} ruled out",
    "{} has resolved", "{} is no longer present", "{} no longer seen", "neither {} nor {}", "no {} or {}",
    "no {}, {} or {}", "{} replaced by sinus rhythm", "{} has been replaced by sinus rhythm", "there is no {}",
    "no signs of {}", "does not show {}", "{} excluded", "no {}; otherwise normal", "sinus rhythm without {}",
)
RUNS = (
    " ", "\t", "\n", "\r\n", ",", ";", ".", "-", "no ", "a", "1", "1.", "(", "[", "dr. ", "not ", "\u2028", "and ",
    "if ", "é", ", no ", "st ", "\0", "ab12", "x-", "'", '"', ":", "12:", "/", "a b ", "nor ",
)
FILLERS = ("", " ", "  ", ".", " .", ";", "\n", "\t", " - ", "...", "**")
# fmt: on


def _noise(random: Generator) -> str:
    """Runs of few kinds of letters, which a pattern that tries every split of them takes for ever on."""
    parts = [str(pick(RUNS, random)) * int(random.integers(1, 30_000)) for _ in range(int(random.integers(1, 5)))]
    return str(pick(SAID, random)).join(parts)[:100_000]


def _letters(random: Generator) -> str:
    """Any code points, and the odd cells of tables."""
    points = random.integers(0, 0x11000, size=int(random.integers(1, 3000)))
    odd = str(pick(CELL_TEXTS, random))
    return odd + "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000) + odd


def _denial(random: Generator) -> str:
    template = str(pick(DENIALS, random))
    said = [str(name) for name in random.choice(SAID, template.count("{}"), replace=False)]
    return _dressed(template.format(*said), random)


def _affirmation(random: Generator) -> str:
    return _dressed(str(pick(SAID, random)), random)


def _dressed(statement: str, random: Generator) -> str:
    """The statement in another case, and with blanks and stops around it."""
    case: Callable[[str], str] = pick((str, str.upper, str.capitalize, str.title), random)
    return f"{pick(FILLERS, random)}{case(statement)}{pick(FILLERS, random)}"


REPORTS = {"noise": _noise, "letters": _letters, "denial": _denial, "affirmation": _affirmation}
KINDS = {f"report.{name}": make for name, make in REPORTS.items()}


def judge(cases: list[Case], folder: Path) -> list[Verdict]:
    """Read one report for each case, and judge what was read.

    Args:
        cases: Of kinds in ``KINDS``.
        folder: Not used.

    Returns:
        A verdict on each case, in order.
    """
    return [Verdict(case, *_judge(case.kind, KINDS[case.kind](case.generator())), False) for case in cases]


def _judge(kind: str, text: str) -> tuple[Outcome, str]:
    started = time.perf_counter()
    statements = clean_report(split_report(text))
    found = superclasses(statements) or {}
    seconds = time.perf_counter() - started
    if seconds > PATIENCE_S:
        return Outcome.FAILED, f"{len(text)} letters took {seconds:.0f} s"
    if clean_report(statements) != statements:
        return Outcome.FAILED, "cleaned twice, it is another report"
    asserted = {name for name, weight in found.items() if weight > 0 and name != "NORM"}
    if kind == "report.denial" and asserted:
        return Outcome.FAILED, f"a denial reads as {', '.join(sorted(asserted))}"
    if kind == "report.denial" and apply_policy([statements], "masked", ("superclass", "rhythm", "pacing")) != [[]]:
        return Outcome.FAILED, "what a denial speaks of is not masked"
    if kind == "report.affirmation" and not any(map(findings_of, statements)):
        return Outcome.FAILED, "what was said is not read"
    return Outcome.AS_WRITTEN, ""
