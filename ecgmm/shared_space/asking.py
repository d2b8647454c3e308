"""Questions to many runs about the same records: each batch is prepared once, and each tower encodes it once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgmm.building import construct
from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.remembering import remembering
from ecgmm.shared_space.opening import AT_ONCE, Opened, as_numbers
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.types import Batch

_WAVEFORM_TOWERS = ("ecg_encoder", "frequency_encoder")
Logits = NDArray[np.float32]
Key = tuple[str, int]
"""Name of a reading, and which of several draws of it."""


@dataclass(frozen=True)
class Question:
    """What a method is asked about a batch of waveforms.

    Attributes:
        parts: Parts that stand in the place of the method's own: class prompts, waveform towers.
        directions: Classes in the shared space ``[M, D']`` that waveforms are compared with; None asks for the logits
            of the method's own classes.
    """

    parts: Mapping[str, nn.Module]
    directions: Tensor | None = None

    def answer(self, method: ContrastiveMethod, batch: Batch) -> Tensor:
        """``[B, K]`` or ``[B, M]`` for a prepared batch."""
        with in_place(method, self.parts):
            logits: Tensor = (
                method(batch).logits if self.directions is None else method.similarities(batch, self.directions)
            )
        return logits


@contextmanager
def in_place(method: ContrastiveMethod, parts: Mapping[str, nn.Module]) -> Iterator[None]:
    """Within it, parts stand in the place of a method's own."""
    own = {name: method.get_submodule(name) for name in parts}
    for name, part in parts.items():
        setattr(method, name, part)
    try:
        yield
    finally:
        for name, part in own.items():
            setattr(method, name, part)


class RandomTowers:
    """Waveform towers as they were born, made once for all runs whose towers have the same settings."""

    def __init__(self) -> None:
        self._born: dict[str, dict[str, nn.Module]] = {}

    def of(self, opened: Opened, draw: int) -> dict[str, nn.Module]:
        """The towers of a draw that take the place of a run's."""
        method, device = opened.served.model.facts.method, opened.device
        settings = {name: method[name] for name in _WAVEFORM_TOWERS if name in method}
        key = repr((settings, draw, device))
        if key not in self._born:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(draw)
                self._born[key] = {name: construct(part).to(device).eval() for name, part in settings.items()}
        return self._born[key]


@dataclass(frozen=True)
class Reader:
    """A run that answers questions about records, whose reports it does not see.

    Attributes:
        method: Its method.
        preparation: Of its waveforms.
        dataset: The records.
        store: Fingerprint of their store.
        questions: What is asked.
    """

    method: ContrastiveMethod
    preparation: WaveformPreparation
    dataset: RecordDataset
    store: str
    questions: Mapping[Key, Question]

    @staticmethod
    def of(opened: Opened, questions: Mapping[Key, Question], rows: NDArray[np.int64] | None = None) -> "Reader":
        """A run that is asked about its records, or about some rows of their store."""
        served = opened.served
        dataset = served.datamodule.dataset(opened.rows if rows is None else rows).without_reports()
        return Reader(opened.method, served.model.preparation, dataset, served.store.fingerprint, questions)

    def towers(self) -> set[nn.Module]:
        """Waveform towers that answer."""
        parts = [self.method._modules, *(question.parts for question in self.questions.values())]
        return {tower for some in parts for name in _WAVEFORM_TOWERS if (tower := some.get(name)) is not None}

    def written_texts(self) -> list[Tensor]:
        """Token ids of texts that are written once and for all, such as class prompts."""
        modules = [self.method, *(part for question in self.questions.values() for part in question.parts.values())]
        return [ids for module in modules for name, ids in module.named_buffers() if name.endswith("_ids")]


@torch.inference_mode()
def answers(readers: Sequence[Reader]) -> list[dict[Key, Logits]]:
    """Ask all runs, ``[n, K]`` for each question; the runs meet each batch together."""
    found: list[dict[Key, list[Logits]]] = [{key: [] for key in reader.questions} for reader in readers]
    groups: dict[tuple[str, bytes], list[int]] = {}
    for place, reader in enumerate(readers):
        groups.setdefault((reader.store, reader.dataset.rows.tobytes()), []).append(place)
    with ExitStack() as stack:
        texts = {reader.method: reader.written_texts() for reader in readers}
        for method, known in texts.items():
            stack.enter_context(remembering(method.get_submodule("text_encoder"), known))
        for places in groups.values():
            _ask([readers[place] for place in places], [found[place] for place in places])
    return [{key: np.concatenate(parts) for key, parts in one.items()} for one in found]


def _ask(readers: Sequence[Reader], found: Sequence[dict[Key, list[Logits]]]) -> None:
    """Ask runs about the same records, batch by batch."""
    towers = {tower for reader in readers for tower in reader.towers()}
    devices = [reader.method.scale.log_scale.device for reader in readers]
    forms = [(reader.preparation.key(), device) for reader, device in zip(readers, devices, strict=True)]
    preparations = dict(zip(forms, (reader.preparation for reader in readers), strict=True))
    for batch in readers[0].dataset.batches(AT_ONCE):
        seen = {form: _prepared(batch, preparation, form[1]) for form, preparation in preparations.items()}
        with ExitStack() as stack:
            for tower in towers:
                stack.enter_context(remembering(tower, [one.waveforms for one in seen.values()]))
            for reader, form, parts in zip(readers, forms, found, strict=True):
                for key, question in reader.questions.items():
                    parts[key].append(as_numbers(question.answer(reader.method, seen[form])))


def _prepared(batch: Batch, preparation: WaveformPreparation, device: torch.device) -> Batch:
    moved = batch.on(device)
    return moved._replace(waveforms=preparation(moved.waveforms))
