"""Notes of Table 2: on what it was measured, and how to read it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ecgmm.evaluation.metrics import TABLE2_METRICS
from ecgmm.reporting.table2_rows import Table
from ecgmm.runs.facts import CROSS_ENTROPY
from ecgmm.settings.explained import choices_explained

LEAK_MARK = "†"
HEADLINE_SEEDS = 5
"""Seeds that a table should have on which a claim rests: with three, Student's t is 4.3 where it is 2.8 with five."""
_CHOICES = {
    "full": "report as it is",
    "masked": "without statements of a label",
    "shuffled": "report of another record",
    "none": "without report",
    "report withheld at test": "learnt with reports, predicts without",
    "joint": "pairs and labels at once",
    "two stages": "pre-training on pairs, then labels",
    "random weights": "trained from nothing",
    "from a run": "began with weights of a finished run",
    "from a run, frozen": "kept weights of a finished run as they were",
    "from a file": "began with weights of a file",
    "from a file, frozen": "kept weights of a file as they were",
}
_LEAK_NOTE = "labels come from the report that the method also reads: the number measures the leak"


def synthetic_line(table: Table) -> str:
    """The plain sentence that a table of simulated records must carry, or nothing."""
    if not table.facts.data.synthetic:
        return ""
    return "This table is measured on SYNTHETIC data: it shows that the code works, not how a method does on patients."


def _beginning(common: Mapping[str, str | None]) -> str:
    """The weights that the rows began with, where these are not random."""
    words = common["init"]
    return "" if words == "random weights" else f"initial weights: {words}; "


def _criterion(common: Mapping[str, str | None]) -> str:
    """What the rows were trained with, where that is not cross-entropy."""
    words = common["criterion"]
    return "" if words == CROSS_ENTROPY else f"criterion: {words}; "


def header_lines(table: Table) -> list[str]:
    """Recipe, size, data, seeds, test records, labels, what rows do in common and where they differ, and commit."""
    facts, classes, common = table.facts, table.facts.labels.classes, table.common
    precision = join(sorted({row.measured.facts.precision for row in table.rows if row.measured}))
    lines = [
        f"recipe: {facts.recipe}; size: {facts.size}; precision: {precision}; task: {facts.task}; "
        f"seeds: {join(table.seeds)}",
        f"data: {facts.data.name}, fingerprint {facts.data.fingerprint[:12]}; "
        f"trained on {facts.train_fraction:.0%} of the training patients; "
        f"{_tested(table)}: {table.n_records:,} records of {table.n_patients:,} patients",
        f"labels: {facts.labels.name}, source: {facts.labels.source}; {len(classes)} classes: {join(classes)}",
        f"text policy: {common['text_policy'] or 'no method reads text'}; "
        f"stages: {common['stages'] or 'no method has two'}; {_beginning(common)}{_criterion(common)}"
        f"commit: {join(table.commits)}",
    ]
    if facts.recipe == "tuned":
        lines.append(
            "rows differ in learning rate, weight decay, epochs and at most two parameters of their own: a search with"
            " the same budget for each chose them on validation (ecgmm tuning lists them)"
        )
    variants = {choice for row in table.rows for choice in row.key.variant}
    words = {**_CHOICES, **choices_explained("ablation")} if variants else {}
    meanings = [f"'{choice}': {meaning.rstrip('.')}" for choice, meaning in words.items() if choice in variants]
    if meanings:  # a setting with its value says itself what differs
        lines.append("rows that differ say so: " + "; ".join(meanings))
    if table.absent_classes:
        lines.append(f"classes left out, not in the test split: {join(table.absent_classes)}")
    if any(row.measured and row.measured.facts.leaky for row in table.rows):
        lines.append(f"{LEAK_MARK} {_LEAK_NOTE}")
    return lines


def _tested(table: Table) -> str:
    return f"scored on the evaluation {table.evaluation}, not the test split" if table.evaluation else "test split"


def references(table: Table) -> list[str]:
    """Description of each method, once for all of its rows."""
    facts = [row.measured.facts for row in table.rows if row.measured]
    return list(dict.fromkeys(f"{one.method} ({one.fidelity}): {one.reference}" for one in facts))


