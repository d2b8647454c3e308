"""Reports: what a cart would say about a hidden state, imperfectly.

Two steps, kept apart on purpose. ``perceive`` alone sees the state and decides, with the documented rates, which
findings are taken for true and how firmly. ``write`` sees only that, so a report says nothing else about the truth.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecgmm.data.synthetic import wording
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.second_cart import reworded
from ecgmm.data.synthetic.state import (
    CD,
    CHAMBER,
    CONDUCTION,
    GROUPS,
    HYP,
    MI,
    REGIONS,
    RHYTHM,
    ST_T,
    STTC,
    Floats,
    States,
)

MAX_STATEMENTS = 18
VAGUE_SHARE = 0.3
"""Share of left-out statements that are replaced by an unspecific line instead of nothing."""
WRONG_IS_HEDGED = 0.55
WRONG_RHYTHM = 0.03
MISSED_ECTOPY = 0.2
AXIS_MENTIONED = 0.7
VARIANT_MENTIONED = 0.6
TECHNICAL_SHARE = 0.08
SUMMARY_SHARE, SUMMARY_AT_RANDOM = 0.9, 0.12
"""Share of reports with a closing line, and share of those whose verdict has nothing to do with the lines above it."""
ALL_CAPITALS, FULL_STOP = 0.04, 0.12
"""Share of reports in capitals, and share of rhythm lines that end with a full stop."""
BLANK_COLUMN = 0.12
"""Probability of an empty column before each statement."""
RAPID_BPM, SLOW_BPM = 110, 60
LEFT_AXIS_DEG, RIGHT_AXIS_DEG = -30, 95

_TABLES: dict[int, tuple[dict[str, wording.Wording], dict[str, float], str]] = {
    STTC: (wording.ST_T_WORDING, ST_T, "st_t"),
    CD: (wording.CONDUCTION_WORDING, CONDUCTION, "conduction"),
    HYP: (wording.CHAMBER_WORDING, CHAMBER, "chamber"),
}
"""For each group its wordings, its kinds in order, and the field of ``States`` that holds the kind."""

Firmness = Literal["firm", "hedged", "vague"]
Dialect = Literal["line", "summary", "second"]


@dataclass(frozen=True)
class Perceived:
    """Findings that a cart takes for true about one record.

    Attributes:
        rhythm: Name of the rhythm.
        rate_bpm: Ventricular rate.
        pacs: Premature atrial beats it noticed.
        pvcs: Premature ventricular beats it noticed.
        findings: Statements to make: the wording, the region it speaks of, and how firmly.
        left_axis: Whether to mention a left axis.
        right_axis: Whether to mention a right axis.
        low_voltage: Whether to mention low voltage.
        early_repolarization: Whether to mention early repolarisation.
    """

    rhythm: str
    rate_bpm: float
    pacs: int
    pvcs: int
    findings: tuple[tuple[wording.Wording, str, Firmness], ...]
    left_axis: bool
    right_axis: bool
    low_voltage: bool
    early_repolarization: bool


def sample_reports(
    rng: np.random.Generator, states: States, axis_deg: Floats, dialects: list[Dialect], config: SyntheticConfig
) -> list[list[str]]:
    """Draw the report of every record.

    Args:
        rng: Source of randomness, used record after record.
        states: Hidden states.
        axis_deg: Frontal QRS axis of each record ``[n]``.
        dialects: Dialect of each record's cart ``[n]``.
        config: Rates.

    Returns:
        For each record its 18 report columns; an empty string is an empty column.
    """
    reports = []
    for row, dialect in enumerate(dialects):
        if rng.random() < config.missing_report:
            reports.append([""] * MAX_STATEMENTS)
            continue
        perceived = perceive(rng, states, row, float(axis_deg[row]), config)
        reports.append(_into_columns(rng, write(rng, perceived, dialect)))
    return reports


def perceive(rng: np.random.Generator, states: States, row: int, axis_deg: float, config: SyntheticConfig) -> Perceived:
    """Decide what the cart takes for true about one record; the only place where the report meets the state."""
    rhythm = list(RHYTHM)[states.rhythm[row]]
    if rng.random() < WRONG_RHYTHM:
        rhythm = _pick(rng, tuple(RHYTHM))
    findings: list[tuple[wording.Wording, str, Firmness]] = []
    wrong_group = int(rng.integers(len(GROUPS))) if rng.random() < config.wrong_statement else -1
    for group in range(len(GROUPS)):
        if states.present[row, group]:
            region = list(REGIONS)[(states.region if group == MI else states.st_t_region)[row]]
            firmness = _firmness(rng, config)
            if firmness:
                findings.append((_true_wording(states, row, group), region, firmness))
        elif group == wrong_group:
            hedged: Firmness = "hedged" if rng.random() < WRONG_IS_HEDGED else "firm"
            findings.append((_any_wording(rng, group), _pick(rng, tuple(REGIONS)), hedged))
    return Perceived(
        rhythm=rhythm,
        rate_bpm=float(states.rate_bpm[row]),
        pacs=int(states.pacs[row]) * (rng.random() >= MISSED_ECTOPY),
        pvcs=int(states.pvcs[row]) * (rng.random() >= MISSED_ECTOPY),
        findings=tuple(findings),
        left_axis=axis_deg < LEFT_AXIS_DEG and rng.random() < AXIS_MENTIONED,
        right_axis=axis_deg > RIGHT_AXIS_DEG and rng.random() < AXIS_MENTIONED,
        low_voltage=bool(states.low_voltage[row]) and rng.random() < VARIANT_MENTIONED,
        early_repolarization=bool(states.early_repolarization[row]) and rng.random() < VARIANT_MENTIONED,
    )


def write(rng: np.random.Generator, perceived: Perceived, dialect: Dialect) -> list[str]:
    """Put what was perceived into the lines of a report: rhythm, technical, findings, closing line."""
    body = [_say(rng, *finding) for finding in perceived.findings]
    is_sinus = perceived.rhythm.startswith("sinus")
    in_rhythm_line = [line for line in body if is_sinus and line.endswith(wording.IN_RHYTHM_LINE)]
    lines = [_rhythm_line(rng, perceived, in_rhythm_line)]
    if rng.random() < TECHNICAL_SHARE:
        lines.insert(int(rng.integers(2)), _pick(rng, wording.TECHNICAL_LINES))
    body = [line for line in body if line not in in_rhythm_line]
    extras: tuple[tuple[bool, tuple[str, ...]], ...] = (
        (perceived.left_axis, wording.LEFT_AXIS),
        (perceived.right_axis, wording.RIGHT_AXIS),
        (perceived.low_voltage, wording.LOW_VOLTAGE_LINES),
        (perceived.early_repolarization, wording.EARLY_REPOLARIZATION_LINES),
    )
    body += [_pick(rng, choices) for mentioned, choices in extras if mentioned]
    lines += [body[i] for i in rng.permutation(len(body))]
    if dialect == "second":
        lines = [reworded(line) for line in lines]
    if rng.random() < SUMMARY_SHARE:
        lines.append(_pick(rng, wording.SUMMARIES[dialect][_verdict(rng, perceived)]))
    return [line.upper() for line in lines] if rng.random() < ALL_CAPITALS else lines


def _firmness(rng: np.random.Generator, config: SyntheticConfig) -> Firmness | None:
    if rng.random() < config.omission:
        return "vague" if rng.random() < VAGUE_SHARE else None
    return "hedged" if rng.random() < config.hedge else "firm"


def _true_wording(states: States, row: int, group: int) -> wording.Wording:
    if group == MI:
        return wording.ACUTE_INFARCT if states.acute[row] else wording.OLD_INFARCT
    table, kinds, kind = _TABLES[group]
    return table[list(kinds)[getattr(states, kind)[row]]]


def _any_wording(rng: np.random.Generator, group: int) -> wording.Wording:
    if group == MI:
        return wording.OLD_INFARCT
    kinds = tuple(_TABLES[group][0].values())
    return kinds[rng.integers(len(kinds))]


def _say(rng: np.random.Generator, finding: wording.Wording, region: str, firmness: Firmness) -> str:
    text = _pick(rng, getattr(finding, firmness))
    return text.replace("{R}", region.capitalize()).replace("{r}", region).replace("{U}", region.upper())


def _rhythm_line(rng: np.random.Generator, perceived: Perceived, blocks: list[str]) -> str:
    line = _pick(rng, wording.RHYTHM_LINES[perceived.rhythm])
    if perceived.rhythm in ("atrial_fibrillation", "atrial_flutter"):
        if perceived.rate_bpm > RAPID_BPM:
            line += " " + _pick(rng, wording.RESPONSES["rapid"])
        elif perceived.rate_bpm < SLOW_BPM:
            line += " " + _pick(rng, wording.RESPONSES["slow"])
    for count, beats in ((perceived.pacs, wording.ATRIAL_BEATS), (perceived.pvcs, wording.VENTRICULAR_BEATS)):
        if count:
            line += " with " + _pick(rng, beats["few" if count < 3 else "many"])
    line += "".join(f" with {block[0].lower()}{block[1:]}" for block in blocks)
    return line + "." * (rng.random() < FULL_STOP)


def _verdict(rng: np.random.Generator, perceived: Perceived) -> str:
    if rng.random() < SUMMARY_AT_RANDOM:
        return _pick(rng, ("normal", "borderline", "abnormal"))
    firmness = {how for _, _, how in perceived.findings}
    if "firm" in firmness or perceived.rhythm not in ("sinus", "sinus_bradycardia", "sinus_arrhythmia"):
        return "abnormal"
    minor = perceived.left_axis or perceived.right_axis or perceived.low_voltage or perceived.pvcs
    return "borderline" if firmness or minor else "normal"


def _into_columns(rng: np.random.Generator, lines: list[str]) -> list[str]:
    """Spread lines over the report columns; now and then a column before a line stays empty."""
    columns: list[str] = []
    for line in lines:
        room = MAX_STATEMENTS - len(columns) > len(lines)
        columns += ["", line] if columns and room and rng.random() < BLANK_COLUMN else [line]
    return columns + [""] * (MAX_STATEMENTS - len(columns))


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]
