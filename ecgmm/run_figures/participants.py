"""Participants of a run as boxes of a flow diagram (STARD 2015, item 19; TRIPOD+AI 2024, item 20a)."""

from matplotlib.figure import Figure

from ecgmm.plots.flow import Step, flow
from ecgmm.runs.participants import Participants, SplitParticipants

_SPLITS = {"train": "Training", "val": "Validation", "test": "Test"}


def participant_flow(counted: Participants) -> Figure:
    """Draw the flow from the records that the source lists to the rows that each split uses."""
    listed = Step(f"{counted.listed:,} records listed", left_out=_reasons(counted.dropped))
    stored = Step(f"{counted.kept:,} records in the store")
    return flow([listed, stored], [_split(split) for split in counted.splits])


def _split(split: SplitParticipants) -> Step:
    lines = [f"{split.records:,} records of {split.patients:,} patients", f"{split.with_report:,} rows with a report"]
    known = {sex: n for sex, n in split.sex.items() if sex != "unknown"}
    if known:
        lines.append(f"sex: {', '.join(f'{sex} {n:,}' for sex, n in known.items())}")
    if split.age_years is not None:
        first, median, third = split.age_years
        lines.append(f"age: {median:.0f} years ({first:.0f}–{third:.0f})")
    if split.disturbed:
        lines.append(f"{split.disturbed:,} labels made wrong")
    title = f"{_SPLITS.get(split.split, split.split)}: {split.used:,} rows"
    return Step(title, lines, _reasons(split.left_out))


def _reasons(counts: dict[str, int]) -> list[str]:
    return [f"{n:,}: {reason}" for reason, n in counts.items() if n]
