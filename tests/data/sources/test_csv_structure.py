"""A CSV is sound where every row has as many fields and no quote stands where none may."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.data.sources import csv_structure
from ecgmm.data.sources.csv_structure import damaged_line

FIELDS = st.text(st.sampled_from('a,"\n\r 1é'), max_size=6)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", 0),
        ("a,b\n", 0),
        ("a,b", 0),
        ("a,b\n1,2\n,\n", 0),
        ("a,b\r\n1,2\r\n\r\n", 0),
        ('\ufeff"a","b"\n1,2\n', 0),
        ('a,b\n"1,\n2",3\n4,5\n', 0),
        ('a,b\n"1 ""x""",""\n', 0),
        ("a,b\n1,2\n3\n", 3),
        ("a,b\n1,2\n3", 3),
        ("a,b\n1,2,3\n", 2),
        ('a,b\n"1\n2",3,4\n', 2),
        ('a,b\n1,2\n"3,4\n5,6\n', 3),
        ('a,b\n1,2"\n', 2),
        ('a,b\n"1"x,2\n', 2),
        ('a,b\n "1",2\n', 2),
        ("a,b\r1,2\r", 1),
        ("a,b\n1\r,2\n", 2),
    ],
)
@pytest.mark.parametrize("chunk", [1, 3, 1 << 22])
def test_the_first_damaged_row_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, line: int, chunk: int
) -> None:
    monkeypatch.setattr(csv_structure, "_CHUNK", max(chunk, 3 * content.startswith("\ufeff")))
    (tmp_path / "table.csv").write_bytes(content.encode())
    assert damaged_line(tmp_path / "table.csv") == line


@given(st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_what_pythons_csv_writes_is_sound(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], ending: str
) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    stream = io.StringIO()
    csv.writer(stream, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    path.write_bytes(stream.getvalue().encode())
    assert damaged_line(path) == 0
    path.write_bytes(stream.getvalue().encode() + b"1,2")
    assert damaged_line(path) > 0


@given(st.text(st.sampled_from('ab,"\n'), max_size=30))
def test_whatever_is_sound_has_the_rows_that_pythons_csv_reads(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    path.write_bytes(content.encode())
    if damaged_line(path) == 0:
        rows = [row for row in csv.reader(io.StringIO(content, newline=""), strict=True) if row]
        assert len({len(row) for row in rows}) <= 1
