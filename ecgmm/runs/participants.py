"""Participants of a run: from the records that the source lists to those that each split uses, and who they are.

The steps are those of a flow diagram (STARD 2015, item 19; TRIPOD+AI 2024, item 20a).
"""

from pydantic import Field

from ecgmm.runs.reading import Count, Number, Schema


class SplitParticipants(Schema):
    """Rows of one split that a run uses, and those that it leaves out.

    Attributes:
        split: ``train``, ``val`` or ``test``.
        rows: Rows of the store in the split; a record has one per window.
        left_out: Of these the rows that are not used, by reason; each counts for one reason.
        used: The others.
        records: Different records among those used.
        patients: Their patients.
        with_report: Used rows that have a report.
        with_waveform: Used rows with at least one lead that is not flat.
        sex: Used records by sex; ``unknown`` counts those without.
        age_years: First quartile, median and third quartile over used records; null where no age is known.
        without_age: Used records without an age.
        disturbed: Used rows whose labels were made wrong on purpose.
    """

    split: str
    rows: Count
    left_out: dict[str, Count]
    used: Count
    records: Count
    patients: Count
    with_report: Count
    with_waveform: Count
    sex: dict[str, Count]
    age_years: tuple[Number, Number, Number] | None = Field(strict=False)  # JSON has lists
    without_age: Count
    disturbed: Count = 0


class Participants(Schema):
    """Flow of the participants of a run.

    Attributes:
        listed: Records that the source lists.
        dropped: Of these the records that are not in the store, by reason.
        kept: Records in the store.
        splits: What became of them.
    """

    listed: Count
    dropped: dict[str, Count]
    kept: Count
    splits: list[SplitParticipants]


def lines_of(participants: Participants) -> list[tuple[str, ...]]:
    """Cells of a table of the flow.

    Returns:
        Lines of a name, the number of the whole source or store, and one number per split; an empty text where a number
        has no meaning.
    """
    splits = participants.splits
    nothing = ("",) * len(splits)
    lines = [("records that the source lists", _count(participants.listed), *nothing)]
    lines += [(f"not in the store: {reason}", _count(n), *nothing) for reason, n in participants.dropped.items()]
    lines.append(("records in the store", _count(participants.kept), *nothing))

    def add(name: str, numbers: list[int]) -> None:
        lines.append((name, _count(sum(numbers)), *map(_count, numbers)))

    add("rows (windows of records)", [split.rows for split in splits])
    for reason in dict.fromkeys(reason for split in splits for reason in split.left_out):
        add(f"left out: {reason}", [split.left_out.get(reason, 0) for split in splits])
    add("rows used", [split.used for split in splits])
    if any(split.disturbed for split in splits):
        add("rows with a label made wrong", [split.disturbed for split in splits])
    add("records used", [split.records for split in splits])
    add("patients", [split.patients for split in splits])
    add("rows with a report", [split.with_report for split in splits])
    add("rows with a waveform", [split.with_waveform for split in splits])
    for sex in dict.fromkeys(sex for split in splits for sex in split.sex):
        add(f"records, sex {sex}", [split.sex.get(sex, 0) for split in splits])
    lines.append(("age in years, median (quartiles)", "", *(_age(split) for split in splits)))
    add("records without age", [split.without_age for split in splits])
    return lines


def in_words(participants: Participants) -> str:
    """The flow in one line, for the log of a run."""
    splits = (_split_in_words(split) for split in participants.splits)
    return (
        f"participants: {participants.listed:,} records listed, {participants.kept:,} in the store"
        f"{_reasons(participants.dropped)}; rows used: {'; '.join(splits)}"
    )


def _split_in_words(split: SplitParticipants) -> str:
    wrong = f", {split.disturbed:,} labels made wrong" if split.disturbed else ""
    left_out = _reasons(split.left_out)
    return f"{split.split} {split.used:,} of {split.rows:,}{left_out}, {split.patients:,} patients{wrong}"


def _reasons(counts: dict[str, int]) -> str:
    """Numbers of those left out, in brackets."""
    return f" (left out: {', '.join(f'{reason} {n:,}' for reason, n in counts.items())})" if counts else ""


def _count(number: int) -> str:
    return f"{number:,}"


def _age(split: SplitParticipants) -> str:
    if split.age_years is None:
        return "unknown"
    first, median, third = split.age_years
    return f"{median:.0f} ({first:.0f}–{third:.0f})"
