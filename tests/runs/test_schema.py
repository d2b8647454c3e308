"""What stands in the files of a run comes back as it was written, and what earlier versions wrote is read."""

import json
from pathlib import Path

import polars as pl
import pytest
from omegaconf import OmegaConf

from ecgmm.errors import DataError
from ecgmm.runs.configuration import read_config
from ecgmm.runs.facts import RUN, RunFacts, read_facts
from ecgmm.runs.metrics import METRICS, Metrics, read_metrics, write_metrics
from ecgmm.runs.run import Run
from ecgmm.settings.renamed import RENAMED, with_present_names
from ecgmm.settings.targets import TARGETS
from tests.reporting.simulated_runs import write_run
from tests.runs.described import done


def test_metrics_are_written_as_they_were_read_byte_by_byte(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "ecg_clip", 1, readouts=("report",))
    content = json.loads((run / METRICS).read_text())
    content |= {"val/auroc_macro": {"value": 0.5}, "readouts": content.pop("readouts")}
    metrics = Metrics.read(content, run / METRICS)
    assert metrics["val/auroc_macro"].value == 0.5
    assert metrics["test/auroc_macro"].low is not None
    assert "test/auroc" not in metrics
    write_metrics(tmp_path / "again.json", metrics)
    assert (tmp_path / "again.json").read_text() == json.dumps(content, indent=2) + "\n"


def test_facts_are_written_as_they_were_read_whole_numbers_too(tmp_path: Path) -> None:
    facts = done(peak_memory_mb=700, wall_time_s=12.5)
    plain = facts.plain()
    assert RunFacts.read(json.loads(json.dumps(plain)), tmp_path) == facts
    assert json.dumps(plain["peak_memory_mb"]) == "700"


def test_a_field_of_the_wrong_kind_is_named_with_its_value(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "ecg_only", 1)
    content = json.loads((run / RUN).read_text())
    (run / RUN).write_text(json.dumps(content | {"data": content["data"] | {"synthetic": "yes"}}))
    with pytest.raises(DataError, match=r"run\.json: data\.synthetic is 'yes': it should be a valid boolean; put"):
        read_facts(run)


def test_metrics_of_other_classes_than_the_run_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "ecg_only", 1)
    facts = done(labels={"name": "superclass", "source": "simulation", "classes": ["NORM", "MI"]})
    with pytest.raises(DataError, match="other classes"):
        read_metrics(run, facts)


def test_a_run_is_opened_with_all_that_it_holds(tmp_path: Path) -> None:
    run = Run.open(write_run(tmp_path / "run", "ecg_clip", 7, readouts=("report",)))
    assert (run.method, run.seed, run.facts.data.synthetic) == ("ecg_clip", 7, True)
    assert set(run.predictions["split"].unique()) == {"val", "test"}
    assert run.test.height == run.predictions.filter(pl.col("split") == "test").height
    (report,) = run.readouts
    assert report.facts.inputs_at_test == ["ecg", "text"]
    assert report.metrics == run.metrics.readouts["report"]
    with pytest.raises(DataError, match="holds no finished run"):
        Run.open(tmp_path / "elsewhere")


def test_every_earlier_name_leads_to_one_that_is_built_today() -> None:
    assert set(RENAMED.values()) <= set(TARGETS)
    assert not set(RENAMED) & set(TARGETS)


@pytest.mark.parametrize("earlier", sorted(RENAMED))
def test_settings_of_earlier_versions_are_read_under_the_names_of_today(tmp_path: Path, earlier: str) -> None:
    settings = {"quality": {"_target_": earlier, "parts": [{"_target_": earlier}]}, "name": earlier}
    today = RENAMED[earlier]
    assert with_present_names(settings) == {
        "quality": {"_target_": today, "parts": [{"_target_": today}]},
        "name": earlier,
    }
    OmegaConf.save(settings, tmp_path / "config.yaml")
    assert read_config(tmp_path, {})["quality"]["_target_"] == today
