"""Words about subgroups: names of groups, what gaps show, and how to read the tables."""

from collections.abc import Sequence

from ecgmm.reporting.subgroup_columns import REST, UNKNOWN
from ecgmm.reporting.subgroup_rows import HEADS, Gap, Measured, Table

LEVEL = 0.05
"""Below which p after Holm is called significant."""
_MOST_NAMED = 3
_WORDS = {("sex", "female"): "women", ("sex", "male"): "men"}
_IN_A_SENTENCE = {
    "sex": "{}",
    "age": "patients aged {}",
    "device": "records of device {}",
    "site": "records of site {}",
    "quality": "records of quality {}",
    "report": "records {}",
}


def notes(table: Table) -> list[str]:
    """How to read it."""
    seeds = {len(runs) for runs in table.runs.values()}
    retraining = (
        "Several seeds: their mean, and intervals and p cover training again."
        if min(seeds) > 1
        else "One seed: nothing here covers training again with another seed."
    )
    return [
        f"Intervals and gaps: {table.n_resamples:,} resamples of the test patients, the same for all groups, so that a"
        f" patient with records in both groups counts on both sides. {retraining} The interval of a gap is longer than"
        " percentiles where the patients on one side are few, or all right by chance.",
        "Gap: the group minus what it is compared with (of two groups the other one, of more the rest whose value is"
        " known); p is two-sided against no gap."
        f" p Holm is corrected for all {table.n_gaps} gaps of these tables together; significant means below {LEVEL}.",
        "Means over classes are over those with enough cases in the group and in what it is compared with, the same on"
        " both sides; so they may differ between groups, and from the run's own.",
        "AUPRC, F1, accuracy, Brier and coverage change with the prevalence of the classes, even where a model is as"
        " good: a gap in them alone is no proof of unequal quality. Accuracy, F1, sensitivity and specificity are at"
        " the thresholds that validation chose (one class a record: the class with the highest probability).",
        "ECE has no gap: chance raises it more in the smaller group. Its interval allows for that. Nor is there a gap"
        " where both sides have one value in every resample, such as a sensitivity of 1.",
        f"Groups need {table.limits.patients} patients, and classes {table.limits.cases} patients who have them and as"
        " many who do not. Where a group is too small, the size of the smallest one shown is withheld as well, because"
        " subtraction would tell the hidden one's. Ages above 89 are counted as 90.",
    ]


def label_of(one: Measured) -> str:
    """Name of a group as a row shows it."""
    against = f" against {one.group.against}" if one.group.against else ""
    return f"{one.group.grouping}: {one.group.name}{against}"


def size_of(one: Measured) -> str:
    """Records and patients of a group, or that they are withheld."""
    return "withheld" if one.group.size is None else "{:,} ({:,})".format(*one.group.size)


def words_of(one: Measured) -> str:
    """A group within a sentence."""
    return _in_a_sentence(one.group.grouping, one.group.name)


def _in_a_sentence(grouping: str, name: str) -> str:
    if name == UNKNOWN:
        return f"records of unknown {grouping}"
    return _WORDS.get((grouping, name), _IN_A_SENTENCE[grouping].format(name))


def is_significant(gap: Gap | None) -> bool:
    """Whether a gap stays after Holm."""
    return gap is not None and gap.p_holm < LEVEL


def sentence(measured: Sequence[Measured], keys: Sequence[str]) -> str:
    """What the gaps of some metrics show: those that stay after Holm, or else the one with the smallest p.

    Args:
        measured: All groups of all methods.
        keys: Of the metrics.
    """
    tested = [(one, key) for one in measured for key in keys if key in one.gaps]
    if not tested:
        return "No group can be compared with another."
    named = len({one.method for one in measured}) > 1
    tested.sort(key=lambda pair: pair[0].gaps[pair[1]].difference.p_value)
    n_found = sum(is_significant(one.gaps[key]) for one, key in tested)
    said = [_gap_words(*pair, named) for pair in tested[: max(1, min(n_found, _MOST_NAMED))]]
    if not n_found:
        return f"Significant after Holm: none of {len(tested)}. Smallest p: {said[0]}."
    more = f"; and {n_found - len(said)} more" if n_found > len(said) else ""
    return f"Significant after Holm: {n_found} of {len(tested)}. {'; '.join(said)}{more}."


def _gap_words(one: Measured, key: str, with_method: bool) -> str:
    gap = one.gaps[key]
    value = gap.difference
    metric = HEADS.get(key, f"AUROC of {key.partition('/')[2]}")
    other = one.group.against
    against = other if other == REST else _in_a_sentence(one.group.grouping, other)
    return (
        f"{f'with {one.method}, ' if with_method else ''}{metric} is {abs(value.value):.3f}"
        f" {'lower' if value.value < 0 else 'higher'} in {words_of(one)} than in {against}"
        f" [{value.low:+.3f}, {value.high:+.3f}], p {p_words(value.p_value)}, after Holm {p_words(gap.p_holm)}"
    )


def p_words(p_value: float) -> str:
    """A p-value as text."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
