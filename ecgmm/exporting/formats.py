"""Programs as files of torch.export and of ONNX, each compared with Python before it is kept."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.export import Dim, ExportedProgram

from ecgmm.errors import ConfigError, printable
from ecgmm.evaluation.calibration import apply_temperature
from ecgmm.exporting.program import CALIBRATED, GATE, INCONSISTENCY, MILLIVOLTS, RAW, Program
from ecgmm.exporting.records import inputs_from, simulated_records, some_of, with_halves_missing
from ecgmm.files import whole_path
from ecgmm.runs.loading import SavedModel
from ecgmm.types import Batch

LARGEST_DIFFERENCE = 1e-5
"""Of probabilities and gates; of an inconsistency, which is a log-odds, as a share of it where it is above 1."""
_MOST_STATEMENTS = 4096
_FEW = 5
_LOUD = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")

Arrays = Mapping[str, NDArray[Any]]
Predicting = Callable[[tuple[Tensor, ...]], Arrays]
"""What a file answers to the inputs of its program."""


class Format(NamedTuple):
    """A kind of file: how a program is written, and how a file is read again for the comparison."""

    write: Callable[[ExportedProgram, Program, Path], None]
    read: Callable[[Path, Program], Predicting]


@dataclass(frozen=True)
class Comparison:
    """How far a file is from Python.

    Attributes:
        n_records: Records that both predicted.
        stored: Whether they are of the run's store, or simulated.
        differences: Largest difference of each output (see ``LARGEST_DIFFERENCE``).
    """

    n_records: int
    stored: bool
    differences: dict[str, float]

    def __str__(self) -> str:
        said = ", ".join(f"{name} {difference:.1e}" for name, difference in self.differences.items())
        return f"largest difference from Python over {self.n_records} {self.source} records: {said}"

    @property
    def source(self) -> str:
        """Kind of the records, as a word."""
        return "stored" if self.stored else "simulated"


def export_program(model: SavedModel, temperature: float, kind: str, file: Path, records: Batch | None) -> Comparison:
    """Write a program; a file that differs from Python is not kept.

    Args:
        model: The saved model.
        temperature: Of the run.
        kind: ``torch`` or ``onnx``.
        file: The file to write.
        records: Records to compare on, as the loader gives them; None takes simulated ones.

    Raises:
        ConfigError: If a package is missing, the method cannot be exported, or the program differs from Python.
    """
    if kind == "onnx":
        _require_onnx()
    program = Program(model, temperature).eval()
    with _quiet(), _without_fast_path(), torch.no_grad():
        try:
            exported = _exported(program, model)
            with whole_path(file) as partial:
                FORMATS[kind].write(exported, program, partial)
                comparison = _compared(model, program, FORMATS[kind].read(partial, program), records)
        except ConfigError:
            raise
        except Exception as error:  # what torch.export and torch.onnx raise has no common class
            raise ConfigError(
                f"{model.method.name} cannot be exported with format={kind} ({_cause(error)}); format=bundle keeps the"
                " model for Python"
            ) from error
    return comparison


def _exported(program: Program, model: SavedModel) -> ExportedProgram:
    """The graph of a program, traced on simulated records."""
    batch = Dim("batch", min=1, max=2**20)
    tokens, statements = Dim.DYNAMIC(min=1, max=model.facts.max_tokens), Dim.DYNAMIC(min=1, max=_MOST_STATEMENTS)
    shapes = {MILLIVOLTS: {0: batch}, "token_ids": {0: batch, 1: tokens}, "token_mask": {0: batch, 1: tokens}}
    shapes["statement_ids"] = {0: batch, 1: statements}
    inputs = inputs_from(simulated_records(model, _FEW), program.inputs, program.mv_per_step)
    exported = torch.export.export(
        program, inputs, dynamic_shapes=(tuple(shapes[name] for name in program.inputs),), strict=False
    )
    return exported


def _without_places(exported: ExportedProgram) -> ExportedProgram:
    """A graph that tells neither where in files of this machine its code stood, nor what it was traced on."""
    for module in exported.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
    exported.example_inputs = None
    return exported


def _write_torch(exported: ExportedProgram, program: Program, file: Path) -> None:
    plain = exported.run_decompositions({})  # without the blocks that keep autocast off, which cannot be written
    with file.open("wb") as opened:
        torch.export.save(_without_places(plain), opened)


def _read_torch(file: Path, program: Program) -> Predicting:
    with file.open("rb") as opened:
        runnable = torch.export.load(opened).module()
    return lambda inputs: {name: values.numpy() for name, values in runnable(*inputs).items()}


def _write_onnx(exported: ExportedProgram, program: Program, file: Path) -> None:
    outputs = _outputs(exported)
    written = torch.onnx.export(
        exported, dynamo=True, verbose=False, input_names=list(program.inputs), output_names=outputs
    )
    assert written is not None
    for node in written.model.graph.all_nodes():
        node.metadata_props.clear()  # names of modules, and places in files of this machine
    written.save(file)


def _read_onnx(file: Path, program: Program) -> Predicting:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def predicting(inputs: tuple[Tensor, ...]) -> Arrays:
        given = {name: values.numpy() for name, values in zip(program.inputs, inputs, strict=True)}
        return dict(zip(names, session.run(names, given), strict=True))

    return predicting


FORMATS = {"torch": Format(_write_torch, _read_torch), "onnx": Format(_write_onnx, _read_onnx)}


def _outputs(exported: ExportedProgram) -> list[str]:
    names: list[str] = exported.call_spec.out_spec.context  # keys of the mapping
    return list(names)


def _compared(model: SavedModel, program: Program, predicting: Predicting, records: Batch | None) -> Comparison:
    """Compare on all records at once, on one alone, and with halves missing.

    Raises:
        ConfigError: If an output is further away than ``LARGEST_DIFFERENCE``.
    """
    whole = simulated_records(model) if records is None else records
    few = some_of(whole, range(min(_FEW, len(whole.rows))))
    differences: dict[str, float] = {}
    for batch in (whole, some_of(whole, [0]), with_halves_missing(few)):
        expected = expected_of(model, program.temperature, batch)
        given = predicting(inputs_from(batch, program.inputs, program.mv_per_step))
        for name, values in expected.items():
            scale = np.maximum(np.abs(values), 1.0) if name == INCONSISTENCY else 1.0
            distance = float((np.abs(given[name] - values) / scale).max())
            differences[name] = max(differences.get(name, 0.0), distance)
    for name, difference in differences.items():
        if not difference <= LARGEST_DIFFERENCE:
            raise ConfigError(
                f"the exported {model.method.name} differs from Python by {difference:.1e} in {name}, more than"
                f" {LARGEST_DIFFERENCE:g}, so it is not kept; choose another format, or format=bundle"
            )
    return Comparison(len(whole.rows), records is not None, differences)


def expected_of(model: SavedModel, temperature: float, batch: Batch) -> dict[str, NDArray[np.floating]]:
    """What Python answers to a batch as the loader gives it, by name of the program's output.

    Args:
        model: The saved model.
        temperature: Of the run.
        batch: int16 waveforms, token ids, statement ids.
    """
    output = model(batch)
    logits, task = output.logits.double(), model.facts.task
    raw = (logits.softmax(dim=1) if task == "single_label" else logits.sigmoid()).numpy()
    expected = {RAW: raw, CALIBRATED: apply_temperature(raw, temperature, task)}
    expected |= {} if output.gate is None else {GATE: output.gate.numpy()}
    return expected | ({} if output.inconsistency is None else {INCONSISTENCY: output.inconsistency.numpy()})


def _require_onnx() -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(package) is None:
            raise ConfigError(f"the package {package} is not installed; run pip install 'ecgmm[export]'")


def _cause(error: BaseException) -> str:
    """First sentence of what lies behind an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return printable(lines[0] if lines else type(error).__name__, 160)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the exporters say of themselves."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Keep torch from its fused transformer layer, which no other program knows."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
