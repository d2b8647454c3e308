"""``README.md`` of a bundle in short: the facts that a stranger needs before anything is run."""

from ecgmm.runs.run import Run


def facts_card(run: Run) -> str:
    """Method, data, inputs, outputs, classes and main metrics of a run, in Markdown."""
    facts, metrics = run.facts, run.metrics
    auroc = metrics["test/auroc_macro"]
    interval = "" if auroc.low is None else f" (95 % interval {auroc.low:.3f} to {auroc.high:.3f})"
    data = f"{facts.data.name}, SYNTHETIC" if facts.data.synthetic else facts.data.name
    thresholds = "" if metrics.thresholds is None else ", ".join(f"{value:.3f}" for value in metrics.thresholds)
    lines = [
        f"# {facts.method}",
        "",
        "A model of 12-lead ECGs and reports, trained with ecgmm. Not a medical device.",
        "",
        f"- Reference: {facts.reference} ({facts.fidelity})",
        f"- Trained on: {data}",
        f"- Looks at: {', '.join(facts.inputs_at_test) or 'nothing'}",
        f"- Labels: {facts.labels.name} ({facts.task}), from {facts.labels.source}: {', '.join(facts.labels.classes)}",
        f"- Macro AUROC of its test split, {metrics.n_records} records of {metrics.n_patients} patients:"
        f" {float(auroc):.3f}{interval}",
        f"- Temperature: {run.temperature:.4f}",
        *([f"- Thresholds of the raw probabilities: {thresholds}"] if thresholds else []),
        "",
        "`ecgmm.load_bundle(folder)` compares every file with `bundle.json` and gives the model back.",
    ]
    return "\n".join(lines) + "\n"
