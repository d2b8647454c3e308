"""The HTML page: what stands in it, that it stands alone, and what must not be in it."""

import base64
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ecgmm.reporting.report import main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import write_run, write_study_run

TAGS_WITHOUT_END = {"meta", "link", "img", "wbr", "br", "hr"}
REFERENCES = ("src", "href", "srcset", "data", "action", "poster", "xlink:href")


class Page(HTMLParser):
    """Elements of a page, with a check that each one that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in TAGS_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def images(self) -> list[bytes]:
        return [base64.b64decode(image["src"].split("base64,")[1]) for image in self.all("img")]


def report(out: Path, *folders: Path) -> str:
    assert main([*map(str, folders), "--out", str(out), "--resamples", "20"]) == 0
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods, two seeds, a study of λ, a study of fractions, and a run that is not finished."""
    root = tmp_path_factory.mktemp("outputs")
    for seed in (1, 2):
        write_run(root / f"table2/ecg_only,{seed}", "ecg_only", seed)
        write_study_run(root / f"table2/gated_fusion,{seed}", "gated_fusion", seed, name="table2")
        for value in (0, 0.1, 1):
            write_study_run(root / f"lambda_sweep/{value},{seed}", "gated_fusion", seed, lambda_cons=value)
        for fraction in (0.1, 1):
            folder = root / f"fraction_sweep/{fraction},{seed}"
            write_study_run(folder, "gated_fusion", seed, fraction=fraction, name="fraction_sweep")
    write_run(root / "table2/begun", "concat", 1, finished=False)
    return root


