"""The six label sets of the published PTB-XL benchmark: classes, records, and what a part of the tree lacks."""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.batches.targets import make_targets
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.sources.ptb_xl import read_index
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.settings.label_sets import BENCHMARK_SETS
from tests.data.trees import prepare, write_ptb_xl

SCP = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal,1.0,,,NORM,NORM
IMI,infarct,1.0,,,MI,IMI
AMI,infarct,1.0,,,MI,AMI
LVH,left,1.0,,,HYP,LVH
NDT,t,1.0,1.0,,STTC,STTC
LAFB,block,1.0,,,CD,LAFB/LPFB
ABQRS,qrs,,1.0,,,
SR,sinus,,,1.0,,
AFIB,fibrillation,,,1.0,,
"""
CODES = {
    1: "{'IMI': 0.0, 'SR': 0.0}",
    2: "{'NDT': 15.0, 'LAFB': 50.0}",
    3: "{'ABQRS': 0.0}",
    4: "{'AFIB': 0.0}",
    5: "{'AMI': 100.0}",
    9: "{'LVH': 100.0}",  # in the validation split alone
}
SHARED = Path(__file__).parents[4] / "../shared/data/ptb-xl-sample"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    tree = tmp_path_factory.mktemp("ptb_xl") / "tree"
    write_ptb_xl(tree, n=10, rate_hz=100, codes=CODES)
    (tree / "scp_statements.csv").write_text(SCP)
    return prepare("ptb_xl", tree, "data.rate_hz=100")


@pytest.mark.parametrize(
    ("name", "classes", "rows", "n_usable"),
    [
        ("all", ["ABQRS", "AFIB", "AMI", "IMI", "LAFB", "LVH", "NDT", "NORM", "SR"], {0: {"IMI", "SR"}}, 10),
        ("diagnostic", ["AMI", "IMI", "LAFB", "LVH", "NDT", "NORM"], {0: {"IMI"}, 1: {"NDT", "LAFB"}, 2: None}, 8),
        ("subclass", ["AMI", "IMI", "LAFB/LPFB", "LVH", "NORM", "STTC"], {1: {"STTC", "LAFB/LPFB"}}, 8),
        ("superclass", ["CD", "HYP", "MI", "NORM", "STTC"], {0: {"MI"}, 4: {"MI"}, 3: None}, 8),
        ("form", ["ABQRS", "NDT"], {1: {"NDT"}, 2: {"ABQRS"}, 0: None}, 2),
        ("rhythm", ["AFIB", "SR"], {0: {"SR"}, 3: {"AFIB"}, 1: None}, 6),
    ],
)
def test_classes_and_records_are_those_of_the_published_protocol(
    store: Store, name: str, classes: list[str], rows: dict[int, set[str] | None], n_usable: int
) -> None:
    """Any likelihood counts; a record without a label of the set takes no part."""
    labels = open_labels(store, f"ptb_xl_{name}")
    assert list(labels.label_set.classes) == classes
    assert labels.label_set.source == "annotation"
    for row, expected in rows.items():
        found = labels.of_row(row)
        assert (None if found is None else set(found)) == expected
    assert make_targets(labels, "all", [], "hard").usable.sum() == n_usable


def test_classes_without_a_training_record_are_left_out_and_named(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    labels = open_labels(store, "ptb_xl_superclass", LabelSettings(fewest_records=1))
    assert list(labels.label_set.classes) == ["CD", "MI", "NORM", "STTC"]
    assert labels.label_set.notes["class HYP left out by labels.min_records, records"] == 1
    assert "leaves out 1 of 5 classes, which fewer records of the training split have: HYP" in caplog.text
    assert np.isnan(labels.values[8]).any() or labels.of_row(8) == {}
    assert not make_targets(labels, "all", [], "hard").usable[8]


def test_a_store_that_knows_no_kinds_of_codes_is_prepared_anew(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", n=10, rate_hz=100)
    store = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100")
    with pytest.raises(ConfigError, match=r"labels=ptb_xl_form needs.*prepare it anew"):
        open_labels(store, "ptb_xl_form")


@pytest.mark.parametrize("name", BENCHMARK_SETS)
def test_every_set_has_its_module_and_its_settings(name: str) -> None:
    definition = definition_of(name)
    settings = OmegaConf.load(CONF_DIR / "labels" / f"{name}.yaml")
    assert definition.name == name == settings.labels.name
    assert definition.exhaustive
    assert settings.labels.min_records == 1


def test_the_published_table_gives_71_44_23_5_19_and_12_classes() -> None:
    if not SHARED.exists():
        pytest.skip("the sample of PTB-XL is not there")
    from ecgmm.data.sources.labels.ptb_xl_benchmark import CLASS_OF_CODE

    facts = read_index(SHARED, 100).evidence
    counts = {name: len(set(class_of_code(facts).values())) for name, class_of_code in CLASS_OF_CODE.items()}
    assert counts == {"all": 71, "diagnostic": 44, "subclass": 23, "superclass": 5, "form": 19, "rhythm": 12}
