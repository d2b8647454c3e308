"""Let finished runs write reports from waveforms alone: ``python -m ecgmm.written_reports run=outputs/writing``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("written_reports", "run")
def main(
    run: str,
    store: str | None,
    data: DictConfig | None,
    split: str,
    shared_patients: str,
    n_resamples: int,
    n_shown: int,
    out: str | None,
    paths: DictConfig,
) -> None:
    """Write, print how the reports agree with the real ones, and save tables and a page that stays on the machine."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.runs.run import find_runs
    from ecgmm.training.evaluation_choice import Choice
    from ecgmm.training.measured_records import MeasuredRecords
    from ecgmm.writing.page import save
    from ecgmm.writing.systems import compare
    from ecgmm.writing.table import measure

    # No label is measured, so none can leak; and the report is withheld.
    choice = Choice(split=split, shared_patients=shared_patients, allow_leaky=True)
    runs, _ = find_runs([Path(run)])
    written = measure(compare(runs, MeasuredRecords.named(store, data, choice, paths)), n_resamples)
    save(written, Path(run if out is None else out), n_shown)


if __name__ == "__main__":
    command_line.run(main)
