"""Write the model card of a finished run: ecgmm card outputs/train/default --out card.md.

A file that ends in ``.html`` becomes a page that stands alone. Neither holds an id, a report's words, or a folder.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.errors import UserError, printable
from ecgmm.files import write_whole
from ecgmm.plots.page import templates
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.model_card import card, contents
from ecgmm.reporting.subgroups import sections
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import STORES

_TEMPLATE = "card.html.jinja"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm card", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of a finished run")
    parser.add_argument("--out", type=Path, default=Path("card.md"), help="file to write, .md or .html (card.md)")
    parser.add_argument("--stores", type=Path, default=STORES, help="folder that holds stores (default stores/)")
    options = parser.parse_args(arguments)
    return exit_code(lambda: write(options.run, options.out, options.stores))


def write(directory: Path, out: Path, stores: Path = STORES) -> None:
    """Write the card of a run; groups stand in it where its store is found, which says who is who.

    Raises:
        UserError: If there is no finished run, or the file would be neither Markdown nor HTML.
    """
    if out.suffix not in (".md", ".html"):
        raise UserError(f"--out is {printable(out)}; it must end in .md or .html")
    run = Run.open(directory)
    groups = _groups(run, stores)
    text = card(run, groups) if out.suffix == ".md" else page(run, groups)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text.encode())
    say(f"saved {out}")


def _groups(run: Run, stores: Path) -> list[Section]:
    """AUROC and the other metrics by group; `ecgmm subgroups` has the rest."""
    try:
        return sections([run], stores)[:3]
    except UserError as error:
        say(f"no groups in the card: {error}", to_stderr=True)
        return []


def page(run: Run, groups: Sequence[Section] = ()) -> str:
    """The card as an HTML page that asks for nothing from a network."""
    made = contents(run, groups)
    template = templates(Path(__file__).parent, {}).get_template(_TEMPLATE)
    return template.render(card=made, synthetic=run.facts.data.synthetic)
