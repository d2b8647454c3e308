"""Room of a run on the disk, against what is written."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ecgmm.errors import ConfigError
from ecgmm.training.room import Room, refuse_full_disk, room_of


class _Method(torch.nn.Module):
    """Three weights that learn, two that are frozen."""

    closed_form = False

    def __init__(self) -> None:
        super().__init__()
        self.learns = torch.nn.Parameter(torch.zeros(3))
        self.frozen = torch.nn.Parameter(torch.zeros(2), requires_grad=False)


def test_checkpoints_are_two_of_all_weights_with_two_moments_of_those_that_learn() -> None:
    method = _Method()
    room = room_of(method, keep_checkpoints=False)  # type: ignore[arg-type]  # its weights are what counts
    assert room.training - room.finished == 2 * (5 + 2 * 3) * 4
    kept = room_of(method, keep_checkpoints=True)  # type: ignore[arg-type]
    assert kept.finished == kept.training == room.training
    method.closed_form = True
    assert len(set(room_of(method, keep_checkpoints=True))) == 1  # type: ignore[arg-type]


def test_a_run_that_does_not_fit_is_refused_before_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000 if folder == tmp_path else 0))
    run = tmp_path / "sweep" / "run"
    refuse_full_disk(run, Room(finished=10, training=1000))
    with pytest.raises(
        ConfigError, match=r"about 1\.00 kB while it is trained, and the disk has 1 kB free|paths\.outputs"
    ):
        refuse_full_disk(run, Room(finished=10, training=1001))
    assert not run.parent.exists()
