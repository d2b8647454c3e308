"""Text of runs, which others may have made, in files that other programs interpret: one function a format."""

import re

from ecgmm.errors import printable

_LONGEST = 20_000
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": "$<$",  # the usual font encoding prints another sign for it
    ">": "$>$",
    "–": "--",
    "↓": r"$^{\downarrow}$",
    "↑": r"$^{\uparrow}$",
    "†": r"$^{\dagger}$",
}


def csv_text(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe; numbers stay."""
    shown = printable(text, _LONGEST)
    is_formula = shown.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(shown)
    return f"'{shown}" if is_formula or text[:1] in ("\t", "\r", "\n") else shown


def markdown_text(text: str) -> str:
    """A line or cell without HTML, links, code and ends of cells; ``**`` stays what makes bold.

    A ``<`` that begins no tag, as in ``p < 0.05`` or ``<0.001``, stays as it is.
    """
    shown = re.sub(r"[\\`|]", r"\\\g<0>", printable(text, _LONGEST))
    shown = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", shown).replace(">", "&gt;")
    return re.sub(r"\](?=[(:\[])", r"\\]", shown)


def latex_text(text: str) -> str:
    """Text in which LaTeX finds no command; what stands between ``**`` is bold.

    A bracket or star at the beginning would belong to the line break before it.
    """
    escaped = "".join(_LATEX.get(character, character) for character in printable(text, _LONGEST))
    bold = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", escaped)
    return f"{{}}{bold}" if bold.startswith(("[", "*")) else bold
