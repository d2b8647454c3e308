"""Zero-shot recognition as Markdown and CSV."""

from collections.abc import Mapping

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.stacking import KEPT
from ecgmm.reporting.drawing import provenance
from ecgmm.reporting.table2_formats import markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.shared_space import readings
from ecgmm.shared_space.tables import csv_of
from ecgmm.shared_space.zero_shot_lines import STACKED, Line
from ecgmm.shared_space.zero_shot_rows import ZeroShot

_SPLIT = (readings.HEARD, readings.CONSTANT)
"""Readings whose recall is shown."""


def to_markdown(found: ZeroShot) -> str:
    """All tables with their notes."""
    parts = [_areas(found), _stacking(found), _prompts(found)]
    texts = [f"## {part.title}\n\n{markdown_table(part)}" for part in parts if part.lines]
    return "\n\n".join(["# Zero-shot", *texts, "## How to read it", markdown_list(notes(found))]) + "\n"


def to_csv(found: ZeroShot) -> str:
    """One line a number, unrounded."""
    head = ("method", "classes", "read_by", "runs", "measure", "value", "low", "high")
    lines = [
        (one.method, " ".join(one.classes), one.reading, one.n_runs, name, e.value, e.low, e.high)
        for one in found.lines
        for name, e in one.values.items()
    ]
    return csv_of([head, *lines])


def to_table(found: ZeroShot) -> str:
    """The first table as CSV with its notes as comments, as a page of results shows it."""
    part = _areas(found)
    return "".join(f"# {note}\n" for note in notes(found)) + csv_of([part.head, *part.lines])


def notes(found: ZeroShot) -> list[str]:
    """How to read the tables."""
    asked = found.asked
    unheard = sum(one.unheard > 0 for one in found.heard)
    left_out = f" No space in common, left out: {', '.join(found.without)}." if found.without else ""
    lines = [
        f"{provenance(found.runs, found.measured)}{left_out}",
        "AUROC with its 95 % interval over patients and, with several runs, over training again; chance is 0.5. Several"
        " classes: the mean of their AUROCs.",
        f"{readings.HEARD}: {unheard} of {len(found.heard)} descriptions hold a word that no training report holds,"
        " whose embedding is random, and are replaced by a rule on words alone. No templates, no learned vectors.",
    ]
    if asked.labels is None:
        lines += [
            f"{readings.CONSTANT} or the mean: what the seen classes alone say; where a record has one class, they"
            f" compete with the unseen one. {readings.ALONE}: by similarity, without competition."
            f" {readings.WITH_LABELS}: runs of the same row that left no class out.",
            "Seen, unseen: macro recall of either kind of class, harmonic: their harmonic mean; behind an arrow with"
            f" an offset off the logits of seen classes, the largest that leaves them {KEPT:.0%} of their recall on"
            " validation records of seen classes (calibrated stacking, arXiv 1605.04253).",
        ]
    else:
        lines.append(
            f"labels={found.labels}, on which nothing was trained, each class by its similarity; classes with"
            f" {asked.least_cases} records with it and without. A constant has 0.5 by definition;"
            f" {readings.MEAN_OF_SEEN}: one number a record for all classes."
        )
    lines.append(f"{readings.RANDOM}: all else as trained; {asked.n_draws} draws for each run.")
    return lines


def _areas(found: ZeroShot) -> Section:
    lines = [
        (one.method, _classes(found, one), one.reading, _shown(one.values, "auroc_macro"), _each(one))
        for one in found.lines
    ]
    return Section("AUROC of classes that no label taught", ("Method", "Classes", "Read by", "AUROC", "Of each"), lines)


def _stacking(found: ZeroShot) -> Section:
    lines = [
        (one.method, _classes(found, one), one.reading, *(_both(one, name) for name in ("seen", "unseen", "harmonic")))
        for one in found.lines
        if one.reading in _SPLIT and "harmonic" in one.values
    ]
    return Section("Seen against unseen", ("Method", "Unseen", "Read by", "Seen", "Unseen", "Harmonic"), lines)


def _prompts(found: ZeroShot) -> Section:
    lines = [
        (one.class_name, one.written, str(one.unheard), str(len(one.used)) if one.unheard else "itself")
        for one in found.heard
    ]
    return Section("Descriptions", ("Class", "As written", "Tokens unheard", "Prompts in its place"), lines)


def _classes(found: ZeroShot, one: Line) -> str:
    return ", ".join(one.classes) if found.asked.labels is None else f"{found.labels} ({len(one.classes)})"


def _each(one: Line) -> str:
    if len(one.classes) == 1:
        return ""
    return ", ".join(f"{name} {one.values[f'auroc/{name}'].value:.3f}" for name in one.classes)


def _both(one: Line, name: str) -> str:
    return f"{one.values[name].value:.3f} → {_shown(one.values, f'{STACKED}{name}')}"


def _shown(values: Mapping[str, Estimate], name: str) -> str:
    e = values[name]
    return f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]"
