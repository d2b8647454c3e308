"""Every row of the paper's Table 2 has all that a row needs; a row that lacks a part is named with the part."""

import csv
import inspect
import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from tests.models.building import METHODS, class_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "understand" / "baselines.md"
LONGEST_METHOD = 250
with (ROOT / "ecgmm" / "reporting" / "paper_table2.csv").open(encoding="utf-8", newline="") as table:
    ROWS = [row["method"] for row in csv.DictReader(table)]
SOURCES = sorted(path for path in (ROOT / "ecgmm" / "models" / "methods").glob("*.py") if path.stem != "__init__")

every_row = pytest.mark.parametrize("name", ROWS)


def test_the_paper_has_eight_rows() -> None:
    assert len(set(ROWS)) == 8


@every_row
def test_row_has_a_method_in_a_file_of_its_name(name: str) -> None:
    method = class_of(name)
    assert method.name == name
    assert Path(inspect.getfile(method)).stem == name
    assert method.fidelity != "control"


@every_row
def test_row_goes_through_the_battery(name: str) -> None:
    assert name in METHODS


@every_row
def test_row_has_tests_of_what_makes_it_itself(name: str) -> None:
    assert list((ROOT / "tests" / "models").rglob(f"test_{name}.py"))


@every_row
def test_row_is_trained_for_the_table(name: str) -> None:
    experiment = OmegaConf.load(CONF_DIR / "experiment" / "table2.yaml")
    assert name in experiment.hydra.sweeper.params.method.split(",")


@every_row
def test_row_has_its_section_in_the_docs(name: str) -> None:
    headings = re.findall(r"^#+ .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [heading for heading in headings if f"`{name}`" in heading], f"{PAGE} has no heading with its name"


@every_row
def test_row_has_every_setting_of_the_native_recipe(name: str) -> None:
    native = OmegaConf.load(CONF_DIR / "method" / f"{name}.yaml").native
    recipe = (CONF_DIR / "recipe" / "native.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\$\{native\.(\w+)\}", recipe))
    assert set(native) == named


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_method_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_METHOD