@pytest.fixture(scope="module")
def text(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(tmp_path_factory.mktemp("page") / "report.html", runs)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_is_asked_of_a_network(page: Page, text: str) -> None:
    found = [value for _, attributes in page.elements for name, value in attributes.items() if name in REFERENCES]
    assert found
    assert all(value.startswith(("#", "data:")) for value in found)
    assert not re.search(r"https?://|@import|url\(", text)
    assert not page.all("script")


def test_it_says_on_what_it_was_measured(page: Page) -> None:
    for words in (
        "SYNTHETIC data.",
        "synthetic (ab12cd34ef56)",
        "superclass, source: simulation",
        "14 finished: fraction_sweep 4, lambda_sweep 6, table2 4",
        "no GPU, x86_64 CPU with 1 of 2 cores",
        "0123456789ab",
        "Left out, not finished begun",
        "Wall time (s)",
    ):
        assert words in page.text


def test_tables_and_figures_that_the_runs_allow_are_there(page: Page) -> None:
    for words in ("Table 2", "paper: Ours", "gated_fusion minus each row", "How to read it"):
        assert words in page.text
    captions = [image["alt"] for image in page.all("img")]
    starts = (
        "Macro AUROC of each row",
        "Training of each row",
        "ROC curve (above)",
        "Confusion on the test split",
        "Reliability on the test split",
        "Gate α of gated_fusion",
        "AUROC of each class",
        "Figure 3.",
        "Figure 4.",
        "Decision curves on the test split",
    )
    assert len(captions) == len(starts)
    assert all(caption.startswith(start) for caption, start in zip(captions, starts, strict=True))
    assert all("SYNTHETIC" in caption for caption in captions)


def test_pictures_come_before_tables_and_the_contents_say_what_was_found(page: Page) -> None:
    order = [tag for tag, _ in page.elements if tag in ("img", "table")]
    assert order == sorted(order)  # images, then tables
    assert page.text.count("Highest macro AUROC of 2 rows: gated_fusion 0.9") == 2
    assert page.text.count("Against gated_fusion, after Holm's correction: 1 significantly below it (ecg_only).") == 2
    assert page.text.count("Highest macro AUROC at λ = 0.1") == 2
    assert page.text.count("gated_fusion: Highest macro AUROC at the part 1") == 2


def test_long_tables_are_folded_and_the_metrics_are_not(page: Page) -> None:
    folded = [attributes for attributes in page.all("details") if "open" not in attributes]
    assert len(folded) == len(page.all("summary"))
    assert len(page.all("table")) > 8
    before_metrics = page.text.split("Table 2: all numbers")[-1].split("AUROC, and gated_fusion minus each row")[0]
    assert "paper: Ours" in before_metrics


def test_figures_that_the_runs_do_not_allow_say_why(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "a", "ecg_only", 1)
    shown = Page(report(tmp_path / "report.html", tmp_path / "runs"))
    assert "Figure 1: architecture: not drawn, no run of gated_fusion" in shown.text
    assert "no run belongs to a study of method.lambda_cons; train them with" in shown.text
    assert "not drawn, none of the runs has a gate that it learned" in shown.text
    captions = [image["alt"] for image in shown.all("img")]
    assert not [caption for caption in captions if caption.startswith(("Figure", "Gate"))]
    assert sum(caption.startswith("Reliability on the test split") for caption in captions) == 1


def test_departures_from_the_paper_are_those_of_the_configuration(page: Page) -> None:
    assert "learning rate 0.0001 0.002" in page.text
    assert "seed 42 1, 2" in page.text
    assert "weight decay" not in page.text.split("Departures from the paper")[-1].split("Configuration")[0]


def test_ids_and_folders_of_the_machine_are_nowhere(page: Page, text: str, runs: Path) -> None:
    frame = find_runs([runs / "table2"])[0][0].test
    drawn = b"".join(page.images).decode("latin-1")
    for record in frame["record"].to_list():
        assert str(record) not in text
        assert str(record) not in drawn
    assert str(runs) not in text
    assert "/home" not in text


def test_ids_of_elements_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.all("html") == [{"lang": "en"}]


def test_what_is_wide_scrolls_in_a_box_that_the_keyboard_reaches(page: Page) -> None:
    boxes = [one for one in page.all("div") if one.get("class") == "scroll"]
    assert len(boxes) == len(page.all("table")) + len(page.all("img"))
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_what_a_run_brings_is_escaped(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "a", "ecg_only", 1, reference="<script>alert(1)</script>")
    shown = report(tmp_path / "report.html", tmp_path / "runs")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_experiments_that_do_not_go_together_have_tables_of_their_own(tmp_path: Path) -> None:
    splits = [{"split": "test", "records": 400, "patients": 200}]
    data = {"name": "ptb_xl", "fingerprint": "9" * 64, "synthetic": False, "splits": splits}
    write_run(tmp_path / "runs" / "a", "ecg_only", 1)
    write_run(tmp_path / "runs" / "b", "text_only", 1)
    folder = write_run(tmp_path / "runs" / "c", "ecg_only", 1, data=data)
    config = OmegaConf.load(folder / "config.yaml")
    config.merge_with({"name": "elsewhere"})
    OmegaConf.save(config, folder / "config.yaml")
    shown = Page(report(tmp_path / "report.html", tmp_path / "runs"))
    assert shown.text.index("Table 2") < shown.text.index("Table of elsewhere")
    assert "ptb_xl (999999999999), synthetic (ab12cd34ef56)" in shown.text


def test_runs_that_make_no_table_say_why(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / "runs" / name, "ecg_only", 1)
    shown = Page(report(tmp_path / "report.html", tmp_path / "runs"))
    assert "No table of table2: a and b are both ecg_only with seed 1" in shown.text


def test_written_twice_the_page_is_the_same(runs: Path, text: str, tmp_path: Path) -> None:
    assert report(tmp_path / "again.html", runs) == text


def test_its_last_line_says_where_the_page_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "runs" / "a", "ecg_only", 1)
    report(tmp_path / "report.html", tmp_path / "runs")
    assert capsys.readouterr().out.splitlines()[-1] == f"saved {tmp_path / 'report.html'} from 1 runs"


def test_a_folder_without_runs_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--out", str(tmp_path / "report.html")]) == 2
    assert "holds no finished run" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()
