"""What Table 2 says about itself: on what it was measured, and how to read it."""

from collections.abc import Sequence
from typing import Any

from experiments.table2_rows import Table

LEAK_MARK = "†"
_TEXT_POLICIES = {
    "full": "report as it is",
    "masked": "without statements of a label",
    "shuffled": "report of another record",
    "none": "without report",
}
_LEAK_NOTE = "labels come from the report that the method also reads: the number measures the leak"


def synthetic_line(table: Table) -> str:
    """The plain sentence that a table of simulated records must carry, or nothing."""
    if not table.facts["data"]["synthetic"]:
        return ""
    return "This table is measured on SYNTHETIC data: it shows that the code works, not how a method does on patients."


def header_lines(table: Table) -> list[str]:
    """Recipe, data, seeds, test records, labels, text policy and commit."""
    facts, classes = table.facts, table.facts["labels"]["classes"]
    lines = [
        f"recipe: {facts['recipe']}; task: {facts['task']}; seeds: {join(table.seeds)}",
        f"data: {facts['data']['name']}, fingerprint {facts['data']['fingerprint'][:12]}; "
        f"test split: {table.n_records:,} records of {table.n_patients:,} patients",
        f"labels: {facts['labels']['name']}, source: {facts['labels']['source']}; "
        f"{len(classes)} classes: {join(classes)}",
        f"text policy: {_text_policy(table)}; commit: {join(table.commits)}",
    ]
    if table.absent_classes:
        lines.append(f"classes left out, not in the test split: {join(table.absent_classes)}")
    if any(row.measured and row.measured.facts["leaky"] for row in table.rows):
        lines.append(f"{LEAK_MARK} {_LEAK_NOTE}")
    return lines


def _text_policy(table: Table) -> str:
    """The common policy, and what the rows that name another one say."""
    measured = [row.measured for row in table.rows if row.measured and "text" in row.measured.facts["inputs_at_test"]]
    others = {one.facts["text_policy"] for one in measured} - {table.text_policy}
    meanings = [f"'{policy}': {_TEXT_POLICIES[policy]}" for policy in _TEXT_POLICIES if policy in others]
    return "; ".join([table.text_policy or "no method reads text", *meanings])


def reading_notes(table: Table) -> list[str]:
    """What the columns mean and what the paper leaves open."""
    single_label = table.facts["task"] == "single_label"
    accuracy = "of all records" if single_label else "of all yes/no decisions (mean over labels)"
    mcc = "multi-class" if single_label else "mean over labels of the binary one"
    return [
        "AUROC, AUPRC, F1, precision, recall, specificity: macro means, each class against the rest; "
        f"accuracy: {accuracy}; MCC: {mcc}.",
        f"Values are means over seeds, sd is between seeds. Intervals and p: {table.n_resamples:,} resamples of "
        "test patients, the metric averaged over seeds inside each; "
        "the same resamples for all rows, so differences are paired. "
        "p is two-sided and not corrected for the number of rows.",
        "The paper states neither split, labels nor averaging of its Table 2, so its numbers are quoted, not compared.",
    ]


def join(values: Sequence[Any]) -> str:
    """Comma-separated."""
    return ", ".join(map(str, values))
