"""Exit codes: 0, 2 after a sentence, 3 where some of many were refused, 128 plus the number of a signal, else 1.

With code 1 comes a traceback.
A signal becomes an exception that no handler of errors catches, so that half-written files are removed on the way out.
Python ignores exceptions while an object is finalised; a signal that is lost that way is raised again.
"""

import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Self, TextIO

from ecgmm.console import terminal

USER_MISTAKE = 2
SOME_REFUSED = 3
NOBODY_READS = 128 + signal.SIGPIPE
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SECONDS_UNTIL_AGAIN = 0.02


class Stopped(BaseException):
    """Request of a signal to end the process; its notes say how to go on.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


class StopSignals:
    """While its context lasts, SIGTERM, SIGINT and SIGHUP raise ``Stopped``; a second one ends the process at once.

    One that the process was started to ignore (``nohup``, a job in the background) stays ignored.

    Args:
        ignored: Signals that another process takes care of.

    Attributes:
        stop: The exception that was raised; None before.
    """

    def __init__(self, ignored: tuple[signal.Signals, ...] = ()) -> None:
        self.stop: Stopped | None = None
        self._ignored = ignored
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (*_STOPPING, signal.SIGALRM):
            self._before[number] = signal.getsignal(number)
        for number in _STOPPING:
            if number in self._ignored:
                signal.signal(number, signal.SIG_IGN)
            elif self._before[number] != signal.SIG_IGN:
                signal.signal(number, self._first)
        signal.signal(signal.SIGALRM, self._again)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._ignored_by_python
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._hook
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _first(self, number: int, frame: FrameType | None) -> None:
        if self.stop is not None:
            os._exit(128 + number)
        self.stop = Stopped(number)
        raise self.stop

    def _again(self, number: int, frame: FrameType | None) -> None:
        assert self.stop is not None
        raise self.stop

    def _ignored_by_python(self, unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, Stopped):
            signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_AGAIN)
        else:
            self._hook(unraisable)


def ended(work: Callable[[], object], explain: Callable[[BaseException], str | None]) -> int:
    """Run a command and turn its end into an exit code.

    Args:
        work: The whole command.
        explain: Returns the sentence for a mistake that the user can correct, or None for a mistake of ours, which is
            raised.

    Returns:
        The exit code; its reason is on standard error.
    """
    write_in_any_encoding()
    signals = StopSignals()
    try:
        with signals:
            work()
            if sys.stdout is not None:
                sys.stdout.flush()
    except BaseException as error:
        if signals.stop is None:
            return _code_after(error, explain)
    if signals.stop is None:
        return 0
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of processes that train together, the first one
        how = getattr(signals.stop, "__notes__", ["the same command can be given again"])
        say("; ".join([str(signals.stop), *how]))
    return signals.stop.exit_code


def _code_after(error: BaseException, explain: Callable[[BaseException], str | None]) -> int:
    if isinstance(error, BrokenPipeError) and any(_nobody_reads(stream) for stream in (sys.stdout, sys.stderr)):
        _throw_away_what_is_left()
        return NOBODY_READS  # in silence: `| head` has read enough
    message = explain(error) if isinstance(error, Exception) else None
    if message is None:
        raise error
    say(f"error: {message}")
    _throw_away_what_is_left()
    return USER_MISTAKE


def say(text: str) -> None:
    """Print to standard error, or say nothing where that is full or closed."""
    with suppress(OSError):
        terminal.say(*text.splitlines(), to_stderr=True)


def write_in_any_encoding() -> None:
    """Show characters that the encoding of the output lacks (Latin-1, ASCII) by their numbers instead of ending."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # neither closed nor replaced by a test
            stream.reconfigure(errors="backslashreplace")


def _nobody_reads(stream: TextIO | None) -> bool:
    if stream is None:
        return False
    waiting = select.poll()
    waiting.register(stream.fileno(), 0)
    return any(events & select.POLLERR for _, events in waiting.poll(0))


def _throw_away_what_is_left() -> None:
    """Discard output that cannot be written: Python would try again at exit, and change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
