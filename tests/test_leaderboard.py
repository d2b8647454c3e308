"""The leaderboard of the site: ranks as intervals allow, columns where files are, one file a line of its list."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def loaded(name: str) -> ModuleType:
    """A module of the site's, which no package holds."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


board, hooks = loaded("leaderboard"), loaded("hooks")
HEAD = ["method", "inputs at test", "AUROC ± sd over seeds", "95 %"]
TABLE = [
    HEAD,
    ["`low`", "text", "0.600 ± 0.010 ↓↓", "0.550–0.650"],
    ["`best`", "ECG + text", "**0.900** ± 0.001", "0.880–0.920"],
    ["`close`", "ECG", "0.890", "0.870–0.910"],
    ["`close`, wider", "ECG", "0.880", "0.640–0.890"],
]
COST = [["method", "s/epoch", "parameters"], ["`close`", "1.5", "0.2 M"]]
LEADS = [["leads at test", "II", "I II"], ["`close`", "0.7", ""], ["`close`, augmentation.lead_dropout=0.9", "0.8", ""]]
FILES = {"table2": TABLE, "table2_cost": COST, "leads": LEADS}


def cells(text: str) -> dict[str, list[str]]:
    """Cells of each line of a Markdown table by the name of its row."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {line[1]: line for line in lines}


def test_ranks_are_what_the_intervals_leave_open() -> None:
    text = board.leaderboard(board.TEST, FILES.get)
    shown = cells(text)
    assert list(shown)[2:] == ["`best`", "`close`", "`close`, wider", "`low`"]
    assert [shown[name][0] for name in list(shown)[2:]] == ["1–3", "1–3", "1–4", "3–4"]
    assert shown["`best`"][3] == "0.900 ± 0.001"
    assert "Of 6 pairs of rows 2 have intervals that lie apart; the other 4" in text
    assert "`best` stands first, and its interval overlaps with 2 rows" in text


def test_a_row_whose_place_no_draw_changes_has_one_rank() -> None:
    text = board.leaderboard(board.TEST, {"table2": [HEAD, TABLE[1], TABLE[2]]}.get)
    assert [line[0] for line in list(cells(text).values())[2:]] == ["1", "2"]
    assert "`best` is first whatever is drawn" in text


def test_columns_appear_with_their_files_and_variants_keep_to_themselves() -> None:
    shown = cells(board.leaderboard(board.TEST, FILES.get))
    head = shown["row"]
    assert "zero-shot" not in head
    assert "I and II alone" not in head  # there, and empty
    by_name = dict(zip(head, shown["`close`"], strict=True))
    assert (by_name["s/epoch"], by_name["lead II alone"]) == ("1.5", "0.7")
    assert by_name["lead II alone, masked in training"] == "0.8"
    assert dict(zip(head, shown["`close`, wider"], strict=True))["s/epoch"] == "–"
    assert board.leaderboard(board.PTB_XL, FILES.get) == "Not measured yet."


def test_a_file_that_lacks_what_its_line_says_stops_the_building() -> None:
    with pytest.raises(ValueError, match=r"table2_cost\.csv has no 's/epoch'"):
        board.leaderboard(board.TEST, (FILES | {"table2_cost": [["method", "seconds"], ["`close`", "1"]]}).get)


def test_methods_may_be_columns_and_have_no_ranks_without_intervals() -> None:
    files = {"robustness": [["test input", "`a`", "`b`", "the same"], ["as it is", "0.8", "0.9", "1.0"]]}
    lines = [one for one in board.COLUMNS if one.file == "robustness"]
    files["robustness"] += [[one.value, "0.1", "0.2", "0.3"] for one in lines]
    text = board.leaderboard(board.FRESH, files.get)
    assert text.index("`b`") < text.index("`a`")
    assert "the same" not in text
    assert board.NO_RANKS in text


@pytest.mark.parametrize("view", [board.TEST, board.FRESH, board.PTB_XL])
def test_the_result_files_that_are_there_make_every_view(view: str) -> None:
    assert hooks.leaderboard_of(view).startswith("| ")
