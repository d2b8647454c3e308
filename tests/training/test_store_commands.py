"""Every command that opens a store, with every file of it replaced: a sentence and exit code 2, or the right answer."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecgmm.data.store.store import MANIFEST, RECORDS, WAVEFORMS
from tests.data.store.test_store_faults import HARMFUL
from tests.data.store_damage import FILES, PROVEN, REPLACED, refused

Command = Callable[..., int]
PAGE = ("integrity.json", "integrity.html")
COMMANDS = ("prepare", "train", "evaluate", "audit", "plan", "verify")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("commands")


@pytest.fixture
def finished_run(command: Command, quick_settings: list[str], folder: Path) -> Path:
    run = folder / "run"
    if not (run / "model").exists():
        assert command("train", *quick_settings, "method=majority", f"hydra.run.dir={run}") == 0
    return run


@pytest.fixture
def store(tiny_store: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_store, tmp_path / "store")


@pytest.fixture
def open_by(
    command: Command,
    finished_run: Path,
    quick_settings: list[str],
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], tuple[int, str]]:
    """Run one of ``COMMANDS`` on the store; gives exit code and standard error."""
    data = [text for text in quick_settings if text.startswith(("data.", "paths."))]
    own = [*data, "data.rate_hz=100", f"data.store={store}"]
    runs = [*quick_settings, f"data.store={store}", "method=majority"]
    arguments = {
        "prepare": own,
        "train": [*runs, f"hydra.run.dir={tmp_path}/run"],
        "evaluate": [f"run={finished_run}", f"store={store}"],
        "audit": [*own, f"paths.outputs={tmp_path}/outputs", "evaluation.n_resamples=20"],
        "plan": [*runs, f"paths.outputs={tmp_path}/outputs"],
        "verify": [f"store={store}"],
    }

    def run(name: str) -> tuple[int, str]:
        capsys.readouterr()
        return command(name, *arguments[name]), capsys.readouterr().err

    return run


def check(store: Path, name: str, damage: str, code: int, err: str) -> None:
    [sentence] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert name in sentence
    assert not HARMFUL.search(sentence)
    assert damage in PROVEN or "damaged" not in sentence


# Commands that build a model meet every file, every damage and a quarter of the pairs, so that one of them and the
# others meet each pair.
DEAR = ("train", "evaluate", "audit", "plan")
CASES = [
    (command, name, damage)
    for command in COMMANDS
    for place, name in enumerate(FILES)
    for other, damage in enumerate(REPLACED)
    if command not in DEAR or (place + other + DEAR.index(command)) % 4 == 0
]
SAMPLE = [
    *((command, RECORDS, "half") for command in COMMANDS),
    *((command, MANIFEST, "a FIFO") for command in COMMANDS[:2]),
    *((command, WAVEFORMS, "a folder") for command in COMMANDS[2:]),
]


@pytest.mark.parametrize(("name", "file", "damage"), SAMPLE)
def test_a_replaced_file_is_one_sentence(
    open_by: Callable[[str], tuple[int, str]], store: Path, name: str, file: str, damage: str
) -> None:
    REPLACED[damage](store / file)
    check(store, file, damage, *open_by(name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file", "damage"), [case for case in CASES if case not in SAMPLE])
def test_each_replaced_file_is_one_sentence_in_every_command(
    open_by: Callable[[str], tuple[int, str]], store: Path, name: str, file: str, damage: str
) -> None:
    REPLACED[damage](store / file)
    check(store, file, damage, *open_by(name))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_store_that_may_not_be_read_is_one_sentence(
    open_by: Callable[[str], tuple[int, str]], store: Path, name: str
) -> None:
    with refused(store / RECORDS, 13):
        code, err = open_by(name)
    check(store, RECORDS, "unreadable", code, err)
    assert "right to read" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_store_of_noise_is_noticed(open_by: Callable[[str], tuple[int, str]], store: Path, name: str) -> None:
    content = (store / WAVEFORMS).read_bytes()
    (store / WAVEFORMS).write_bytes(content[:128] + content[:127:-1])
    code, err = open_by(name)
    check(store, "waveforms", "garbage", code, err)


@pytest.mark.usefixtures("plain_page")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_sound_store_is_used_and_not_changed(
    open_by: Callable[[str], tuple[int, str]], store: Path, name: str
) -> None:
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    code, err = open_by(name)
    assert code == 0, err
    assert "damaged" not in err
    after = {path.name: path.read_bytes() for path in store.iterdir()}
    assert {key: value for key, value in after.items() if key not in PAGE} == before


@pytest.fixture
def plain_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without figures, which take their time."""
    monkeypatch.setattr("ecgmm.integrity.report.render", lambda *_: "page\n" * 100)


@pytest.mark.usefixtures("plain_page")
@pytest.mark.parametrize(("name", "damage"), [(PAGE[0], "half"), (PAGE[0], "a FIFO"), (PAGE[1], "a byte short")])
def test_a_page_that_is_no_longer_whole_is_written_anew(
    open_by: Callable[[str], tuple[int, str]], store: Path, name: str, damage: str
) -> None:
    assert open_by("prepare")[0] == 0
    before = [(store / page).read_bytes() for page in PAGE]
    REPLACED[damage](store / name)
    assert open_by("prepare")[0] == 0
    assert [(store / page).read_bytes() for page in PAGE] == before
    assert all((store / page).stat().st_mode & 0o777 == 0o600 for page in PAGE)


@pytest.mark.usefixtures("plain_page")
def test_a_page_of_an_older_store_or_with_another_number_is_written_anew(
    open_by: Callable[[str], tuple[int, str]], store: Path
) -> None:
    assert open_by("prepare")[0] == 0
    before = [(store / page).read_bytes() for page in PAGE]
    for key in ("fingerprint", "rate_hz"):
        numbers = json.loads(before[0])
        (store / PAGE[0]).write_text(json.dumps(numbers | {key: 1}))
        assert open_by("prepare")[0] == 0
        assert [(store / page).read_bytes() for page in PAGE] == before


@pytest.mark.usefixtures("plain_page")
@pytest.mark.parametrize("name", PAGE)
def test_a_folder_at_the_place_of_the_page_is_left_alone(
    open_by: Callable[[str], tuple[int, str]], store: Path, name: str
) -> None:
    (store / name).mkdir()
    code, err = open_by("prepare")
    assert code == 2
    assert re.search(rf"{name} is a folder, .*move it away", err)
    assert (store / name).is_dir()


def test_verify_wants_something_and_names_what_is_not_there(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("verify") == 2
    assert "give store=... or run=..." in capsys.readouterr().err
    assert command("verify", f"store={tmp_path}/nothing") == 2
    assert "not a complete store" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert command("verify", f"store={tmp_path}/file") == 2
    assert "not a complete store" in capsys.readouterr().err


def test_verify_says_what_is_sound(
    command: Command, store: Path, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command("verify", f"store={store}", f"run={finished_run}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("is sound" in line for line in lines)
