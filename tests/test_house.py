"""Properties of the package as a whole: what loads, what is set by import, how far settings travel."""

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ecgmm

PACKAGE = Path(ecgmm.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

MOST_LOADED = 172
"""Modules of ours that a run of the paper's method on a store that is there may load, packages included."""
MOST_WITH_CONFIG = 8
MOST_PARAMETERS = 8


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """All functions of a module, except for methods whose parameters Hydra prescribes."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef):
            yield node
        bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
        if not {"Callback", "Launcher", "Sweeper"} & set(bases):
            nodes.extend(ast.iter_child_nodes(node))


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def is_composition(argument: ast.arg) -> bool:
    """Whether a parameter is settings as a whole, rather than settings of one thing that have a class of their own."""
    annotation = "" if argument.annotation is None else ast.unparse(argument.annotation)
    has_own_class = "PretrainedConfig" in annotation
    is_plain = annotation in ("", "Any") or any(name in annotation for name in ("DictConfig", "dict[", "Mapping["))
    return argument.arg == "config" and is_plain and not has_own_class


def test_few_functions_see_settings_as_a_whole() -> None:
    seen = [
        f"{path.relative_to(PACKAGE)}:{function.name}"
        for path in MODULES
        for function in functions(path)
        if any(map(is_composition, parameters(function)))
    ]
    assert len(seen) <= MOST_WITH_CONFIG, seen


def reaches_beyond_the_module(node: ast.stmt) -> bool:
    """Whether a statement at the top of a module calls something for its effect, or changes what is not its own."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        own_class = "sys.modules[__name__].__class__"  # what a module is itself, is its own
        targets = [target for target in targets if ast.unparse(target) != own_class]
        owners = [target.value if isinstance(target, ast.Subscript) else target for target in targets]
        return any(isinstance(owner, ast.Attribute) for owner in owners)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    return isinstance(node, ast.For | ast.While | ast.With | ast.Try | ast.Delete)


def test_nothing_is_called_by_an_import() -> None:
    """What sets anything for the whole process is a function that an entry point calls."""
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            assert not reaches_beyond_the_module(node), (
                f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)[:80]}"
            )


_IMPORT_ALL = """
import importlib, logging, os, sys, warnings
from omegaconf import OmegaConf

names = sys.argv[1:]
def import_all():
    for name in names:
        importlib.import_module(name)

import_all()  # and with them the libraries, which set what they like
for name in [name for name in sys.modules if name.partition(".")[0] == "ecgmm"]:
    del sys.modules[name]
warnings.resetwarnings()
OmegaConf.clear_resolvers()
state = lambda: (
    list(warnings.filters),
    {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict if not name.startswith("ecgmm")},
    [OmegaConf.has_resolver(name) for name in ("run_name", "package_folder")],
    dict(os.environ),
)
before = state()
import_all()
for was, now in zip(before, state()):
    assert was == now, (was, now)
"""


@pytest.mark.slow
def test_importing_every_module_leaves_the_process_as_it_was() -> None:
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in MODULES]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_importing_ecgmm_loads_no_library_that_takes_time() -> None:
    code = "import sys, ecgmm; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "polars", "lightning", "hydra", "omegaconf", "numpy", "matplotlib"} & set(done.stdout.split())


def test_the_data_module_and_every_method_take_few_parameters() -> None:
    from ecgmm.data.batches.datamodule import EcgReportDataModule
    from ecgmm.models.contrastive_method import ContrastiveMethod

    base = inspect.signature(ContrastiveMethod).parameters.values()
    of_all_contrastive_rows = {one.name for one in base if one.default is not one.empty}
    assert len(inspect.signature(EcgReportDataModule).parameters) <= MOST_PARAMETERS
    for path in (PACKAGE / "models" / "methods").rglob("*.py"):
        for function in functions(path):
            if function.name == "__init__":
                names = [argument.arg for argument in parameters(function)]
                own = set(names) - {"self"} - of_all_contrastive_rows
                assert len(own) <= MOST_PARAMETERS, f"{path.name}: {names}"


_TRAIN = """
import runpy, sys
sys.argv = ["ecgmm.train", *sys.argv[1:]]
try:
    runpy.run_module("ecgmm.train", run_name="__main__", alter_sys=True)
finally:
    loaded = [name for name in sys.modules if name.partition(".")[0] == "ecgmm"]
    print(len(loaded), file=sys.stderr)
"""


@pytest.mark.slow
def test_a_run_of_the_default_method_loads_what_it_needs(
    quick_settings: list[str], tiny_store: Path, tmp_path: Path
) -> None:
    settings = [*quick_settings, "trainer.max_epochs=1", f"hydra.run.dir={tmp_path}/run"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, *settings], capture_output=True, text=True, check=True, env=environment
    )
    assert int(done.stderr.splitlines()[-1]) <= MOST_LOADED


_WITHOUT_HYDRA = """
import sys
from pathlib import Path
from ecgmm.settings import checked
from ecgmm.settings.composing import compose
from ecgmm.data.preparation.opening import open_or_prepare
from ecgmm.training.build import set_up
from ecgmm.training.run import train_run

config = compose("train", sys.argv[2:])
written = str(config)
settings = checked("train", config)
metrics = train_run(set_up(settings, open_or_prepare(settings.data)), Path(sys.argv[1]))
assert str(config) == written, "the composition was changed"
assert "hydra" not in sys.modules
"""


@pytest.mark.slow
def test_a_run_needs_no_hydra_and_is_the_one_of_the_command(
    command: Callable[..., int], quick_settings: list[str], tiny_store: Path, tmp_path: Path
) -> None:
    settings = [*quick_settings, "trainer.max_epochs=1", "method=bag_of_statements"]
    code = [sys.executable, "-c", _WITHOUT_HYDRA, str(tmp_path / "plain"), *settings]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(code, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert command("train", *settings, f"hydra.run.dir={tmp_path}/command") == 0
    for name in ("metrics.json", "config.yaml", "predictions.parquet"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
