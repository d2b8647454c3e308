"""One process that has loaded the slow libraries, and starts each command as a copy of itself.

A command in a process of its own spends seconds on these imports before it does anything; a copy (``fork``) has them.
The project itself is not loaded before, so that a command loads what it needs as it does for its user.
"""

import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.documented import ROOT
from tests.patience import HUNG_S

_LIBRARIES = (
    "torch",
    "lightning",
    "torchmetrics.classification",
    "transformers",
    "accelerate",
    "peft",
    "hydra.main",
    "pydantic",
    "polars",
    "pandera.polars",
    "scipy.signal",
    "sklearn.linear_model",
    "numba",
    "wfdb",
    "matplotlib.pyplot",
)


class WarmProcess:
    """Starts modules as ``python -m`` would, and scripts.

    Args:
        environment: Environment of every command.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        start = [sys.executable, "-m", "tests.warm"]
        self._process = subprocess.Popen(
            start, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, module: str, arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a module, or the file of a script, as a program in a folder, to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        outputs = folder.with_name(f"{folder.name}.stdout"), folder.with_name(f"{folder.name}.stderr")
        order = {"module": module, "arguments": list(arguments), "folder": str(folder), "outputs": [*map(str, outputs)]}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        written, said = (path.read_text(encoding="utf-8") for path in outputs)
        return subprocess.CompletedProcess([module, *arguments], code, written, said)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=HUNG_S)


def _wait_for_orders() -> None:
    """Serve orders; returns in a copy, which then runs a command, or at the end."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # else each copy looks through all of them when it ends, which takes longer than many a command
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            order = json.loads(line)
            break
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        return
    os.chdir(order["folder"])
    for number, path in enumerate(order["outputs"], 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv, sys.path[0] = [order["module"], *order["arguments"]], order["folder"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # the folder may have tests of its own
    if order["module"].endswith(".py"):
        runpy.run_path(order["module"], run_name="__main__")
    else:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _wait_for_orders()
