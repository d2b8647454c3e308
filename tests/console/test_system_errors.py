"""What the system says no to is one sentence: errors times operations, in every library's words."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from ecgmm.commands.command_line import user_message
from ecgmm.commands.known_paths import KnowPaths
from ecgmm.console import path_settings
from ecgmm.console.path_settings import setting_of
from ecgmm.console.system_errors import naming, system_message
from ecgmm.errors import DataError
from ecgmm.files import write_json, write_whole
from ecgmm.reporting.command import exit_code

WORDS = {
    "ENOSPC": "no space left",
    "EDQUOT": "quota",
    "EFBIG": "ulimit -f",
    "EROFS": "read-only disk",
    "EACCES": "may not be read or written",
    "EPERM": "may not be read or written",
    "ENOTDIR": "file where a folder should be",
    "EEXIST": "file where a folder should be",
    "EISDIR": "folder where a file should be",
    "ENOENT": "is not there",
    "ENAMETOOLONG": "longer name",
    "ELOOP": "leads to itself",
    "EIO": "input/output error",
    "ESTALE": "gone",
    "ENOLCK": "no locks",
    "EBUSY": "busy",  # any other
}


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_settings, "_known", {})
    config = {
        "paths": {"outputs": str(tmp_path / "outputs"), "stores": str(tmp_path / "outputs" / "stores")},
        "data": {"root": str(tmp_path / "tree" / "1.0")},
        "run": "???",
        "hydra": {"overrides": {"hydra": []}},
    }
    KnowPaths().on_run_start(OmegaConf.create(config))


@pytest.mark.parametrize("name", WORDS)
def test_every_error_has_its_words_its_path_and_its_setting(name: str, tmp_path: Path) -> None:
    place = str(tmp_path / "outputs" / "train" / "last.ckpt")
    message = user_message(OSError(getattr(errno, name), os.strerror(getattr(errno, name)), place)) or ""
    assert WORDS[name] in message.lower()
    assert place in message
    assert "paths.outputs" in message or name == "ESTALE"
    assert "\n" not in message


OPERATIONS: dict[str, Callable[[Path], object]] = {
    "a folder below a file": lambda file: (file / "new").mkdir(parents=True),
    "a folder in place of a file": lambda file: file.mkdir(),
    "reading a file below a file": lambda file: (file / "new").read_bytes(),
    "writing to a file below a file": lambda file: write_json(file / "new.json", {}),
    "reading what is missing": lambda file: file.with_name("nothing").read_bytes(),
    "reading a folder": lambda file: file.parent.read_text(),
    "a name without end": lambda file: write_whole(file.with_name("x" * 300), b""),
    "listing a file": lambda file: list(os.scandir(file)),
    "a full disk": lambda file: Path("/dev/full").write_bytes(b"x"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_of_the_file_system(operation: str, tmp_path: Path) -> None:
    file = tmp_path / "outputs" / "file"
    file.parent.mkdir()
    file.write_text("x")
    with pytest.raises(OSError) as caught:  # noqa: PT011 (any of the system's)
        OPERATIONS[operation](file)
    assert "; " in (user_message(caught.value) or "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), "no space left"),
        (RuntimeError("parquet: underlying IO error: Disk quota exceeded (os error 122)"), "quota"),
        (OSError("No space left on device (os error 28)"), "no space left"),  # polars
        (OSError("[Errno 28] Error writing bytes to file"), "no space left"),  # pyarrow
        (OSError("1000000 requested and 127984 written"), "no space left"),  # numpy
        (RuntimeError("Read-only file system (os error 30)"), "read-only disk"),
        (MemoryError(), "too little memory"),
        (MemoryError("Unable to allocate 29.8 GiB for an array with shape (4,) and data type f"), "for 29.8 GiB more"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to"
                      " allocate 4503599627370496 bytes. Error code 12"), "for 4503599627370496 bytes more"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "GPU has too little memory for 2"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "GPU has too little"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "too little memory"),
        (RuntimeError("can't start new thread"), "processes or threads"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "processes or threads"),
        (OSError(errno.EMFILE, "Too many open files", "/x"), "ulimit -n"),
        (OSError(errno.ENFILE, "Too many open files in system"), "ulimit -n"),
        (ImportError("libx.so: cannot open shared object file: Too many open files"), "ulimit -n"),
        (OSError(errno.ENOLCK, "No locks available"), "no locks"),
    ],
)  # fmt: skip
def test_words_of_other_libraries(error: Exception, words: str) -> None:
    outer = ValueError("a library says that something failed")
    outer.__cause__ = error
    assert words in (user_message(outer) or "")


@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError("3 requested"), RuntimeError("shape [3, 4]"), OSError("hub"), OSError()]
)
def test_mistakes_of_ours_are_not_the_systems(error: Exception) -> None:
    assert system_message(error) is None


def test_memory_that_torch_and_numpy_do_not_get() -> None:
    for ask in (lambda: torch.empty(1 << 50), lambda: bytearray(1 << 60)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            ask()
        assert "too little memory" in (user_message(caught.value) or "")


def test_errors_without_a_path_get_that_of_the_place(tmp_path: Path) -> None:
    place = tmp_path / "outputs" / "run"
    with pytest.raises(OSError, match="No space") as full, naming(place):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert f"disk of {place}; free some or set paths.outputs" in (user_message(full.value) or "")

    with pytest.raises(DataError, match=f"disk of {place}"), naming(place):
        raise RuntimeError("I/O error: No space left on device (os error 28)")

    with pytest.raises(DataError, match="as it was"), naming(place):
        raise DataError("as it was")
    with pytest.raises(KeyError), naming(place):
        raise KeyError("a mistake of ours")


def test_the_closest_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting_of(tmp_path / "outputs" / "train" / "x") == "paths.outputs"
    assert setting_of(tmp_path / "outputs" / "stores" / "x") == "paths.stores"
    assert setting_of(tmp_path / "outputs" / "stores.lock") == "paths.stores"
    assert setting_of(tmp_path / "tree") == "data.root"  # a folder on its way
    assert setting_of("/elsewhere") is None
    monkeypatch.chdir(tmp_path)
    assert setting_of("outputs/train") == "paths.outputs"


def test_a_folder_that_the_command_gives_for_a_run_is_named(tmp_path: Path) -> None:
    hydra = {"run": {"dir": str(tmp_path / "mine")}, "overrides": {"hydra": [f"hydra.run.dir={tmp_path}/mine"]}}
    KnowPaths().on_job_start(OmegaConf.create({"hydra": hydra, "paths": {"outputs": str(tmp_path)}}))
    assert setting_of(tmp_path / "mine" / "x") == "hydra.run.dir"


def test_hostile_names_are_printed_harmlessly() -> None:
    message = user_message(PermissionError(errno.EACCES, "Permission denied", "/data/\x1b[31mred\n")) or ""
    assert "\x1b" not in message
    assert "\n" not in message


def test_a_file_descriptor_is_no_path() -> None:
    assert system_message(OSError(errno.EBADF, "Bad file descriptor", 7)) is None
    with socket.socket() as unconnected, pytest.raises(OSError) as caught:  # noqa: PT011 (any of the system's)
        unconnected.getpeername()
    assert system_message(caught.value) is None


def test_collectors_say_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert exit_code(lambda: (tmp_path / "file" / "figures").mkdir()) == 2
    assert "file where a folder should be" in capsys.readouterr().err
