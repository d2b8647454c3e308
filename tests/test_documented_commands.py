"""Every documented command that needs nothing from elsewhere is run as it is written, on tiny data.

The commands run in an empty folder, from a copy of the tree whose defaults are made small: fewer patients, 100 Hz, one
epoch, one seed. Folders that documents give for a reader's own data lead to tiny trees in the layouts of
MIMIC-IV-ECG and PTB-XL.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import polars as pl
import pytest

from tests.data.archives import pack
from tests.data.cinc_trees import comments_of, wave, write_mat_record
from tests.data.own_tree import write_collection, write_csv
from tests.data.trees import write_ptb_xl
from tests.documented import ROOT, all_commands, commands_of, name_and_arguments, reason_not_to_run
from tests.warm import WarmProcess

pytestmark = pytest.mark.slow

DIGEST = "0123456789ab"  # stands in documents for the digest in the name of a store or tree
CODES = ("NORM", "IMI", "LVH", "NDT", "LAFB")
SMALLER = {
    "train.yaml": [
        ("- logger: wandb", "- logger: none"),
        ("n_jobs: null", "n_jobs: 1"),
        ("page: true", "page: false"),
    ],  # no figures, no second start
    "data/synthetic.yaml": [(r"n_patients: \d+", "n_patients: 90")],
    "recipe/paper.yaml": [(r"max_epochs: \d+", "max_epochs: 1"), (r"rate_hz: \d+", "rate_hz: 100")],
    "recipe/quick.yaml": [(r"max_epochs: \d+", "max_epochs: 1")],
    "evaluation/default.yaml": [(r"n_resamples: \d+", "n_resamples: 20")],
    "trainer/default.yaml": [("accelerator: auto", "accelerator: cpu")],
    "experiment/profile.yaml": [("skip: 10", "skip: 1"), ("steps: 30", "steps: 1"), ("batches: 41", "batches: 3")],
    "experiment/search.yaml": [("n_trials: 20", "n_trials: 2"), ("n_jobs: 2 ", "n_jobs: 1 ")],
    "experiment/ablation.yaml": [("paper,.*", "paper,cosine")],
    "experiment/fine_tuning.yaml": [("0.1,0.3", "1.0"), ("5e-4,2e-3", "2e-3"), ("max_epochs: 20", "max_epochs: 1")],
    "experiment/fraction_sweep.yaml": [("0.02,.*", "0.5,1.0"), ("gated_fusion,.*", "gated_fusion")],
    "experiment/lambda_sweep.yaml": [("0,0.01,.*", "0,0.1")],
    "experiment/lost_leads.yaml": [("default,robust", "robust"), ("none,.*", "learned"), ("ecg_only,.*", "ecg_only")],
    "experiment/sanity.yaml": [("bag_of_statements,.*", "bag_of_statements")],
    "experiment/table2.yaml": [("k_merl,.*", "ecg_clip,gated_fusion,text_only")],
    "experiment/robustness.yaml": [
        ("seed: 42,43,44,45,46", "seed: 42"),
        ("cross_modal_transformer,.*", "gated_fusion,ecg_only"),
    ],
    "robustness.yaml": [
        ("kinds: null", "kinds: [foreign_report, only_lead_ii]"),
        (r"strengths: .*", "strengths: [5]"),
        (r"n_resamples: 500", "n_resamples: 5"),
        ("n_jobs: 2", "n_jobs: 1"),
    ],
    "experiment/zero_shot.yaml": [("ecg_clip,.*", "ecg_clip")],
}
ORDER = (
    r"ecgmm prepare",
    r"ecgmm train name=",
    r"ecgmm train (?!\+)",
    r"ecgmm train ",
    r"ecgmm (plan|audit|evaluate|robustness|predict|explain|verify)",
    "",
)


def first_run() -> list[str]:
    """The commands of the page for newcomers, in its order."""
    commands = commands_of((ROOT / "docs" / "start" / "first-run.md").read_text(encoding="utf-8"))
    return [command for command in commands if reason_not_to_run(command) is None]


def commands_to_run() -> list[str]:
    """All other commands that are run, in an order in which each finds what it needs."""
    commands = [command for command in all_commands() if reason_not_to_run(command) is None]
    commands = [command for command in commands if command not in first_run()]
    return sorted(commands, key=lambda text: next(k for k, pattern in enumerate(ORDER) if re.match(pattern, text)))


def copy_tree(destination: Path) -> Path:
    """Copy what git knows of the project, with small defaults."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in names.stdout.splitlines():
        if name.startswith(("ecgmm/", "conf/")) and (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, destination / name)
    for name, changes in SMALLER.items():
        path = destination / "conf" / name
        for pattern, replacement in changes:
            text, n_changed = re.subn(pattern, replacement, path.read_text(encoding="utf-8"))
            assert n_changed == 1, f"{name} has no {pattern}"
            path.write_text(text, encoding="utf-8")
    for path in (destination / "conf" / "experiment").glob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace("seed: 42,43,44", "seed: 42"), encoding="utf-8")
    return destination


