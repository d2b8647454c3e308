"""Many files in flight: as many as the settings say, and the store is the same whatever the number."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from ecgmm.data.sources.side_by_side import side_by_side
from ecgmm.data.store.store import Store
from tests.data.preparation.test_preparation import SHUFFLED
from tests.data.trees import SHORT, MimicTree, naming_steps, prepare, write_record


def content(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.path.iterdir()}


@pytest.mark.parametrize("readers", [2, 3, 32, 64])
def test_the_store_does_not_depend_on_the_number_of_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readers: int
) -> None:
    """Records of two layouts and lengths, some that are left out, several windows of each."""
    monkeypatch.setattr("ecgmm.data.preparation.units.BLOCK", 4)
    monkeypatch.setattr("ecgmm.data.preparation.waveform_plan.UNIT", 23)
    tree = MimicTree(tmp_path / "tree", n=60)
    for number in range(0, 60, 7):
        write_record(tree.root / tree.rows[number]["path"], naming_steps(700), SHUFFLED)
    tree.file(1, ".dat").write_bytes(bytes(12_000))
    tree.file(2, ".hea").unlink()
    tree.edit_header(3, "200.0(0)", "0(0)")
    windows = "data.window={length_s:0.4,mode:sliding,stride_s:0.2,pad:zero}"
    one = prepare("mimic_iv_ecg", tree.root, windows, f"data.store={tmp_path / 'one'}")
    many = prepare("mimic_iv_ecg", tree.root, windows, f"data.store={tmp_path / 'many'}", f"data.readers={readers}")
    assert content(many) == content(one)
    assert len(one.manifest["dropped"]) == 3


@pytest.mark.parametrize("ending", [".hea", ".dat"])
def test_as_many_files_are_waited_for_at_once_as_there_are_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """Each opening waits until four are under way: with fewer, it would wait for ever."""
    monkeypatch.setattr("ecgmm.data.preparation.units.BLOCK", 4)
    tree = MimicTree(tmp_path / "tree", n=32)
    barrier, plain = threading.Barrier(4, timeout=30), os.open

    def meeting(path: Any, *arguments: Any, **others: Any) -> int:
        if str(path).endswith(ending):
            barrier.wait()
        return plain(path, *arguments, **others)

    monkeypatch.setattr(os, "open", meeting)
    assert prepare("mimic_iv_ecg", tree.root, SHORT, "data.readers=4").records.height == 32


def test_results_come_in_the_order_of_their_tasks() -> None:
    assert list(side_by_side(lambda number: number * number, range(50), 8)) == [n * n for n in range(50)]


def test_what_a_thread_raises_reaches_who_asked() -> None:
    def refuse(number: int) -> int:
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        list(side_by_side(refuse, range(3), 2))
