"""Write one self-contained HTML page of runs: ecgmm report outputs/table2 [more folders] --out report.html.

Tables, whichever figures the runs allow, configuration, provenance, and where the runs depart from the paper. The page
asks for nothing from a network, and holds no id of a patient or record. `make figures` calls it for all experiments.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup, escape

from ecgmm.console.terminal import say
from ecgmm.files import write_whole
from ecgmm.plots.page import templates
from ecgmm.reporting import report_contents as contents
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.drawing import save
from ecgmm.reporting.report_figures import figures
from ecgmm.reporting.report_tables import tables
from ecgmm.reporting.table2 import RESAMPLES
from ecgmm.runs.run import find_runs
from ecgmm.runs.store_of_run import STORES

_TEMPLATE = "report.html.jinja"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm report", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="file to write (default report.html)")
    parser.add_argument("--figures", type=Path, help="folder that gets each figure as PDF, PNG and caption as well")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"patient resamples (default {RESAMPLES})")
    parser.add_argument("--stores", type=Path, default=STORES, help="folder that holds stores (default stores/)")
    options = parser.parse_args(arguments)
    return exit_code(lambda: write(options.folders, options.out, options.figures, options.resamples, options.stores))


def write(folders: list[Path], out: Path, figure_folder: Path | None, n_resamples: int, stores: Path = STORES) -> None:
    """Collect runs, write the page, and the figures too where a folder for them is given.

    Raises:
        UserError: If there are no finished runs. What only a part of the page lacks is said in that part.
    """
    runs, unfinished = find_runs(folders)
    drawn, left_out = tables(runs, n_resamples)
    compared = next(iter(contents.by_experiment(drawn[0].runs).values())) if drawn else runs
    shown = figures(runs, compared, stores)
    page = (
        templates(Path(__file__).parent, {"cell": _cell, "name": _name})
        .get_template(_TEMPLATE)
        .render(
            synthetic=any(run.facts.data.synthetic for run in runs),
            of_patients=any(not run.facts.data.synthetic for run in runs),
            leaky=any(run.facts.leaky for run in runs),
            facts=contents.header(runs),
            unfinished=[directory.name for directory in unfinished],
            tables=drawn,
            left_out=left_out,
            figures=shown,
            participants=contents.participants(compared),
            deviations=contents.deviations(compared),
            configurations=contents.configurations(runs),
            experiments=contents.experiments(runs),
            provenance=contents.provenance(runs),
        )
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, page.encode())
    say(f"saved {out} from {len(runs)} runs")
    for one in shown:
        if one.drawing and figure_folder:
            say(*save(one.drawing, figure_folder))


def _cell(text: str) -> Markup:
    """A cell of a table, in which ``**`` stands around what is bold."""
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text))))  # noqa: S704 (escaped before)


def _name(text: str) -> Markup:
    """The name of a row, which may break behind ``_``, ``=`` and a comma where the page is narrow."""
    return Markup(re.sub(r"([_=,])(?=\w)", r"\1<wbr>", str(escape(text))))  # noqa: S704 (escaped before)