class Workspace:
    """An empty folder in which documented commands are run."""

    def __init__(self, folder: Path) -> None:
        self.code = copy_tree(folder / "code")
        self.home = folder / "home"
        self.home.mkdir()
        surroundings = {"PYTHONPATH": str(self.code), "WANDB_MODE": "offline", "OMP_NUM_THREADS": "1"}
        self.process = WarmProcess(os.environ | surroundings)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        name, arguments = name_and_arguments(command.replace("=/data/", f"={self.home}/data/"))
        folders = [sorted(map(str, self.home.glob(word))) if "*" in word else [word] for word in arguments]
        call = [*([name] if name else []), *chain.from_iterable(folders)]
        return self.process.run("ecgmm", call, self.home)

    def fill(self) -> None:
        """Make the data that documents give as a reader's own."""
        done = self.run("ecgmm prepare data.rate_hz=100")
        assert done.returncode == 0, done.stderr
        (tree,) = (self.home / "raw").glob("synthetic-*")
        (store,) = (self.home / "stores").glob("synthetic-*[0-9a-f]")
        data = self.home / "data"
        shutil.copytree(tree, data / "mimic-iv-ecg" / "1.0")
        shutil.copytree(tree, self.home / "raw" / f"synthetic-{DIGEST}")
        for source in ("synthetic", "ptb_xl"):
            shutil.copytree(store, self.home / "stores" / f"{source}-{DIGEST}")
        shutil.copy(tree / "records_w_diag_icd10.csv", data)
        reports = pl.read_csv(tree / "machine_measurements.csv", infer_schema=False)
        reports.select("study_id", text="report_0").write_csv(data / "notes.csv")
        for rate_hz in (500, 100):
            codes = {k: f"{{'{CODES[(7 * k + k // 10) % 5]}': 100.0, 'SR': 0.0}}" for k in range(1, 101)}
            write_ptb_xl(data / "ptb-xl" / "1.0.3", 100, rate_hz, codes)
        pack(data / "mimic-iv-ecg" / "1.0", data / "mimic-iv-ecg-1.0.zip")
        pack(data / "ptb-xl" / "1.0.3", data / "ptb-xl-1.0.3.zip")
        write_csv(data / "own" / "records.csv", write_collection(data / "own", 60))
        for number in range(1, 61):
            base = data / "challenge-2021" / "1.0.3" / "training" / "georgia" / "g1" / f"E{number:05d}"
            dx = ("426783006", "164889003,59118001")[number % 2]
            write_mat_record(base, wave(number, 5000, 500), comments_of(dx=dx))
        header = next(tree.rglob("*.hea"))
        for folder in (self.home / "path", self.home):
            folder.mkdir(exist_ok=True)
            (folder / "40689238.hea").write_text(header.read_text().replace(header.stem, "40689238"))
            shutil.copy(header.with_suffix(".dat"), folder / "40689238.dat")
        (self.home / "list.csv").write_text("record,report\npath/40689238,Sinus rhythm.\n")
        (self.home / "FILE").write_text("Sinus rhythm\nLeft axis deviation\n")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = Workspace(tmp_path_factory.mktemp("documented"))
    with closing(made.process):
        made.fill()
        yield made


def test_the_first_run_goes_as_its_page_says(tmp_path: Path) -> None:
    empty = Workspace(tmp_path)
    with closing(empty.process):
        _run_first(empty)


def _run_first(empty: Workspace) -> None:
    for command in first_run():
        done = empty.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("command", commands_to_run())
def test_a_documented_command_runs(command: str, workspace: Workspace) -> None:
    done = workspace.run(command)
    assert done.returncode == 0, f"{shlex.split(command)}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
