"""Tables of subgroups as plain cells, each with a sentence that says what it shows."""

import math
from collections.abc import Sequence

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.reporting.subgroup_rows import COVERAGE, HEADS, Gap, Measured, Table
from ecgmm.reporting.subgroup_words import label_of, p_words, sentence, size_of, words_of
from ecgmm.reporting.table2_sections import Section

_NONE = "–"
_AT_ONCE = 4
_VALUES = HEADS | {"ece": "ECE"}


def parts(table: Table) -> list[Section]:
    """All tables that have a line."""
    if not table.measured:
        return [hidden(table)]
    others = [key for key in HEADS if key not in (HEADLINE, "coverage")]
    few = [others[first : first + _AT_ONCE] for first in range(0, len(others), _AT_ONCE)]
    sections = (
        headline(table),
        *(values(table, some) for some in ([HEADLINE, *others[:3]], [*others[3:], "ece"])),
        *(gaps(table, some) for some in few),
        per_class(table),
        conformal(table),
        hidden(table),
    )
    return [section for section in sections if section.lines]


def headline(table: Table) -> Section:
    """AUROC of each group, that of the rest, and the gap."""
    lines = [
        (
            one.method,
            label_of(one),
            size_of(one),
            _estimate(one.values[HEADLINE]),
            _estimate(one.rest[HEADLINE]) if one.rest else _NONE,
            *_gap(one.gaps.get(HEADLINE)),
        )
        for one in table.measured
    ]
    head = ("Method", "Group", "Records (patients)", "AUROC (95 %)", "Compared with", "Gap [95 %]", "p", "p Holm")
    return Section("AUROC by subgroup", head, lines, sentence(table.measured, [HEADLINE]))


def values(table: Table, keys: Sequence[str]) -> Section:
    """Some of the metrics of each group with their intervals."""
    lines = [
        (one.method, label_of(one), *(_estimate(one.values[key]) for key in keys), _classes(one, table))
        for one in table.measured
    ]
    heads = [_VALUES[key] for key in keys]
    title = f"Metrics by subgroup (95 %): {', '.join(heads)}"
    return Section(title, ("Method", "Group", *heads, "Means over"), lines, _range(table, keys))


def gaps(table: Table, keys: Sequence[str]) -> Section:
    """Gaps of some metrics, each with p after Holm."""
    lines = [
        (one.method, label_of(one), *(_short_gap(one.gaps.get(key)) for key in keys))
        for one in table.measured
        if one.gaps
    ]
    heads = [HEADS[key] for key in keys]
    title = f"Gap by subgroup [95 %] p Holm: {', '.join(heads)}"
    return Section(title, ("Method", "Group", *heads), lines, sentence(table.measured, keys))


def per_class(table: Table) -> Section:
    """AUROC of each class in each group, with the gap."""
    classes = next(iter(table.runs.values()))[0].classes
    keys = [f"auroc/{name}" for name in classes]
    lines = [(one.method, label_of(one), *(_with_gap(one, key) for key in keys)) for one in table.measured if one.gaps]
    title = "AUROC of each class by subgroup, gap and p Holm"
    return Section(title, ("Method", "Group", *classes), lines, sentence(table.measured, keys))


def conformal(table: Table) -> Section:
    """Coverage of conformal sets in each group, and their size."""
    lines = [
        (
            one.method,
            label_of(one),
            _estimate(one.values["coverage"]),
            _estimate(one.values["set_size"], 2),
            *_gap(one.gaps.get("coverage")),
        )
        for one in table.measured
    ]
    below: dict[str, list[str]] = {}
    for one in table.measured:
        if one.values["coverage"].high < COVERAGE:
            below.setdefault(one.method, []).append(words_of(one))
    found = (
        f"The interval of the coverage lies below the {COVERAGE:.0%} that sets promise in "
        + "; ".join(f"{', '.join(groups)} ({method})" for method, groups in below.items())
        + "."
        if below
        else f"In no group does the interval of the coverage lie below the {COVERAGE:.0%} that sets promise."
    )
    head = ("Method", "Group", "Coverage (95 %)", "Answers in a set (95 %)", "Gap [95 %]", "p", "p Holm")
    return Section(f"Coverage of conformal sets for {COVERAGE:.0%} by subgroup", head, lines, found)


def hidden(table: Table) -> Section:
    """Groups that are not shown, and why; of several with one reason their number."""
    named: dict[tuple[str, str], list[str]] = {}
    for grouping, name, reason in table.hidden:
        named.setdefault((grouping, reason), []).append(name)
    lines = [
        (grouping, ", ".join(names) if len(names) <= 3 else f"{len(names)} groups", reason)
        for (grouping, reason), names in named.items()
    ]
    found = f"Not shown, with the reason: {len(table.hidden)} groups or groupings."
    return Section("Groups that are not shown", ("Grouping", "Group", "Reason"), lines, found)


def _range(table: Table, keys: Sequence[str]) -> str:
    """The lowest and the highest value of each metric among the groups of the first method."""
    method = next(iter(table.runs))
    of_method = [one for one in table.measured if one.method == method]
    said = []
    for key in keys:
        low, high = (choose(of_method, key=lambda one: one.values[key].value) for choose in (min, max))
        said.append(
            f"{_VALUES[key]} from {low.values[key].value:.3f} ({words_of(low)}) to {high.values[key].value:.3f}"
            f" ({words_of(high)})"
        )
    return f"{method}: {'; '.join(said)}."


def _classes(one: Measured, table: Table) -> str:
    classes = next(iter(table.runs.values()))[0].classes
    return "all" if len(one.group.classes) == len(classes) else ", ".join(classes[k] for k in one.group.classes)


def _estimate(one: Estimate, digits: int = 3) -> str:
    return f"{_number(one.value, digits)} ({_number(one.low, digits)}–{_number(one.high, digits)})"


def _gap(gap: Gap | None) -> tuple[str, str, str]:
    if gap is None:
        return _NONE, _NONE, _NONE
    return _difference(gap), p_words(gap.difference.p_value), p_words(gap.p_holm)


def _short_gap(gap: Gap | None) -> str:
    return _NONE if gap is None else f"{_difference(gap)} p {p_words(gap.p_holm)}"


def _with_gap(one: Measured, key: str) -> str:
    if key not in one.values:
        return "too few cases"
    return f"{_number(one.values[key].value)} ({_short_gap(one.gaps.get(key))})"


def _difference(gap: Gap) -> str:
    one = gap.difference
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "n/a"
