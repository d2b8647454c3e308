import errno
from collections.abc import Callable

import pytest

from ecgmm.commands.command_line import run, user_message
from ecgmm.errors import ConfigError
from ecgmm.settings.resolvers import run_name


def test_run_name_does_not_depend_on_the_order_of_overrides() -> None:
    assert run_name(["seed=1", "method=concat"]) == run_name(["method=concat", "seed=1"]) == "method=concat,seed=1"


def test_run_name_leaves_out_where_things_are() -> None:
    assert (
        run_name(["+experiment=table2", "data.root=/a/b", "paths.outputs=/c", "overwrite=true", "seed=1"]) == "seed=1"
    )
    assert run_name([]) == "default"


def test_run_name_is_one_path_component() -> None:
    name = run_name(["text_encoder.name_or_path=../models/bert", "data.folds.test=[9,10]"])
    assert "/" not in name
    assert not name.startswith(".")
    assert not set(name) & set("*?[]{}")  # would be a pattern to those who read the folder


def test_long_run_names_stay_short_and_distinct() -> None:
    long = [f"method.option_{index}=value" for index in range(40)]
    assert len(run_name(long)) < 140
    assert run_name(long) != run_name([*long, "seed=3"])


def test_a_user_error_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        try:
            raise ConfigError("seed is -1; it must be 0 or more")
        except ConfigError as error:
            raise RuntimeError("instantiation failed") from error

    with pytest.raises(SystemExit) as stopped:
        run(main)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: seed is -1; it must be 0 or more\n"


def test_a_full_disk_names_the_cure() -> None:
    message = user_message(OSError(errno.ENOSPC, "No space left on device", "/data/x"))
    assert message is not None
    assert "/data/x" in message
    assert "free some" in message


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    def main() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        run(main)


def test_a_name_holds_no_folder_of_the_machine() -> None:
    weights, csv = "pretrained.name_or_path=/home/me/weights/bert", "data.icd.csv='~/mimic/icd.csv'"
    overrides = [weights, "labels=icd_cardiac", csv]
    assert run_name(overrides) == "data.icd.csv=icd.csv-,labels=icd_cardiac,pretrained.name_or_path=bert"


def test_a_mistake_repeats_no_report(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("predict", "run=nowhere", "report=Seen by nobody.") == 2
    told = capsys.readouterr()
    assert "nobody" not in told.out + told.err
    assert len(told.err.splitlines()) == 1
