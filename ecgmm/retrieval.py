"""Rank reports for waveforms and waveforms for reports: ``python -m ecgmm.retrieval run=outputs/table2``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("retrieval", "run")
def main(
    run: str,
    store: str | None,
    data: DictConfig | None,
    split: str,
    shared_patients: str,
    pool: int,
    n_pools: int,
    n_resamples: int,
    seed: int,
    out: str | None,
    paths: DictConfig,
) -> None:
    """Embed records of finished contrastive runs, print how well the halves find each other, and save the tables."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.runs.run import find_runs
    from ecgmm.shared_space.retrieval import Wishes, retrieval
    from ecgmm.shared_space.tables import save_table
    from ecgmm.training.evaluation_choice import Choice
    from ecgmm.training.measured_records import MeasuredRecords

    records = MeasuredRecords.named(store, data, Choice(split=split, shared_patients=shared_patients), paths)
    runs, _ = find_runs([Path(run)])
    found = retrieval(runs, records, Wishes(pool, n_pools, n_resamples, seed))
    save_table(Path(run if out is None else out), "retrieval", found.to_markdown(), found.to_csv(), found.to_table())


if __name__ == "__main__":
    command_line.run(main)
