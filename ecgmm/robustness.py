"""Let finished runs meet disturbed test inputs: ``python -m ecgmm.robustness run=outputs/table2 [kinds=[...]]``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("robustness", "run")
def main(
    run: str,
    store: str | None,
    data: DictConfig | None,
    split: str,
    kinds: list[str] | None,
    strengths: list[int],
    seed: int,
    allow_leaky: bool,
    shared_patients: str,
    n_resamples: int,
    out: str | None,
    n_jobs: int,
    paths: DictConfig,
) -> None:
    """Predict, print AUROC by row and kind, and save predictions in the runs and tables beside them."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.disturbing.suite import Plan, run_suite
    from ecgmm.reporting.robustness import robustness
    from ecgmm.runs.run import find_runs
    from ecgmm.settings.disturbances import KINDS
    from ecgmm.training.evaluation_choice import Choice
    from ecgmm.training.other_store import named_store

    folder = Path(run)
    runs, _ = find_runs([folder])
    plan = Plan(
        other=named_store(store, data),
        choice=Choice(split=split, allow_leaky=allow_leaky, shared_patients=shared_patients),
        stores=Path(paths.stores),
        kinds=list(KINDS) if kinds is None else list(kinds),
        strengths=list(strengths),
        seed=seed,
    )
    suites = run_suite([one.directory for one in runs], plan, n_jobs)
    table = robustness(runs, n_resamples, suites[0].folder.name)
    table.save(folder if out is None else Path(out))
    say(*table.to_markdown().split("\n"))
    say(f"saved {(folder if out is None else Path(out)) / 'robustness'}.md, .csv, .html and _pairs.csv")


if __name__ == "__main__":
    command_line.run(main)
