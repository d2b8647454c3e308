"""How processes end: exit codes, signals that are never lost, output that cannot be written."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ecgmm.console.ending import Stopped, StopSignals, ended
from ecgmm.console.system_errors import first_sentence
from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.data.batches.loader import BatchLoader, in_place
from ecgmm.errors import DataError
from tests.patience import HUNG_S

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]


class _Numbers:
    """Stands for a data set whose batches take a moment."""

    def __len__(self) -> int:
        return 40

    def announced_batch(self, part: Any, share: slice) -> Any:
        time.sleep(0.0002)
        return part


def iterate(seconds: float) -> None:
    loader = BatchLoader(cast(RecordDataset, _Numbers()), 4, in_place(40), prefetch=2)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        batches = iter(loader)
        for _ in range(random.randrange(1, 10)):
            next(batches)
        del batches  # left in the middle: its finaliser ends the thread


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_has_its_exit_code_and_one_sentence(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)

    def work() -> None:
        try:
            send(number)
            time.sleep(60)
        except Stopped as stop:
            stop.add_note("the same command goes on")
            raise

    assert ended(work, first_sentence) == code
    assert capsys.readouterr().err == f"stopped by {number.name}; the same command goes on\n"
    assert signal.getsignal(number) == before


def test_no_interrupt_is_lost_whatever_it_meets(capfd: pytest.CaptureFixture[str]) -> None:
    generator = random.Random(0)
    for _ in range(40):
        timer = threading.Timer(generator.uniform(0.001, 0.03), send, [signal.SIGINT])

        def work(timer: threading.Timer = timer) -> None:
            timer.start()  # here, where a signal is already taken care of: on a busy machine a start takes a while
            iterate(60)

        started = time.monotonic()
        assert ended(work, first_sentence) == 130
        assert time.monotonic() - started < 2
        timer.join()
    assert "Exception ignored" not in capfd.readouterr().err


class _Interrupted:
    """An object whose finaliser is interrupted; Python ignores what is raised there."""

    def __del__(self) -> None:
        send(signal.SIGINT)
        time.sleep(0.01)


def _finaliser() -> None:
    made = _Interrupted()
    del made


def _generator() -> None:
    def values() -> Iterator[int]:
        try:
            yield 1
        finally:
            _finaliser()

    next(values())


def _cycle() -> None:
    made: Any = _Interrupted()
    made.itself = made
    del made
    gc.collect()


@pytest.mark.parametrize("swallow", [_finaliser, _generator, _cycle])
def test_an_interrupt_that_python_ignores_comes_again(
    swallow: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        swallow()
        time.sleep(60)

    started = time.monotonic()
    assert ended(work, first_sentence) == 130
    assert time.monotonic() - started < 2
    assert "Exception ignored" not in capfd.readouterr().err


def test_an_interrupt_counts_whatever_follows_it() -> None:
    def fails_while_cleaning() -> None:
        try:
            send(signal.SIGTERM)
            time.sleep(60)
        finally:
            raise DataError("cannot clean")

    def goes_on() -> None:
        try:
            send(signal.SIGTERM)
            time.sleep(60)
        except BaseException:
            pass

    assert ended(fails_while_cleaning, first_sentence) == 143
    assert ended(goes_on, first_sentence) == 143


def test_what_was_ignored_at_the_start_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert ended(lambda: send(signal.SIGHUP), first_sentence) == 0
        with StopSignals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def script(body: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a process that does nothing but ``body`` in ``ended``."""
    text = "\n".join(
        [
            "import os, signal, sys, time",
            "from ecgmm.console.ending import ended",
            "from ecgmm.console.system_errors import first_sentence",
            "def work():",
            *(f"    {line}" for line in body.splitlines()),
            "sys.exit(ended(work, first_sentence))",
        ]
    )
    options = {"capture_output": True, "text": True, "timeout": HUNG_S} | options
    return subprocess.run([sys.executable, "-c", text, *arguments], check=False, **options)


def test_a_second_signal_ends_at_once() -> None:
    body = "try:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(30)\nfinally:\n"
    done = script(body + "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", timeout=20)
    assert done.returncode == 143


def test_output_that_nobody_reads_ends_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = script("print('x' * 100)", capture_output=False, stdout=pipe, stderr=subprocess.PIPE)
    assert done.returncode == 141
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_on_a_full_disk_is_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = script("print('x' * 100)", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no space left on the disk of the output")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_encoding_shows_every_text(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = script("print('• λ ü'); print('• λ ü', file=sys.stderr)", env=environment, encoding=encoding)
    assert done.returncode == 0
    assert done.stdout == "• λ ü".encode(encoding, "backslashreplace").decode(encoding) + "\n"


def test_streams_that_are_closed_are_no_reason_to_fail() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -c "$1" >&- 2>&-', sys.executable,
         "import sys; from ecgmm.console.ending import ended\n"
         "sys.exit(ended(lambda: print(1), lambda error: None))"],
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