def coverage_note(table: Table) -> str:
    """What intervals and p-values cover, and which rows know nothing of retraining."""
    seeds = {row.key.label: len(row.measured.seeds) for row in table.rows if row.measured}
    single = [label for label, n in seeds.items() if n == 1]
    if len(single) == len(seeds):
        return "One seed a row: intervals and p cover other patients but NOT training again with another seed."
    note = (
        "Intervals and p cover both other patients and training again with other seeds (Satterthwaite's and Welch's "
        "degrees of freedom)"
    )
    if single:
        note += f"; of {join(single)}, trained with one seed, and of differences to such a row, patients only"
    few = min(n for n in seeds.values() if n > 1) < HEADLINE_SEEDS
    return f"{note}.{f' Fewer than {HEADLINE_SEEDS} seeds make them wide.' if few else ''}"


def marks_note(table: Table) -> str:
    """Meaning of bold and arrows in the metrics."""
    return (
        "Bold: best of the column; rows that measure a leak do not compete. "
        f"↓ worse than {table.reference}, ↑ better: one arrow for p < 0.05, two for p < 0.01, paired and two-sided, "
        "after Holm's correction for all rows and metrics of the table."
    )


def reading_notes(table: Table) -> list[str]:
    """Meaning of the columns, and what the paper leaves open."""
    single_label = table.facts.task == "single_label"
    accuracy = "of all records" if single_label else "of all yes/no decisions (mean over labels)"
    mcc = "multi-class" if single_label else "mean over labels of the binary one"
    return [
        "AUROC, AUPRC, F1, precision, recall, specificity: macro means, each class against the rest; "
        f"accuracy: {accuracy}; MCC: {mcc}.",
        f"Values are means over seeds, sd is between seeds. {coverage_note(table)} "
        f"{table.n_resamples:,} resamples of test patients, the same for all rows, so patients are paired and seeds "
        f"are not. p is two-sided; 'p Holm' is corrected for all {_n_compared(table) * len(TABLE2_METRICS)} "
        f"comparisons with {table.reference}. A difference above 0 means that the row is worse.",
        marks_note(table),
        "Calibration: ECE is the distance of confidence from share correct over 15 bins, Brier the squared distance of "
        "the probabilities from the truth; both are better when lower, and a method that knows nothing can have a low "
        "ECE. Chance alone raises ECE in small samples, so its interval starts at 0 where it may be nothing else. "
        "T: temperature that divides the logits, fitted on validation, mean over seeds; above 1 the method was "
        "too sure of itself.",
        "Rows differ in method; a row that was trained with other settings (rate of learning, weight decay, epochs, "
        "batch, warm-up, sampling, filter, augmentation, limits of quality; within a method also λ and encoders) says "
        "which. What a run of an earlier version does not state is not compared.",
        "Inputs: what a row looks at when it predicts. '+ report' is the same training run with a linear head on the "
        "embeddings of both of its towers, so that methods are compared and not access to the report.",
        "With minus without: the row against the same method trained and tested without any report ('none').",
        "Fidelity: how much of the published description could be confirmed; 'control' is proposed by no paper.",
        "Trainable: parameters that training changes. s/epoch: seconds of a run's median epoch (of its last "
        "stage), mean over seeds, '–' for a closed form; they depend on the hardware, here "
        f"{'; '.join(sorted({str(row.measured.facts.hardware) for row in table.rows if row.measured}))}.",
        "Zero-shot: class prompts after pre-training on pairs, before any label was seen, so it is not comparable with "
        "a supervised row. Linear probe: logistic regression on the frozen waveform embedding of that moment. "
        "Full data: the row itself. Only two-stage runs of methods that learn from pairs have the three.",
        "The paper states neither split, labels nor averaging of its Table 2, so its numbers are quoted, not compared.",
    ]


def join(values: Sequence[Any]) -> str:
    """Comma-separated."""
    return ", ".join(map(str, values))


def _n_compared(table: Table) -> int:
    return sum(row.measured is not None and row.measured.compared is not None for row in table.rows)
