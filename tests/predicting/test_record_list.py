"""A list is checked whole before the first record is read: every mistake is told with its line."""

from pathlib import Path

import pytest

from ecgmm.errors import DataError
from ecgmm.predicting.record_list import Listed, check_listed, read_list


def test_a_list_with_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('record,report,id\na\\b,"Sinus rhythm.\nNormal, all.",7\nc,,8\n,Infarct.,9\n')
    assert read_list(path) == [
        Listed("a/b", "Sinus rhythm.\nNormal, all.", "7"),
        Listed("c", None, "8"),
        Listed(None, "Infarct.", "9"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("record\na\n../b\n../c\n", "line 3 leads out of the folder of the records, and 1 more"),
        ("record\n/etc/passwd\n", "line 2 leads out"),
        ("record\na/../../b\n", "line 2 leads out"),
        ("record,report\na,x\n,\nb,\n,NA\n", "line 5 has neither a record nor a report"),
        ("record,id\na,1\nb,1\n", "line 2 has an id that another has too, and 1 more"),
        ("record,id\na,1\nb,\n", "line 3 has no id"),
        ("record,age\na,1\n", "has a column age; its columns are"),
        ("id\n1\n", "neither a column record nor a column report"),
        ("record\n", "has no rows"),
        ("record,report\na,b,c\n", "3 cells at line 2"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_list(path)


def test_rows_from_python_leave_no_folder_either() -> None:
    with pytest.raises(DataError, match="record 2 leads out of root"):
        check_listed([Listed("a"), Listed("../b")])
