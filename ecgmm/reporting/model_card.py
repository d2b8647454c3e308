"""Model card of a finished run: what it is, for whom, on what it was measured, and what it does not say.

Its Markdown begins with the YAML that the Hugging Face hub reads (https://huggingface.co/docs/hub/model-cards).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ecgmm.dashboard.content import tags
from ecgmm.reporting import card_parts, card_results
from ecgmm.reporting.card_parts import Part
from ecgmm.reporting.escaping import markdown_text
from ecgmm.reporting.table2_sections import Section
from ecgmm.reporting.tripod import REFERENCE, checklist
from ecgmm.runs.run import Run

SYNTHETIC = "SYNTHETIC data: what stands here shows that the code works, not how the model does on patients."
LEAK = "LEAK: the labels come from the report that the model also reads; the numbers measure the leak."
_HUB_METRICS = {
    "auroc_macro": "roc_auc",
    "accuracy": "accuracy",
    "f1_macro": "f1",
    "precision_macro": "precision",
    "recall_macro": "recall",
    "mcc": "matthews_correlation",
}
"""Names of the hub for metrics of ours."""


@dataclass(frozen=True)
class Card:
    """A card before it is written as Markdown or HTML.

    Attributes:
        title: Its heading.
        warnings: What must be read first.
        parts: Its sections; one without content says that it has none.
    """

    title: str
    warnings: list[str]
    parts: list[Part]


def card(run: Run, groups: Sequence[Section] = ()) -> str:
    """Card of a run as Markdown with the hub's YAML at its head.

    Args:
        run: A finished run.
        groups: Tables of metrics by group, where they were measured.
    """
    made = contents(run, groups)
    lines = ["---", front_matter(run), "---", "", f"# {markdown_text(made.title)}", ""]
    for warning in made.warnings:
        lines += [f"> **{markdown_text(warning)}**", ""]
    for part in made.parts:
        lines += [f"## {part.title}", ""]
        for sentence in part.sentences:
            lines += [markdown_text(sentence), ""]
        if part.points:
            lines += [*(f"- {markdown_text(point)}" for point in part.points), ""]
        for table in part.tables:
            lines += _table(table, part.title)
    return "\n".join(lines).rstrip() + "\n"


def contents(run: Run, groups: Sequence[Section] = ()) -> Card:
    """Title, warnings and parts of a run's card."""
    facts = run.facts
    marks = ((SYNTHETIC, facts.data.synthetic), (LEAK, facts.leaky))
    parts = [
        card_parts.what_it_is(run),
        card_parts.intended_use(run),
        card_results.performance(run),
        card_results.by_group(groups),
        card_results.calibration(run),
        card_results.thresholds(run),
        card_results.other_data(run),
        card_parts.data(run),
        card_parts.participants(run),
        card_parts.labels(run),
        card_parts.leak_audit(run),
        card_parts.training(run),
        card_parts.licences(run),
        card_parts.how_to_use(run),
    ]
    table = checklist({part.title for part in parts if not part.is_empty})
    tripod = Part("TRIPOD+AI", [f"Where this card answers the items of {REFERENCE}."], tables=[table])
    shown = [Part(part.title, ["The run holds nothing on this."]) if part.is_empty else part for part in parts]
    warnings = [text for text, applies in marks if applies]
    return Card(f"{facts.method} on {facts.data.name}, {facts.labels.name}", warnings, [*shown, tripod])


def front_matter(run: Run) -> str:
    """The hub's YAML: licence, tags, metrics and results."""
    from huggingface_hub import EvalResult, ModelCardData

    facts = run.facts
    mark = " (SYNTHETIC)" if facts.data.synthetic else ""
    values = card_results.headline_values(run)
    results = [
        EvalResult(
            task_type="other",
            task_name="12-lead ECG classification",
            dataset_type=facts.data.name,
            dataset_name=f"{facts.data.name}{mark}",
            dataset_split="test",
            dataset_revision=facts.data.fingerprint[:12],
            metric_type=name,
            metric_value=round(float(values[key]), 4),
            metric_name=key,
        )
        for key, name in _HUB_METRICS.items()
        if key in values
    ]
    data = ModelCardData(
        license="other",
        license_name="to-be-chosen-by-the-publisher",
        library_name="ecgmm",
        tags=["ecg", "electrocardiogram", "12-lead", *tags(facts)],
        metrics=[name for key, name in _HUB_METRICS.items() if key in values],
        model_name=facts.method,
        eval_results=results or None,
    )
    return data.to_yaml().rstrip()


def _table(table: Section, under: str) -> list[str]:
    rows = [list(table.head), ["---"] * len(table.head), *map(list, table.lines)]
    cells = [" | ".join(cell if row is rows[1] else markdown_text(cell) or " " for cell in row) for row in rows]
    title = [] if table.title == under else [f"### {markdown_text(table.title)}", ""]
    return [*title, *(f"| {line} |" for line in cells), ""]
