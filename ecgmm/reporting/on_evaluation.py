"""Runs scored on an evaluation in place of their test split, such as on a fresh tree of another ``data.seed``."""

from collections.abc import Sequence
from dataclasses import replace

from ecgmm.errors import UserError, printable
from ecgmm.runs.metrics import read_named_evaluations
from ecgmm.runs.run import Run


def on_evaluation(runs: Sequence[Run], name: str) -> list[Run]:
    """The same runs, whose test records are those of an evaluation.

    Args:
        runs: Finished runs.
        name: File of the evaluation in ``<run>/evaluation``, without its ending.

    Raises:
        UserError: If a run has no such evaluation, or one of other classes, or evaluations are of different stores.
    """
    found = []
    for run in runs:
        metrics = read_named_evaluations(run.directory).get(name)
        if metrics is None:
            raise UserError(
                f"{printable(run.directory)} has no evaluation {printable(name)}; make it with"
                f" python -m ecgmm.evaluate run={printable(run.directory)} and the settings of the others"
            )
        if metrics.classes != run.classes:
            raise UserError(
                f"{printable(run.directory)}: evaluation {printable(name)} has the classes {', '.join(metrics.classes)}"
                f" and the run {', '.join(run.classes)}; a table needs the same"
            )
        found.append(replace(run, evaluation=name, evaluated=metrics))
    stores = {run.evaluated.external.fingerprint for run in found if run.evaluated and run.evaluated.external}
    if len(stores) > 1:
        raise UserError(f"evaluations {printable(name)} are of {len(stores)} different stores; evaluate on one")
    return found
