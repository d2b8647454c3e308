"""Files of weights that others made: where their state dict stands, and that nothing else of them is read."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ecgmm.errors import ConfigError, DataError
from ecgmm.runs.weight_files import read_weight_file

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "n": torch.tensor(3)}


@pytest.mark.parametrize(
    "content",
    [STATE, *({key: STATE, "epoch": 3} for key in ("state_dict", "model_state_dict", "model")), {**STATE, "note": "x"}],
)
@pytest.mark.parametrize("ending", [".pt", ".pth", ".ckpt", ".bin"])
def test_a_state_dict_is_found_where_it_stands(tmp_path: Path, content: dict[str, object], ending: str) -> None:
    torch.save(content, tmp_path / f"file{ending}")
    read = read_weight_file(tmp_path / f"file{ending}")
    assert read.keys() == STATE.keys()
    assert all(torch.equal(read[name], STATE[name]) for name in STATE)


def test_safetensors_give_the_same(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "file.safetensors")
    read = read_weight_file(tmp_path / "file.safetensors")
    assert all(torch.equal(read[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, {"state_dict": {"a": "text"}}, torch.zeros(3)])
def test_a_file_without_weights_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "file.pt")
    with pytest.raises(DataError, match="holds no weights by name"):
        read_weight_file(tmp_path / "file.pt")


def test_a_whole_module_is_refused_and_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(DataError, match="holds more than weights, which is never run"):
        read_weight_file(tmp_path / "module.pt")
    os.mkfifo(tmp_path / "fifo.pt")
    with pytest.raises(DataError, match="is not a regular file"):
        read_weight_file(tmp_path / "fifo.pt")


class _Code:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ran",)


def test_code_in_a_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.pt").write_bytes(pickle.dumps({"state_dict": _Code()}, protocol=2))
    with pytest.raises(DataError, match="holds more than weights, which is never run"):
        read_weight_file(tmp_path / "code.pt")
    assert not (tmp_path / "ran").exists()


def test_damage_and_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"\x00" * 7)
    save_file({"a": torch.full((2,), torch.nan)}, tmp_path / "nan.safetensors")
    with pytest.raises(DataError, match="is damaged: it holds no weights"):
        read_weight_file(tmp_path / "cut.safetensors")
    with pytest.raises(DataError, match=r"weights that are not finite \(a\)"):
        read_weight_file(tmp_path / "nan.safetensors")
    with pytest.raises(ConfigError, match="no file of weights by its ending"):
        read_weight_file(tmp_path / "weights.onnx")
