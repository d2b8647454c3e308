"""Write one self-contained HTML page of runs: ecgmm report outputs/table2 [more folders] --out report.html.

What was found in a sentence a section, figures, tables, configuration, provenance, and where the runs depart from the
paper. The page asks for nothing from a network, and holds no id of a patient or record. `make figures` calls it for all
experiments; the folder of one run, given alone, gets the page that training leaves in it (``run_page``).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.plots.look import look
from ecgmm.reporting import forest, run_page
from ecgmm.reporting import report_contents as contents
from ecgmm.reporting.chapters import Chapter, Part, write_page
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.drawing import save
from ecgmm.reporting.images import image_of
from ecgmm.reporting.report_figures import figures
from ecgmm.reporting.report_tables import tables
from ecgmm.reporting.table2 import RESAMPLES
from ecgmm.runs.facts import RUN
from ecgmm.runs.run import find_runs
from ecgmm.runs.store_of_run import STORES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm report", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument(
        "--out", type=Path, help="file to write (default report.html; of one run, given alone, RUN/report.html)"
    )
    parser.add_argument("--figures", type=Path, help="folder that gets each figure as PDF, PNG and caption as well")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"patient resamples (default {RESAMPLES})")
    parser.add_argument("--stores", type=Path, default=STORES, help="folder that holds stores (default stores/)")
    options = parser.parse_args(arguments)
    first, *others = options.folders
    if not others and options.out is None and options.figures is None and (first / RUN).exists():
        return exit_code(lambda: say(f"saved {run_page.write(first)}"))
    out = options.out or Path("report.html")
    return exit_code(lambda: write(options.folders, out, options.figures, options.resamples, options.stores))


def write(folders: list[Path], out: Path, figure_folder: Path | None, n_resamples: int, stores: Path = STORES) -> None:
    """Collect runs, write the page, and the figures too where a folder for them is given.

    Raises:
        UserError: If there are no finished runs. What only a part of the page lacks is said in that part.
    """
    runs, unfinished = find_runs(folders)
    measured, left_out = tables(runs, n_resamples)
    compared = next(iter(contents.by_experiment(measured[0].runs).values())) if measured else runs
    with look():
        forests = [forest.draw(one.table, one.runs) for one in measured]
    shown = figures(runs, compared, stores)
    facts = contents.header(runs)
    if unfinished:
        facts["Left out, not finished"] = "; ".join(directory.name for directory in unfinished)
    leading = [
        Chapter(f"forest-{number}", one.title, drawing.found, images=[image_of(drawing)])
        for number, (one, drawing) in enumerate(zip(measured, forests, strict=True), 1)
    ]
    missing = [f"No table of {name}: {reason}." for name, reason in left_out.items()]
    missing += [f"{title}: not drawn, {reason}." for title, reason in shown.missing.items()]
    chapters = [
        *leading,
        *shown.chapters,
        *([Chapter("missing", "What is not shown", parts=[Part("", lines=missing)])] if missing else []),
        *(one.chapter(f"table-{number}") for number, one in enumerate(measured, 1)),
        *contents.closing(runs, compared),
    ]
    write_page(out, "Report of runs of ecgmm", contents.warnings(runs), facts, chapters)
    say(f"saved {out} from {len(runs)} runs")
    for number, drawing in enumerate([*forests, *shown.drawings]):
        if figure_folder and not 0 < number < len(forests):  # one forest: that of the first table
            say(*save(drawing, figure_folder))
