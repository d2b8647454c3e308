"""How long a sweep takes still, of the jobs that were trained."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from hydra.core.utils import JobReturn

from ecgmm.commands.pace import Pace, was_trained


def test_time_left_is_that_of_the_jobs_that_were_trained() -> None:
    pace = Pace(n_jobs=24, n_workers=2)
    said = []
    for seconds in (None, 60.0, None, 120.0):  # two were finished before
        pace.count(seconds)
        said.append(str(pace))
    # 22 jobs are 11 rounds of 60 s, 20 are 10 rounds of 90 s
    assert said == ["1 of 24", "2 of 24, 11 min left", "3 of 24, 11 min left", "4 of 24, 15 min left"]


def test_short_and_long_times_are_said_in_their_unit() -> None:
    said = []
    for seconds in (20, 3 * 3600):
        pace = Pace(n_jobs=2, n_workers=1)
        pace.count(seconds)
        said.append(str(pace))
        pace.count(seconds)
    assert said == ["1 of 2, less than 1 min left", "1 of 2, 3.0 h left"]
    assert str(pace) == "2 of 2"


class _Ended:
    """What a worker returns of a job."""

    def __init__(self, directory: Path, value: float | None) -> None:
        self.hydra_cfg = SimpleNamespace(hydra=SimpleNamespace(runtime=SimpleNamespace(output_dir=directory)))
        self._return_value = value


def test_a_job_that_was_finished_before_or_failed_says_nothing_of_the_pace(tmp_path: Path) -> None:
    assert not was_trained(cast(JobReturn, _Ended(tmp_path, 0.5)), 0), "no run is there"
    (tmp_path / "run.json").touch()
    written_s = (tmp_path / "run.json").stat().st_mtime
    assert was_trained(cast(JobReturn, _Ended(tmp_path, 0.5)), written_s - 1)
    assert not was_trained(cast(JobReturn, _Ended(tmp_path, 0.5)), written_s + 1), "it was there before"
    assert not was_trained(cast(JobReturn, _Ended(tmp_path, None)), written_s - 1), "it failed"
