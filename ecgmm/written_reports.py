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

    from ecgmm.console.terminal import say
    from ecgmm.runs.run import find_runs
    from ecgmm.training.evaluation_choice import Choice
    from ecgmm.training.other_store import named_store
    from ecgmm.writing.page import save
    from ecgmm.writing.systems import compare
    from ecgmm.writing.table import measure

    # No label is measured, so none can leak; and the report is withheld.
    choice = Choice(split=split, shared_patients=shared_patients, allow_leaky=True)
    folder = Path(run)
    runs, _ = find_runs([folder])
    written = measure(compare(runs, named_store(store, data), choice, Path(paths.stores)), n_resamples)
    say(*written.to_markdown().split("\n"))
    say(*save(written, folder if out is None else Path(out), n_shown))


if __name__ == "__main__":
    command_line.run(main)
