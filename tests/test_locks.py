"""One process at a time; who waits and who cannot know is told who holds the lock."""

import errno
import fcntl
import json
import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ecgmm.errors import DataError
from ecgmm.locks import one_process
from tests.patience import HUNG_S

CONTEXT = multiprocessing.get_context("fork")


def hold(folder: Path, seconds: float, started: Any) -> None:
    with one_process(folder, "prepares"):
        started.set()
        time.sleep(seconds)


def start_holder(folder: Path, seconds: float) -> Any:
    started = CONTEXT.Event()
    process = CONTEXT.Process(target=hold, args=(folder, seconds, started))
    process.start()
    assert started.wait(HUNG_S)
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


def no_locks(number: int) -> Any:
    def flock(_handle: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    return flock


FOREIGN: dict[str, Any] = {
    "garbage": lambda file: file.write_bytes(b"\x00\xffgarbage"),
    "a list": lambda file: file.write_text("[]"),
    "a number": lambda file: file.write_text("7"),
    "nested without end": lambda file: file.write_text("[" * 2000),
    "without a host": lambda file: file.write_text('{"pid": 1}'),
    "cut": lambda file: file.write_text('{"pid": 1, "ho'),
    "huge": lambda file: file.write_bytes(b" " * 10_000_000),
    "a precious text": lambda file: file.write_text("precious"),
    "a link to a file": lambda file: (file.with_name("victim").write_text("precious"), file.symlink_to("victim")),
    "a link to nothing": lambda file: file.symlink_to("nothing"),
    "a link to itself": lambda file: file.symlink_to(file),
    "a folder": lambda file: file.mkdir(),
    "a FIFO": os.mkfifo,
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_lock_is_left_alone(tmp_path: Path, what: str) -> None:
    file = tmp_path / "x.lock"
    FOREIGN[what](file)
    before = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    content = file.read_bytes() if file.is_file() else None
    with (
        pytest.raises(DataError, match=r"x\.lock (is|holds) .*move it away and start again"),
        one_process(tmp_path / "x", "prepares"),
    ):
        pass
    assert {path.name: path.lstat().st_mode for path in tmp_path.iterdir()} == before
    assert content is None or file.read_bytes() == content


def test_an_empty_lock_is_free(tmp_path: Path) -> None:
    (tmp_path / "x.lock").touch()
    with one_process(tmp_path / "x", "prepares"):
        pass
    assert not list(tmp_path.iterdir())


def test_what_took_the_place_of_a_lock_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.lock"
    with one_process(tmp_path / "x", "prepares"):
        file.unlink()
        file.write_text("precious")
    assert file.read_text() == "precious"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_without_locks_the_file_itself_is_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", no_locks(number))
    for _ in range(2):
        with one_process(tmp_path / "x", "prepares"):
            assert json.loads((tmp_path / "x.lock").read_text())["pid"] == os.getpid()
            with (
                pytest.raises(DataError, match=rf"process {os.getpid()} on host .*end it, then move .*x\.lock away"),
                one_process(tmp_path / "x", "prepares"),
            ):
                pass
            assert (tmp_path / "x.lock").exists()
        assert not list(tmp_path.iterdir())


def test_with_an_error_the_lock_goes_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for flock in (fcntl.flock, no_locks(errno.ENOLCK)):
        monkeypatch.setattr(fcntl, "flock", flock)
        with pytest.raises(KeyError), one_process(tmp_path / "x", "prepares"):
            raise KeyError
        assert not list(tmp_path.iterdir())


def test_a_name_in_a_lock_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_text(json.dumps({"pid": 1, "host": "\x1b]0;title\x07elsewhere"}))
    with pytest.raises(DataError, match="elsewhere") as raised, one_process(tmp_path / "x", "prepares"):
        pass
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM], ids=errno.errorcode.get)
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with (
        pytest.raises(DataError, match=rf"x\.lock cannot be opened .*{os.strerror(number)}.*set paths"),
        one_process(tmp_path / "x", "prepares"),
    ):
        pass


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "x", tmp_path / "file" / "deeper" / "x"):
        with pytest.raises(DataError, match="a file is where its folder should be"), one_process(folder, "prepares"):
            pass
