"""Classify records: ``python -m ecgmm.predict run=outputs/train/default record=path/40689238 report="..."``.

Many at once: ``python -m ecgmm.predict run=outputs/train/default records=list.csv out=predictions.csv``.
"""

from typing import TYPE_CHECKING

from ecgmm.commands import command_line
from ecgmm.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from ecgmm.predicting.many import Wishes
    from ecgmm.runs.loading import SavedModel


@command_line.command("predict", "run", "record", "report")
def main(
    run: str,
    record: str | None,
    report: str | None,
    records: str | None,
    root: str | None,
    out: str | None,
    coverage: float,
    sheets: str | None,
    sheet_format: str,
    n_processes: int | None,
) -> None:
    """Print the prediction for one record, or write the table of many.

    Warnings about the prediction go to standard error.
    """
    if records is not None and (record is not None or report is not None):
        raise ConfigError("records=... names many records; leave record=... and report=... out, or records=...")
    if records is not None and out is None:
        raise ConfigError("records=... needs out=..., the table to write, such as out=predictions.csv")
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.predicting.many import Wishes
    from ecgmm.runs.loading import load_model

    wishes = Wishes(coverage, None if sheets is None else Path(sheets), sheet_format)
    table = None if out is None else Path(out)
    if records is None:
        _predict_one(load_model(Path(run)), record, report, table, wishes)
        return
    from ecgmm.console.ending import SOME_REFUSED
    from ecgmm.console.terminal import say
    from ecgmm.predicting.many import predict_many
    from ecgmm.predicting.record_list import read_list

    listed = read_list(Path(records))
    folder = Path(records).parent if root is None else Path(root)
    found = predict_many(load_model(Path(run)), listed, folder, table, wishes, n_processes)
    n_refused = found.height - found["refused"].null_count()
    reasons = "; column refused says why" if n_refused else ""
    say(f"{out}: {found.height:,} records, {found.height - n_refused:,} predicted, {n_refused:,} refused{reasons}")
    if n_refused:
        raise SystemExit(SOME_REFUSED)


def _predict_one(
    model: "SavedModel", record: str | None, report: str | None, out: "Path | None", wishes: "Wishes"
) -> None:
    """Print the prediction for one record; write a table of it and its sheet where they are wished."""
    from pathlib import Path

    from ecgmm.console.terminal import say
    from ecgmm.predicting.inputs import read_input
    from ecgmm.predicting.prediction import predict

    given = read_input(model, None if record is None else Path(record), report)
    [prediction] = predict(model, [given], wishes.coverage)
    for name, value in prediction.probabilities.items():
        calibrated = "" if prediction.calibrated is None else f" {prediction.calibrated[name]:.3f}"
        say(f"{name:<24} {value:.3f}{calibrated}")
    say(*prediction.summary(), *prediction.words)
    say(*(f"note: {note}" for note in prediction.notes), to_stderr=True)
    if out is not None:
        from ecgmm.predicting.record_list import Listed
        from ecgmm.predicting.table import row_of, table_of, write_table

        out.parent.mkdir(parents=True, exist_ok=True)
        write_table(table_of([row_of(1, Listed(record, report), prediction)], model.facts.class_names), out)
    if wishes.sheets is not None:
        from ecgmm.predicting.sheets import save_sheet

        wishes.sheets.mkdir(parents=True, exist_ok=True)
        file = wishes.sheets / f"000001.{wishes.sheet_format}"
        save_sheet(file, model.facts, given, prediction, "report" if record is None else Path(record).name)


if __name__ == "__main__":
    command_line.run(main)
