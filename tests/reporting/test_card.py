"""The model card: what the hub reads of it, what it says of a run, and that it claims no more than it holds."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from ecgmm.reporting import card_licences, tripod
from ecgmm.reporting.card import main
from ecgmm.reporting.model_card import LEAK, SYNTHETIC, card, contents
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.run import Run
from tests.reporting.simulated_runs import CLASSES, write_run
from tests.reporting.test_report import Page

REAL = {"name": "ptb_xl", "fingerprint": "9" * 64, "synthetic": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run.open(write_run(tmp_path_factory.mktemp("card") / "run", "gated_fusion", 42, task="multi_label"))


@pytest.fixture(scope="module")
def text(run: Run) -> str:
    return card(run)


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_hub_reads_licence_tags_and_metrics(run: Run, text: str) -> None:
    data: Any = ModelCard(text).data
    assert data.license == "other"
    assert {"ecg", "gated_fusion", "synthetic"} <= set(data.tags)
    assert data.model_name == "gated_fusion"
    results = {result.metric_name: result for result in data.eval_results}
    assert results["auroc_macro"].metric_type == "roc_auc"
    assert results["auroc_macro"].metric_value == pytest.approx(run.metrics["test/auroc_macro"].value, abs=1e-4)
    assert results["auroc_macro"].dataset_name == "synthetic (SYNTHETIC)"


def test_synthetic_and_leaky_stand_on_top(text: str, tmp_path: Path) -> None:
    before = text.split("\n## ")[0]
    assert SYNTHETIC in before
    assert LEAK not in text
    leaky = card(Run.open(write_run(tmp_path / "run", "concat", 1, data=REAL, leaky=True)))
    assert LEAK in leaky.split("\n## ")[0]
    assert "SYNTHETIC" not in leaky


def test_every_number_is_that_of_the_run(run: Run, text: str) -> None:
    auroc = run.metrics["test/auroc_macro"]
    assert f"| AUROC, mean over classes | {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f}) |" in text
    assert run.metrics.thresholds is not None
    for name, threshold in zip(CLASSES, run.metrics.thresholds, strict=True):
        assert f"| {name} | {threshold:.3f} | validation |" in section(text, "Thresholds")
    assert f"validation: {run.metrics.temperature:.3f};" in section(text, "Calibration")


def test_rare_classes_are_named_among_the_limits(run: Run, text: str) -> None:
    rare = [f"{row.name} ({row.n})" for row in run.metrics.per_class if row.n < 50]
    assert rare
    assert f"fewer than 50 positive test records: {', '.join(rare)}." in section(text, "Intended use and limits")


def test_the_checklist_has_the_27_items_and_points_only_to_what_is_there(run: Run) -> None:
    with Path(tripod.__file__).with_name("tripod_ai.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(int(re.sub(r"\D", "", row["item"])) for row in rows)) == list(range(1, 28))
    assert len(rows) == 52
    assert all(row["why"] for row in rows if row["status"] != "answered"), "what is not answered says why"
    titles = {part.title for part in contents(run).parts}
    assert {row["section"] for row in rows} - {""} <= titles
    assert all((row["section"] == "") == (row["status"] == "not reported") for row in rows)


def test_an_item_whose_section_is_empty_is_not_reported() -> None:
    answers = {line[0]: line[2] for line in tripod.checklist({"Data"}).lines}
    assert answers["20a"] == "not reported: this run has nothing for the section Participants"
    assert answers["11"] == "answered; see Data"


def test_groups_have_their_place(run: Run, text: str) -> None:
    assert section(text, "By group").strip() == "The run holds nothing on this."
    groups = [Section("By sex", ("Group", "AUROC"), [("women", "0.9"), ("men", "0.8")])]
    assert "### By sex\n\n| Group | AUROC |\n| --- | --- |\n| women | 0.9 |" in section(card(run, groups), "By group")


def test_the_licence_of_the_data_is_that_of_its_publisher(tmp_path: Path) -> None:
    text = card(Run.open(write_run(tmp_path / "run", "ecg_only", 1, data=REAL)))
    assert "CC BY 4.0" in section(text, "Data")
    assert card_licences.licence_of_data("table")[0].startswith("not known")


@pytest.mark.parametrize(
    ("init", "words"),
    [
        (None, "Trained from random weights"),
        ({"source": "file", "name": "hubert.safetensors", "sha256": "ab" * 32, "frozen": True}, "hubert.safetensors"),
    ],
)
def test_weights_of_others_are_named(init: dict[str, object] | None, words: str, tmp_path: Path) -> None:
    counts = dict.fromkeys(("n_weights", "n_matched", "n_left_over", "n_missing", "n_new"), 3)
    names: dict[str, list[str]] = {name: [] for name in ("matched", "left_over", "missing", "new")}
    facts = None if init is None else {**init, **counts, **names}
    text = card(Run.open(write_run(tmp_path / "run", "ecg_only", 1, init=facts)))
    assert words in section(text, "Licence of the weights")


def test_what_a_run_brings_is_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> [x](http://evil)"
    directory = write_run(tmp_path / "run", "ecg_only", 1, reference=hostile)
    for name in ("card.md", "card.html"):
        assert main([str(directory), "--out", str(tmp_path / name)]) == 0
        written = (tmp_path / name).read_text()
        assert "<script" not in written
        assert "[x](http" not in written or name == "card.html", "no link in Markdown"


def test_the_page_is_whole_and_asks_for_nothing(run: Run, tmp_path: Path) -> None:
    assert main([str(run.directory), "--out", str(tmp_path / "card.html")]) == 0
    text = (tmp_path / "card.html").read_text()
    page = Page(text)
    links = {attributes["href"] for _, attributes in page.elements if "href" in attributes}
    assert all(link.startswith(("#", "data:")) for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= {one.get("id") for _, one in page.elements}
    assert not page.all("script")
    assert not page.all("img")
    assert "SYNTHETIC data" in page.text
    assert "/home" not in text


def test_mistakes_are_sentences(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run.directory), "--out", str(tmp_path / "card.pdf")]) == 2
    assert "it must end in .md or .html" in capsys.readouterr().err
    assert main([str(tmp_path), "--out", str(tmp_path / "card.md")]) == 2
    assert "run.json is missing" in capsys.readouterr().err
