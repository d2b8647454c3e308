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
from ecgmm.runs.run import Run

_TEMPLATE = "card.html.jinja"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm card", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of a finished run")
    parser.add_argument("--out", type=Path, default=Path("card.md"), help="file to write, .md or .html (card.md)")
    options = parser.parse_args(arguments)
    return exit_code(lambda: write(options.run, options.out))


def write(directory: Path, out: Path) -> None:
    """Write the card of a run.

    Raises:
        UserError: If there is no finished run, or the file would be neither Markdown nor HTML.
    """
    if out.suffix not in (".md", ".html"):
        raise UserError(f"--out is {printable(out)}; it must end in .md or .html")
    run = Run.open(directory)
    text = card(run) if out.suffix == ".md" else page(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text.encode())
    say(f"saved {out}")


def page(run: Run) -> str:
    """The card as an HTML page that asks for nothing from a network."""
    made = contents(run)
    template = templates(Path(__file__).parent, {}).get_template(_TEMPLATE)
    return template.render(card=made, synthetic=run.facts.data.synthetic)
