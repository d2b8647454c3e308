"""The leaderboard of the site: all result files of one data set in one view, with ranks as the intervals allow.

A result file is a column here by one line of ``COLUMNS``, and the rows of a view by one line of ``ROWS``. A file that
is not in ``docs/results/data`` yet has no column; one that is there and lacks what its line says stops the building.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

TEST, FRESH, PTB_XL = "synthetic_test", "synthetic_fresh", "ptb_xl"
Read = Callable[[str], list[list[str]] | None]
"""From the name of a result file to its rows, the header first; None where there is no such file."""


class Rows(NamedTuple):
    """Where the rows of a view are from; of several lines of a view the first whose file is there counts.

    Attributes:
        view: Name of the view.
        file: Name of the result file, without ``.csv``.
        auroc: Column, or first cell of the line where methods are columns, that holds the macro AUROC.
        interval: Column with its 95 % interval; empty where the file has none, and the view no ranks then.
        inputs: Column with the inputs at test; empty where the file has none.
        report: Column with the AUROC of the readout of both towers, whose rows are ``... + report``; empty for none.
    """

    view: str
    file: str
    auroc: str
    interval: str = ""
    inputs: str = ""
    report: str = ""


class Column(NamedTuple):
    """One column beside AUROC.

    Attributes:
        view: Name of the view.
        header: Above it.
        file: Name of the result file, without ``.csv``; its first column, or its header, names the methods.
        value: Column with the values, or first cell of the line where methods are columns.
        where: Beginning of what other columns of a line say, by their name, where a method has several lines.
        variant: Words behind the method's name; empty takes the line with the fewest.
    """

    view: str
    header: str
    file: str
    value: str
    where: Mapping[str, str] = {}
    variant: str = ""


_INTERVAL, _INPUTS = "95 %", "inputs at test"
ROWS = (
    Rows(TEST, "table2_tuned", "AUROC ± sd over seeds", _INTERVAL, _INPUTS),
    Rows(TEST, "table2", "AUROC ± sd over seeds", _INTERVAL, _INPUTS),
    Rows(FRESH, "table2_tuned_fresh", "AUROC ± sd over seeds", _INTERVAL, _INPUTS),
    Rows(FRESH, "robustness", "as it is"),
    Rows(PTB_XL, "ptb_xl", "macro AUROC (95 %)", "macro AUROC (95 %)", _INPUTS, "`+ report`"),
)
_BY_WORDS = {"Read by": "descriptions in words of training"}
_MI_CD_BY_WORDS = {"Classes": "MI, CD", **_BY_WORDS}
_OWN_OF_100 = {"From → to": "waveform → report", "Right is": "own report", "Among": "100"}
COLUMNS = (
    Column(TEST, "s/epoch", "table2_cost", "s/epoch"),
    Column(TEST, "parameters", "table2_cost", "parameters"),
    Column(TEST, "lead II alone", "leads", "II"),
    Column(TEST, "I and II alone", "leads", "I II"),
    Column(TEST, "lead II alone, masked in training", "leads", "II", variant="lead_dropout=0.9"),
    Column(TEST, "zero-shot", "two_stages", "zero-shot"),
    Column(TEST, "linear probe", "two_stages", "linear probe"),
    Column(TEST, "zero-shot, MI and CD unseen", "zero_shot_unseen", "AUROC", _MI_CD_BY_WORDS),
    Column(TEST, "ECG to report, R@10 of 100 (chance)", "retrieval", "R@10 (chance)", _OWN_OF_100),
    Column(TEST, "findings written, F1", "written_reports", "F1"),
    Column(FRESH, "zero-shot, MI and CD unseen", "zero_shot_unseen_fresh", "AUROC", _MI_CD_BY_WORDS),
    Column(FRESH, "ECG to report, R@10 of 100 (chance)", "retrieval_fresh", "R@10 (chance)", _OWN_OF_100),
    Column(FRESH, "every report foreign", "robustness", "`foreign_report`, all"),
    Column(FRESH, "no report", "robustness", "`report_missing`, all"),
    Column(FRESH, "lead II alone", "robustness", "`only_lead_ii`, throughout"),
    Column(FRESH, "six leads lost", "robustness", "`random_leads_lost`, six"),
    Column(FRESH, "drift, 0.5 mV", "robustness", "`drift`, 0.5 mV"),
    Column(PTB_XL, "lead II alone", "leads_ptb_xl", "II"),
    Column(PTB_XL, "I and II alone", "leads_ptb_xl", "I II"),
    Column(PTB_XL, "zero-shot, rhythm", "zero_shot_ptb_xl_rhythm", "AUROC", _BY_WORDS),
    Column(PTB_XL, "ECG to report, R@10 of 100 (chance)", "retrieval_ptb_xl", "R@10 (chance)", _OWN_OF_100),
    Column(PTB_XL, "findings written, F1", "written_reports_ptb_xl", "F1"),
    Column(PTB_XL, "every report foreign", "robustness_ptb_xl", "`foreign_report`, all"),
    Column(PTB_XL, "no report", "robustness_ptb_xl", "`report_missing`, all"),
)


class Placed(NamedTuple):
    """One row of a view.

    Attributes:
        label: As its file has it.
        auroc: The cell, and its number.
        value: The number.
        low: Lower bound of the 95 % interval; None where there is none.
        high: Upper bound.
        inputs: Inputs at test.
    """

    label: str
    auroc: str
    value: float
    low: float | None
    high: float | None
    inputs: str = ""


def leaderboard(view: str, read: Read) -> str:
    """Markdown table of a view, best first, with the sentence on what would change the order."""
    source = next((one for one in ROWS if one.view == view and read(one.file) is not None), None)
    if source is None:
        return "Not measured yet."
    placed = sorted(rows_of(source, read), key=lambda row: -row.value)
    ranked = source.interval != ""
    head = (["rank"] if ranked else []) + ["row", *(["inputs at test"] if source.inputs else []), "AUROC"]
    head += ["95 %"] if ranked and source.interval != source.auroc else []
    lines = []
    for row in placed:
        line = [rank_range(row, placed)] if ranked else []
        line += [row.label, *([row.inputs] if source.inputs else []), row.auroc]
        lines.append(line + ([f"{row.low:.3f}–{row.high:.3f}"] if "95 %" in head else []))
    for column in (one for one in COLUMNS if one.view == view and read(one.file) is not None):
        cells = cells_of(column, [row.label for row in placed], read)
        if any(cells):
            head.append(column.header)
            lines = [[*line, cell or "–"] for line, cell in zip(lines, cells, strict=True)]
    table = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)]
    files = dict.fromkeys([source.file, *(one.file for one in COLUMNS if one.view == view and read(one.file))])
    from_files = f"<small>From {', '.join(f'`{name}.csv`' for name in files)}.</small>"
    return "\n\n".join(["\n".join(table), what_would_change(placed) if ranked else NO_RANKS, from_files])


NO_RANKS = "These numbers have no intervals, so nobody is ranked: the order is that of the means alone."


def rows_of(source: Rows, read: Read) -> list[Placed]:
    """The rows of a view, readouts of both towers after their methods."""
    head, *lines = _read(source.file, read)
    if source.auroc not in head:  # methods are columns
        by_method = cells_of(Column(source.view, "", source.file, source.auroc), head[1:], read)
        pairs = zip(head[1:], by_method, strict=True)
        return [Placed(name, cell, number(cell), None, None) for name, cell in pairs if name.startswith("`")]
    placed = []
    for line in lines:
        cell = dict(zip(head, line, strict=True))
        for name, suffix in ((source.auroc, ""), (source.report, " + report")):
            if name and cell[name]:
                low, high = bounds(cell[source.interval] if name == source.auroc else cell[name])
                inputs = "ECG + text" if suffix else cell.get(source.inputs, "")
                placed.append(Placed(line[0] + suffix, plain(cell[name]), number(cell[name]), low, high, inputs))
    return placed


def cells_of(column: Column, labels: Sequence[str], read: Read) -> list[str]:
    """A column's cell for each row of a view; empty where its file has none for it.

    Raises:
        ValueError: If the file does not hold what the column says.
    """
    head, *lines = _read(column.file, read)
    if column.value in head:
        chosen = [line for line in lines if _is_chosen(column, dict(zip(head, line, strict=True)))]
        found = {line[0]: line[head.index(column.value)] for line in chosen}
    else:
        of_value = next((line for line in lines if line[0] == column.value), None)
        found = {} if of_value is None else dict(zip(head[1:], of_value[1:], strict=True))
    if not found:
        raise ValueError(f"{column.file}.csv has no {column.value!r} with {dict(column.where)}; it has {head}")
    cells = []
    for label in labels:
        plainest = min(
            (one for one in labels if key_of(one) == key_of(label)), key=len
        )  # whom the method's numbers are of
        names = [one for one in found if key_of(one) == key_of(label) and column.variant in one]
        name = label if label in names and not column.variant else min(names, key=len, default="")
        cells.append(plain(found[name]) if name and label in (name, plainest) else "")
    return cells


def _is_chosen(column: Column, line: Mapping[str, str]) -> bool:
    return all(line[name].startswith(words) for name, words in column.where.items())


def _read(file: str, read: Read) -> list[list[str]]:
    return read(file) or []


def key_of(label: str) -> str:
    """What names a row in every file: method and readout, without marks and what comes behind a comma."""
    return re.sub(r"[`*]", "", label).partition(",")[0].strip()


def plain(cell: str) -> str:
    """A cell without bold and arrows: marks of the table that it is from."""
    return re.sub(r"\*\*|[↑↓]", "", cell).strip()


def number(cell: str) -> float:
    """The first number of a cell."""
    return float(re.findall(r"\d+\.\d+", cell)[0])


def bounds(cell: str) -> tuple[float, float]:
    """The two numbers of an interval, which stand last in a cell."""
    low, high = map(float, re.findall(r"\d+\.\d+", cell)[-2:])
    return low, high


def above(one: Placed, other: Placed) -> bool:
    """Whether the interval of a row lies wholly above that of another."""
    return one.low is not None and other.high is not None and one.low > other.high


def rank_range(row: Placed, rows: Sequence[Placed]) -> str:
    """Best and worst rank that the intervals leave open, such as ``1–4``."""
    best = 1 + sum(above(other, row) for other in rows)
    worst = len(rows) - sum(above(row, other) for other in rows)
    return str(best) if best == worst else f"{best}–{worst}"


def what_would_change(placed: Sequence[Placed]) -> str:
    """Sentences on which places are settled and which another draw of patients or seeds would change."""
    pairs = list(combinations(placed, 2))
    apart = [pair for pair in pairs if above(*pair)]
    first = placed[0]
    rivals = [row for row in placed[1:] if not above(first, row)]
    close = sorted(
        ((one, other) for one, other in pairwise(placed) if not above(one, other)),
        key=lambda pair: pair[0].value - pair[1].value,
    )[:3]
    text = (
        f"**What would change the order.** Of {len(pairs)} pairs of rows {len(apart)} have intervals that lie apart;"
        f" the other {len(pairs) - len(apart)} are not ordered, and other patients or seeds may turn them round."
    )
    if rivals:
        names = ", ".join(row.label for row in rivals)
        text += f" {first.label} stands first, and its interval overlaps with {len(rivals)} rows below it: {names}."
    else:
        text += f" {first.label} is first whatever is drawn."
    if close:
        named = "; ".join(f"{one.label} and {other.label} ({one.value - other.value:.3f})" for one, other in close)
        text += f" The closest neighbours, with the difference: {named}."
    return text
