"""Errors of the operating system as one sentence: which path, which setting, and what to do."""

import errno
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgmm.console.path_settings import setting_of
from ecgmm.errors import DataError, UserError, printable

# {place} is the path, {move} is "set paths.outputs to", or what else leads there.
_SENTENCES = {
    errno.ENOSPC: "no space left on the disk of {place}; free some or {move} another disk",
    errno.EDQUOT: "the disk quota of {place} is used up; free some or {move} another disk",
    errno.EFBIG: "{place} would be larger than a file may be here; raise the limit (ulimit -f), or {move} another disk",
    errno.EROFS: "{place} is on a read-only disk; {move} a folder that can be written",
    errno.EACCES: "{place} may not be read or written by this user; change its rights or {move} another place",
    errno.ENOTDIR: "{place} leads through a file where a folder should be; {move} another place",
    errno.EEXIST: "{place} is a file where a folder should be; {move} another place",
    errno.EISDIR: "{place} is a folder where a file should be; {move} another place",
    errno.ENOTEMPTY: "{place} is a folder with something in it; {move} another place",
    errno.ENOENT: "{place} is not there; {move} a place that is",
    errno.ENAMETOOLONG: "{place} is a longer name than the file system takes; {move} a shorter one",
    errno.ELOOP: "{place} is a link that leads to itself; {move} another place",
    errno.EIO: "the disk of {place} fails (input/output error); {move} another disk",
    errno.ESTALE: "the network disk of {place} is gone (stale file handle); mount it again and give the same command",
    errno.ENOLCK: "the file system of {place} has no locks; {move} another disk",
}
_SENTENCES[errno.EPERM] = _SENTENCES[errno.EACCES]
_ANY_SETTING = "what leads there (paths.*, data.root, --out)"
_ANY = "{place} cannot be used ({reason}); {move} another place"
# Other languages' libraries (C++ of torch, Rust of polars and safetensors) tell the system's words, not its number.
_IN_WORDS = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.EROFS, errno.EACCES, errno.EFBIG, errno.EIO)
_PLACELESS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EFBIG,
    errno.EIO,
    errno.ENOLCK,
)  # these are about the output if no path is named
_NUMBER = re.compile(r"\((?:os error|errno) (\d+)\)|\[Errno (\d+)\]", re.IGNORECASE)
_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # numpy, where the disk is full
_MEMORY = re.compile(
    r"can't allocate memory|not enough memory|out of memory|ALLOC_FAILED|bad_alloc|failed to map segment|"
    r"insufficient memory|memory allocation",
    re.IGNORECASE,
)
_WANTED = re.compile(r"(?:tried|unable) to allocate ([\d.,]+ \w+)", re.IGNORECASE)
_THREADS = "can't start new thread"


def system_message(error: BaseException, place: str | Path | None = None) -> str | None:
    """Return the sentence for an error of the operating system.

    Args:
        error: Any error; its causes are not considered.
        place: Path to name if the error names none.

    Returns:
        None if the error is not one of the operating system.
    """
    text = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        return _too_little_memory(text)
    if isinstance(error, RuntimeError) and _THREADS in text:
        return _too_many_processes()
    number = _number(error, text)
    if number is None:
        return None
    if number == errno.ENOMEM:
        return _too_little_memory(text)
    if number in (errno.EMFILE, errno.ENFILE):
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"more files are open at once than the {allowed} allowed; allow more, as with ulimit -n 4096"
    if isinstance(error, OSError) and isinstance(error.filename, str):
        place = error.filename2 or error.filename
    if number == errno.EAGAIN and place is None:
        return _too_many_processes()
    if place is None and number not in _PLACELESS:
        return None
    return _SENTENCES.get(number, _ANY).format(
        place="the output" if place is None else printable(place),
        move=_move(place),
        reason=os.strerror(number),
    )


def _move(place: str | Path | None) -> str:
    setting = "paths.*" if place is None else setting_of(place)
    return f"set {setting or _ANY_SETTING} to"


def _number(error: BaseException, text: str) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, OSError) and _SHORT_WRITE.search(text):
        return errno.ENOSPC
    if match := _NUMBER.search(text):
        return int(match[1] or match[2])
    return next((number for number in _IN_WORDS if os.strerror(number) in text), None)


def _too_little_memory(text: str) -> str:
    wanted = _WANTED.search(text)
    more = f" for {wanted[1]} more" if wanted else ""
    if "CUDA" in text or "CUBLAS" in text or "CUDNN" in text:
        return f"the GPU has too little memory{more}; take a smaller batch_size, or data.residency=disk"
    return (
        f"too little memory{more}; take a smaller batch_size, n_jobs or data.n_processes, data.residency=disk, or give"
        " this process more"
    )


def _too_many_processes() -> str:
    return "no more processes or threads may be started here; take a smaller n_jobs or data.n_processes (ulimit -u)"


@contextmanager
def naming(place: str | Path) -> Iterator[None]:
    """Name this path in errors of the operating system that name none.

    Raises:
        DataError: The sentence, in place of another library's wording of such an error.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        refusals = [cause for cause in causes(error) if isinstance(cause, OSError)]
        for refusal in refusals:
            refusal.filename = refusal.filename or str(place)
        message = None if refusals else first_sentence(error, place)
        if message is None:
            raise
        raise DataError(message) from error


def first_sentence(error: BaseException, place: str | Path | None = None) -> str | None:
    """Return the first sentence among an error and its causes, from the outermost inwards."""
    for cause in causes(error):
        message = str(cause) if isinstance(cause, UserError) else system_message(cause, place)
        if message is not None:
            return message
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an error and its causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
