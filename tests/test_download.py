"""The command: a tree that can be prepared, or one sentence and exit code 2."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.hostile_server import HostileServer, serve, write_list
from ecgmm.download import with_subset
from ecgmm.locks import one_process
from tests.data.trees import SHORT, MimicTree, prepare, write_ptb_xl
from tests.patience import HUNG_S

Command = Callable[..., int]
N_PATIENTS = 10
TABLES = {"SHA256SUMS.txt", "machine_measurements.csv", "record_list.csv"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HostileServer]:
    MimicTree(tmp_path / "source")
    write_list(tmp_path / "source")
    with serve(tmp_path / "source") as running:
        yield running


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def patients(root: Path) -> set[str]:
    return {path.name for path in root.glob("files/p1000/*")}


def arguments(server: HostileServer, root: Path, *more: str) -> list[str]:
    return ["data=mimic_iv_ecg", f"data.root={root}", f"url={server.url}", "connection.pause_s=0", *more]


def test_a_downloaded_tree_is_that_of_the_server_and_can_be_prepared(
    server: HostileServer, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    server.share = 0.1
    target = tmp_path / "target"
    assert command("download", *arguments(server, target)) == 0
    assert names(target) == names(server.root)
    assert all((target / name).read_bytes() == (server.root / name).read_bytes() for name in names(target))
    told = capsys.readouterr().out
    assert "Open Database License" in told
    assert "10.13026/4nqg-sb35" in told
    assert f"62 files in {target} are as published; 62 of them" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]  # no lock is left
    assert prepare("mimic_iv_ecg", target, SHORT).records.height == 30


def test_subsets_are_whole_patients_and_nested(server: HostileServer, tmp_path: Path, command: Command) -> None:
    found = []
    for n_patients in (2, 5):
        target = tmp_path / f"target-{n_patients}"
        assert command("download", *arguments(server, target, f"subset={n_patients}")) == 0
        found.append(patients(target))
        assert len(patients(target)) == n_patients
        assert len(names(target) - TABLES) == n_patients * 3 * 2
        assert names(target) >= TABLES
    assert found[0] < found[1]
    assert command("download", *arguments(server, tmp_path / "target-2", "subset=5")) == 0
    assert patients(tmp_path / "target-2") == found[1]
    assert command("download", *arguments(server, tmp_path / "other", "subset=5", "data.split.seed=1")) == 0
    assert patients(tmp_path / "other") != found[1]
    store = prepare("mimic_iv_ecg", tmp_path / "target-5", SHORT, "data.split.seed=0")  # fills every split
    assert set(store.records["patient"].cast(str)) == {name.removeprefix("p") for name in found[1]}


def test_of_ptb_xl_a_subset_has_the_rate_that_is_asked_for(tmp_path: Path, command: Command) -> None:
    for rate_hz in (100, 500):
        write_ptb_xl(tmp_path / "source", rate_hz=rate_hz)
    write_list(tmp_path / "source")
    settings = ["data=ptb_xl", "subset=3", "data.rate_hz=100", f"data.root={tmp_path / 'target'}"]
    with serve(tmp_path / "source") as server:
        assert command("download", *settings, f"url={server.url}") == 0
    recordings = [name for name in names(tmp_path / "target") if "/" in name]
    assert len(recordings) == 6
    assert all(name.startswith("records100/") for name in recordings)


def test_what_is_missing_is_listed_and_the_exit_code_says_so(
    server: HostileServer, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = sorted(names(server.root) - TABLES)[7]
    (server.root / gone).unlink()
    assert command("download", *arguments(server, tmp_path / "target")) == 2
    told = capsys.readouterr()
    assert f"not there or not right: {gone}: HTTP status 404" in told.out
    assert "error: 1 files cannot be had" in told.err
    assert names(tmp_path / "target") == names(server.root)


def test_without_tables_there_is_no_subset(
    server: HostileServer, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    (server.root / "record_list.csv").unlink()
    assert command("download", *arguments(server, tmp_path / "target", "subset=2")) == 2
    assert "not there or not right: record_list.csv: HTTP status 404" in capsys.readouterr().out
    assert not (tmp_path / "target" / "files").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["subset=0"], "subset is 0; it must be a whole number from 1 to 1000000000, or null"),
        (["subset=few"], "subset is 'few'; it must be a whole number from 1 to 1000000000, or null"),
        ([f"subset={N_PATIENTS + 1}"], "subset is 11, but mimic_iv_ecg has 10 patients; take so many or fewer"),
        (["data=synthetic"], "data.name is synthetic; choose data=mimic_iv_ecg or data=ptb_xl"),
        (["connection.n_parallel=0"], "connection.n_parallel is 0; it must be a whole number from 1 to 64"),
        (["data.root=null"], "data.root is not set"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(
    server: HostileServer,
    tmp_path: Path,
    command: Command,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    sentence: str,
) -> None:
    assert command("download", *arguments(server, tmp_path / "target"), *given) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("error: ")
    assert sentence in message
    assert not (tmp_path / "target" / "files").exists()


def test_a_disk_without_room_is_refused_before_anything_comes(
    server: HostileServer,
    tmp_path: Path,
    command: Command,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert command("download", *arguments(server, tmp_path / "target")) == 2
    assert "has 1 kB free; free some" in capsys.readouterr().err
    assert names(tmp_path / "target") == {"SHA256SUMS.txt"}


def test_the_command_line_takes_the_dashed_form_and_waits_for_its_turn(server: HostileServer, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "ecgmm.download", *arguments(server, tmp_path / "target"), "--subset", "1"]
    with one_process(tmp_path / "target", "downloads to"):
        process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        assert process.stderr is not None
        assert "that downloads to" in process.stderr.readline()
        assert not (tmp_path / "target" / "SHA256SUMS.txt").exists()
    told = process.communicate(timeout=HUNG_S)
    assert process.returncode == 0, told
    assert len(patients(tmp_path / "target")) == 1


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["data=ptb_xl", "--subset", "100", "url=x"], ["data=ptb_xl", "subset=100", "url=x"]),
        (["--subset=100", "--cfg", "job"], ["subset=100", "--cfg", "job"]),
        (["subset=100"], ["subset=100"]),
        (["--subset"], ["--subset"]),
        ([], []),
    ],
)
def test_the_dashed_form_stands_for_the_override(given: list[str], taken: list[str]) -> None:
    assert with_subset(given) == taken
