"""Tabulate how runs do on the carts of another hospital: ecgmm second_cart outputs/second_cart.

Reads what `python -m ecgmm.evaluate ... name=second_cart...` has saved in runs of
`python -m ecgmm.train +experiment=second_cart`. Prints Markdown and saves second_cart.md and second_cart.csv in the
folder.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from ecgmm.errors import UserError, printable
from ecgmm.reporting.command import run_on_folder, save_and_say
from ecgmm.reporting.escaping import markdown_text
from ecgmm.reporting.per_seed import gather, to_csv, to_markdown
from ecgmm.runs.metrics import Metrics, read_named_evaluations
from ecgmm.runs.run import Run, find_runs

_NAME = "second_cart"
_PLAIN = ""
COLUMNS = ("AUROC at home", "AUROC", "lost and won back", "ECE", "NLL", "90 % sets hold the class", "classes in a set")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return run_on_folder("second_cart", __doc__, "folder that holds the runs, at any depth", draw, arguments)


def draw(folder: Path) -> None:
    """Collect, print and save.

    Raises:
        UserError: If the folder holds no finished run, or none that was evaluated on the second cart.
    """
    runs, _ = find_runs([folder])
    cells = gather(value for run in runs for value in _values(run, runs))
    if not cells:
        raise UserError(
            f"no run in {printable(folder)} was evaluated on the second cart; do so with python -m ecgmm.evaluate"
            f" run=... data.second_cart=1 split=all name={_NAME}"
        )
    data = "SYNTHETIC data. " if all(run.facts.data.synthetic for run in runs) else ""
    seeds = sorted({run.seed for run in runs})
    note = (
        f"{data}Macro AUROC, calibration and sets on the other hospital, mean ± sd over seeds {seeds}. Lost and won"
        " back: share of the AUROC that the method loses between its own test split and the other hospital, trained and"
        " evaluated as it is, which the row wins back. ECE and NLL: after the temperature of the run's validation, or"
        " of the probabilities that were adapted to other shares of the classes."
    )
    text = f"{markdown_text(note)}\n\n{to_markdown('run, adaptation', cells, COLUMNS)}"
    save_and_say(folder, _NAME, text, to_csv(cells))


def _values(run: Run, runs: Sequence[Run]) -> Iterator[tuple[str, str, float]]:
    lost = _lost(run, runs)
    for metrics in _on_second_cart(run):
        adapted = f"adapted: {' + '.join(metrics.adaptation.steps)}" if metrics.adaptation else "as it is"
        row = f"{run.method}{_training(run)}, {adapted}"
        auroc = _value(metrics, "auroc_macro")
        yield row, COLUMNS[0], float(run.metrics["test/auroc_macro"])
        yield row, COLUMNS[1], auroc
        if lost is not None and auroc != lost[1]:
            home, away = lost
            yield row, COLUMNS[2], (auroc - away) / (home - away)
        suffix = "" if metrics.temperature is None else "_calibrated"
        yield row, COLUMNS[3], _value(metrics, f"ece{suffix}")
        yield row, COLUMNS[4], _value(metrics, f"nll{suffix}")
        if metrics.conformal is not None:
            yield row, COLUMNS[5], metrics.conformal.coverage
            yield row, COLUMNS[6], metrics.conformal.mean_size


def _lost(run: Run, runs: Sequence[Run]) -> tuple[float, float] | None:
    """AUROC at home and away of the same method and seed, trained and evaluated as it is."""
    for other in runs:
        if (other.method, other.seed, _training(other)) == (run.method, run.seed, _PLAIN):
            for metrics in _on_second_cart(other):
                if metrics.adaptation is None:
                    return float(other.metrics["test/auroc_macro"]), _value(metrics, "auroc_macro")
    return None


def _on_second_cart(run: Run) -> list[Metrics]:
    evaluations = read_named_evaluations(run.directory).items()
    return [metrics for name, metrics in evaluations if name.startswith(_NAME) and metrics.external is not None]


def _value(metrics: Metrics, key: str) -> float:
    assert metrics.external is not None
    return float(metrics[f"{metrics.external.split}/{key}"])


def _training(run: Run) -> str:
    """How the run was trained, where not as it is by default."""
    asked = {
        " on both carts": OmegaConf.select(run.config, "data.second_cart"),
        " with GroupDRO": OmegaConf.select(run.config, "domains.column"),
        " with random style": OmegaConf.select(run.config, "augmentation.style"),
    }
    return "".join(words for words, value in asked.items() if value) or _PLAIN
