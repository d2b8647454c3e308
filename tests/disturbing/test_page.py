"""The page of the suite: its table of kinds is that of the catalogue."""

from pathlib import Path

from ecgmm.settings.disturbances import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "robustness.md"


def table() -> str:
    """The catalogue as Markdown."""
    lines = ["| kind | disturbed | what happens | strengths |", "|---|---|---|---|"]
    for name, kind in KINDS.items():
        strengths = ", ".join(f"{strength:g}" for strength in kind.strengths)
        lines.append(f"| `{name}` | {kind.modality} | {kind.what} | {strengths} ({kind.unit}) |")
    return "\n".join(lines)


def test_the_page_lists_every_kind_with_its_strengths() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")
