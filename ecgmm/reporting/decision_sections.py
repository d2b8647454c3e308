"""Tables of each class for those who decide, as plain cells, each with a sentence that says what it shows."""

from collections.abc import Sequence

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.net_benefit import ALL, GAIN, MODEL
from ecgmm.reporting.decisions import RATES, TABLE_THRESHOLDS, TARGETS, ClassDecisions
from ecgmm.reporting.table2_sections import Section

_NONE = "–"
_MOST_NAMED = 4


def parts(found: Sequence[ClassDecisions]) -> list[Section]:
    """All tables that have a line."""
    sections = (classes(found), operating(found, "spec"), operating(found, "sens"), benefit(found))
    return [section for section in sections if section.lines]


def classes(found: Sequence[ClassDecisions]) -> Section:
    """Rates of each class on all test records."""
    lines = [
        (
            one.method,
            one.name,
            f"{one.n_positive:,} ({one.n_positive / one.n_records:.1%})",
            *(_estimate(one.values[rate]) for rate in RATES),
        )
        for one in found
    ]
    said = [
        f"{method}: AUROC from {low.values['auroc'].value:.3f} ({low.name}) to {high.values['auroc'].value:.3f}"
        f" ({high.name})"
        for method, of_method in _by_method(found).items()
        for low, high in [_ends(of_method, "auroc")]
    ]
    head = ("Method", "Class", "Records (share)", *RATES.values())
    return Section("Each class on all test records (95 %)", head, lines, f"{_first(said)}.")


def operating(found: Sequence[ClassDecisions], fixed: str) -> Section:
    """What a threshold does that reaches a specificity, or a sensitivity, on validation."""
    asked, gained = ("specificity", "sensitivity") if fixed == "spec" else ("sensitivity", "specificity")
    lines = [
        (
            one.method,
            one.name,
            *(
                _estimate(one.values.get(f"{rate}/{fixed} {least:.2f}"))
                for least in TARGETS
                for rate in (gained, asked)
            ),
        )
        for one in found
    ]
    key = f"{asked}/{fixed} {TARGETS[0]:.2f}"
    measured = [one for one in found if key in one.values]
    missed = [f"{one.name} ({one.method})" for one in measured if one.values[key].high < TARGETS[0]]
    said = [
        f"{method}: {gained} from {low.values[name].value:.3f} ({low.name}) to {high.values[name].value:.3f}"
        f" ({high.name})"
        for name in [f"{gained}/{fixed} {TARGETS[0]:.2f}"]
        for method, of_method in _by_method(measured).items()
        for low, high in [_ends(of_method, name)]
    ]
    kept = f"not reached on test, beyond chance, for {_first(missed)}" if missed else "on test it is held"
    text = f"At a {asked} of {TARGETS[0]:g} on validation, {_first(said)}; {kept}." if measured else ""
    heads = [f"{rate} at {least:g}" for least in TARGETS for rate in (gained.capitalize(), asked)]
    fixed_at = " and ".join(f"{least:g}" for least in TARGETS)
    title = f"{gained.capitalize()} at thresholds with a {asked} of {fixed_at} on validation (95 %)"
    return Section(title, ("Method", "Class", *heads), lines, text)


def benefit(found: Sequence[ClassDecisions]) -> Section:
    """Net benefit at some probabilities, beside that of treating everybody."""
    lines = [(one.method, one.name, *(_benefit(one, p) for p in TABLE_THRESHOLDS)) for one in found]
    pairs = [(one, p) for one in found for p in TABLE_THRESHOLDS]
    better = [pair for pair in pairs if pair[0].values[f"{GAIN}/{pair[1]:.2f}"].low > 0]
    worse = [pair for pair in pairs if pair[0].values[f"{GAIN}/{pair[1]:.2f}"].high < 0]
    text = (
        f"In {len(better)} of {len(pairs)} cells the model is better than treating everybody and nobody, beyond chance"
        f" (95 %, not corrected); in {len(worse)} it is worse than one of them."
    )
    head = ("Method", "Class", *(f"From {p:.0%} on" for p in TABLE_THRESHOLDS))
    return Section("Net benefit per 100 records (95 %; treating everybody)", head, lines, text)


def notes() -> list[str]:
    """How to read the tables."""
    return [
        "Net benefit: cases found less false alarms, which are weighed by the odds of the probability from which on one"
        " would treat (Vickers and Elkin 2006), on probabilities after temperature; treating nobody has 0."
        " ↑ better, ↓ worse than the better of treating everybody and nobody, by an interval that leaves out 0.",
        "Operating points: thresholds are chosen on validation, class by class, and are the same in every resample.",
    ]


def _benefit(one: ClassDecisions, p: float) -> str:
    model, everybody, gain = (one.values[f"{what}/{p:.2f}"] for what in (MODEL, ALL, GAIN))
    mark = "↑" * (gain.low > 0) + "↓" * (gain.high < 0)
    numbers = [100 * number for number in (model.value, model.low, model.high, everybody.value)]
    return "{:.1f}{} ({:.1f}–{:.1f}; {:.1f})".format(numbers[0], mark, *numbers[1:])


def _first(said: Sequence[str]) -> str:
    """What is said of the first few, and of how many more it could be."""
    more = [f"and {len(said) - _MOST_NAMED} more"] if len(said) > _MOST_NAMED else []
    return "; ".join([*said[:_MOST_NAMED], *more])


def _by_method(found: Sequence[ClassDecisions]) -> dict[str, list[ClassDecisions]]:
    groups: dict[str, list[ClassDecisions]] = {}
    for one in found:
        groups.setdefault(one.method, []).append(one)
    return groups


def _ends(found: Sequence[ClassDecisions], key: str) -> tuple[ClassDecisions, ClassDecisions]:
    ordered = sorted(found, key=lambda one: one.values[key].value)
    return ordered[0], ordered[-1]


def _estimate(one: Estimate | None) -> str:
    return _NONE if one is None else f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f})"
