"""ecgmm: joint learning from 12-lead ECG waveforms and their reports.

The names below are the Python face of the package; each loads what it needs when it is first used, so importing ecgmm
costs nothing. None of them imports Hydra.

    store = ecgmm.open_store("stores/...")        ecgmm.stores(), ecgmm.prepare("ptb_xl", root="...")
    record = store.record(17)                     record.millivolts, record.statements, ecgmm.plot(record)
    run = ecgmm.train(store, method="concat")     ecgmm.load_run("outputs/..."), ecgmm.build("concat", store)
    run.export("model.onnx")                      ecgmm.load_bundle("bundle"), ecgmm.from_hub("owner/name", commit, ...)
    ecgmm.table2("outputs/table2").to_markdown()
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from ecgmm.version import __version__

if TYPE_CHECKING:
    from ecgmm.interface.bundles import Bundle, from_hub, load_bundle
    from ecgmm.interface.drawing import plot
    from ecgmm.interface.learning import build, train
    from ecgmm.interface.runs import Run, load_run
    from ecgmm.interface.stores import OpenStore, Record, open_store, prepare, stores
    from ecgmm.interface.tables import table2

__all__ = [
    "Bundle",
    "OpenStore",
    "Record",
    "Run",
    "__version__",
    "build",
    "from_hub",
    "load_bundle",
    "load_run",
    "open_store",
    "plot",
    "prepare",
    "stores",
    "table2",
    "train",
]

_ROOMS = {
    "bundles": ("Bundle", "from_hub", "load_bundle"),
    "drawing": ("plot",),
    "learning": ("build", "train"),
    "runs": ("Run", "load_run"),
    "stores": ("OpenStore", "Record", "open_store", "prepare", "stores"),
    "tables": ("table2",),
}


class _Package(ModuleType):
    """The package, in which ``train`` and ``prepare`` stay functions when commands' modules of these names load."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in __all__):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    for module, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"ecgmm.interface.{module}"), name)
    raise AttributeError(f"module 'ecgmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
