"""Explain one answer: ``python -m ecgmm.explain run=outputs/train/default record=path/40689238 report="..."``."""

from ecgmm.commands import command_line


@command_line.command("explain", "run", "record", "report")
def main(
    run: str,
    record: str | None,
    report: str | None,
    class_: str | None,
    by: str,
    sanity: bool,
    seed: int,
    out: str,
) -> None:
    """Print what counted for the answer, and save a page, figures and every number.

    Warnings about the input go to standard error.
    """
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.explaining.explanation import explain, prepared
    from ecgmm.explaining.files import save
    from ecgmm.explaining.sanity import check_sanity
    from ecgmm.explaining.words import in_words, verdicts
    from ecgmm.predicting.inputs import read_input
    from ecgmm.runs.loading import load_model
    from ecgmm.runs.run import Run

    facts = Run.open(Path(run)).facts
    model = load_model(Path(run))
    given = read_input(model, None if record is None else Path(record), report)
    explanation = explain(model, given, class_, by)
    say(*in_words(explanation))
    checks = None
    if sanity:
        index = explanation.class_index
        checks = check_sanity(model, prepared(model, given), index, by, explanation.attribution, seed)
        say(*map(str, verdicts(explanation, checks)))
    files = save(explanation, facts, Path(out), checks)
    say(*(f"note: {note}" for note in explanation.notes), to_stderr=True)
    held = "; page and tables hold the report's text" if explanation.statements else ""
    say(f"saved {', '.join(file.name for file in files)} in {out}{held}")


if __name__ == "__main__":
    command_line.run(main)
