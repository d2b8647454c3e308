"""Small multiples: two panels, one above the other, for each row of a table."""

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.reporting.grouping import check_comparable, common_choices, group_runs
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_rows import REFERENCE_METHOD
from ecgmm.runs.run import Run

COLUMNS = 4
_TITLE_PT = 7.5
_LONGEST_TITLE = 25


def rows_of(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs of each row by its name, those of gated fusion first; readouts of a run are left out.

    Raises:
        UserError: If the runs do not belong in one figure.
    """
    check_comparable(runs)
    rows = {key: group for key, group in group_runs(runs, common_choices(runs)).items() if not key.readout}
    order = sorted(rows, key=lambda key: (key.method != REFERENCE_METHOD, key))
    return {key.label + LEAK_MARK * bool(rows[key][0].facts.leaky): rows[key] for key in order}


def panels_of(names: Sequence[str], height_in: float, pad_pt: float = 4.0) -> tuple[Figure, list[Axes]]:
    """One panel a row, four side by side.

    Args:
        names: Of the rows, above their panels.
        height_in: Of a panel with its title.
        pad_pt: Between panel and title.
    """
    n_columns = min(COLUMNS, len(names))
    n_lines = ceil(len(names) / n_columns)
    figure = Figure(figsize=(_width_in(n_columns), height_in * n_lines + 0.3), layout="constrained")
    panels = list(figure.subplots(n_lines, n_columns, squeeze=False).ravel())
    return figure, _titled(panels, names, pad_pt)


def pairs_of(
    names: Sequence[str], height_in: float, heights: Sequence[float], pad_pt: float = 4.0
) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Two panels a row, the lower one with the same x, four rows side by side.

    Args:
        names: Of the rows, above their panels.
        height_in: Of a pair with its title.
        heights: Of the upper and the lower panel, as a ratio.
        pad_pt: Between upper panel and title.
    """
    n_columns = min(COLUMNS, len(names))
    n_lines = ceil(len(names) / n_columns)
    figure = Figure(figsize=(_width_in(n_columns), height_in * n_lines + 0.3), layout="constrained")
    panels = figure.subplots(2 * n_lines, n_columns, squeeze=False, height_ratios=[*heights] * n_lines)
    upper, lower = _titled(list(panels[::2].ravel()), names, pad_pt), _titled(list(panels[1::2].ravel()), names, None)
    for above, below in zip(upper, lower, strict=True):
        above.sharex(below)
        above.tick_params(labelbottom=False)
    return figure, list(zip(upper, lower, strict=True))


def _width_in(n_columns: int) -> float:
    return PAGE_WIDTH_IN * max(n_columns, 2) / COLUMNS


def _titled(panels: list[Axes], names: Sequence[str], pad_pt: float | None) -> list[Axes]:
    """The panels that have a row, with its name; the others are removed."""
    for axes in panels[len(names) :]:
        axes.remove()
    for axes, name in zip(panels, names, strict=False):
        if pad_pt is not None:
            short = name if len(name) <= _LONGEST_TITLE else f"{name[: _LONGEST_TITLE - 1]}…"
            axes.set_title(literal(short), loc="left", pad=pad_pt, fontsize=_TITLE_PT)
    return panels[: len(names)]
