"""One process at a time; who waits and who cannot know is told who holds the lock."""

import json
import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ecgmm.data.lock import one_process
from ecgmm.errors import DataError

CONTEXT = multiprocessing.get_context("fork")


def hold(folder: Path, seconds: float, started: Any) -> None:
    with one_process(folder, "prepares"):
        started.set()
        time.sleep(seconds)


def start_holder(folder: Path, seconds: float) -> Any:
    started = CONTEXT.Event()
    process = CONTEXT.Process(target=hold, args=(folder, seconds, started))
    process.start()
    assert started.wait(10)
    return process


def test_a_second_process_waits_for_the_first_and_says_for_whom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = start_holder(tmp_path / "x", 0.4)
    before = time.monotonic()
    with caplog.at_level(logging.INFO), one_process(tmp_path / "x", "prepares"):
        waited = time.monotonic() - before
    first.join()
    assert waited > 0.2
    assert f"process {first.pid} on host " in caplog.text
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    first = start_holder(tmp_path / "x", 60)
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
    with one_process(tmp_path / "x", "prepares"):
        pass
    assert not list(tmp_path.iterdir())


def test_other_folders_do_not_wait(tmp_path: Path) -> None:
    first = start_holder(tmp_path / "x", 60)
    with one_process(tmp_path / "y", "prepares"):
        pass
    first.kill()
    first.join()


def test_of_a_process_on_another_host_nobody_knows_whether_it_lives(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(json.dumps({"pid": 12, "host": "elsewhere"}))
    with (
        pytest.raises(DataError, match=r"process 12 on host elsewhere that prepares .*x is at work or was killed"),
        one_process(tmp_path / "x", "prepares"),
    ):
        pass
    lock.unlink()
    with one_process(tmp_path / "x", "prepares"):
        pass


def test_many_processes_take_turns(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [CONTEXT.Process(target=count, args=(tmp_path / "x", counter, 20)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert counter.read_text() == "80"


def count(folder: Path, counter: Path, times: int) -> None:
    for _ in range(times):
        with one_process(folder, "counts in"):
            counter.write_text(str(int(counter.read_text()) + 1))
