"""Tell classes that no label taught: ``python -m ecgmm.zero_shot run=outputs/unseen_classes [labels=rhythm]``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("zero_shot", "run")
def main(
    run: str,
    store: str | None,
    data: DictConfig | None,
    labels: DictConfig | None,
    task: DictConfig | None,  # read with a label set, and of no consequence here
    split: str,
    shared_patients: str,
    least_cases: int,
    n_draws: int,
    n_resamples: int,
    out: str | None,
    paths: DictConfig,
) -> None:
    """Read classes by words with finished contrastive runs, print it beside controls, and save the tables."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.runs.run import find_runs
    from ecgmm.shared_space.tables import save_table
    from ecgmm.shared_space.zero_shot_lines import Asked
    from ecgmm.shared_space.zero_shot_rows import zero_shot
    from ecgmm.shared_space.zero_shot_words import to_csv, to_markdown, to_table
    from ecgmm.training.evaluation_choice import Choice
    from ecgmm.training.measured_records import MeasuredRecords

    records = MeasuredRecords.named(store, data, Choice(split=split, shared_patients=shared_patients), paths)
    runs, _ = find_runs([Path(run)])
    found = zero_shot(runs, records, Asked(labels, least_cases, n_draws, n_resamples))
    name = "zero_shot_unseen" if labels is None else f"zero_shot_{found.labels}"
    save_table(Path(run if out is None else out), name, to_markdown(found), to_csv(found), to_table(found))


if __name__ == "__main__":
    command_line.run(main)
