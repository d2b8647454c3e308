"""Tables of runs."""

from pathlib import Path

from ecgmm.reporting.table2 import RESAMPLES, Table2
from ecgmm.reporting.table2 import table2 as table_of
from ecgmm.reporting.table2_rows import REFERENCE_METHOD
from ecgmm.runs.run import find_runs


def table2(*folders: str | Path, n_resamples: int = RESAMPLES, reference: str = REFERENCE_METHOD) -> Table2:
    """Measure the paper's Table 2 from the finished runs at and below some folders; nothing is trained.

    Args:
        folders: Such as ``outputs/table2``.
        n_resamples: Resamples of patients behind intervals and p-values.
        reference: Name of the row that all others are compared with.

    Returns:
        A table to write with ``to_markdown``, ``to_csv``, ``to_latex`` or ``save``; a notebook shows it.

    Raises:
        UserError: If there is no finished run, the runs do not belong in one table, or it has no row of that name.
    """
    runs, _ = find_runs([Path(folder) for folder in folders])
    return table_of(runs, n_resamples, reference)
