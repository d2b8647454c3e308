"""Text towers that never learn say what they have to say once: distinct reports are embedded before training.

The reports' embeddings are kept in a folder beside the store (``<store>.text``), and are as confidential as the store.
"""

import hashlib
import logging
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.models.method import Method
from ecgmm.models.text_encoders.known_texts import KnownTexts
from ecgmm.models.text_encoders.transformer import Transformer

log = logging.getLogger(__name__)
_FORMAT = b"1"  # another number makes all cached files stale
_TEXTS_AT_ONCE = 128


def know_frozen_texts(method: Method, datamodule: EcgReportDataModule, device: torch.device) -> None:
    """Give every frozen text tower of a method the table of all texts that a run can show it.

    These are the reports of the store as the text policy and the tokeniser make them, and the words that the method is
    bound to (buffers ``<name>_ids`` with ``<name>_mask``).

    Args:
        method: The method, bound to its words; its towers are moved to ``device``.
        datamodule: The data.
        device: Where the transformers run, once for each text.
    """
    towers = [part for part in method.modules() if isinstance(part, Transformer) and part.frozen]
    if not towers:
        return
    reports = torch.from_numpy(datamodule.tokens.ids).long()
    lengths = torch.from_numpy(datamodule.tokens.lengths)
    tables = [(reports, torch.arange(reports.shape[1]) < lengths[:, None]), *_bound_texts(method)]
    folder = datamodule.store.path.with_name(f"{datamodule.store.path.name}.text")
    for tower in towers:
        pooled = [_cached(tower, *tables[0], folder, device), *(_embed(tower, *table, device) for table in tables[1:])]
        ids, masks = zip(*tables, strict=True)
        tower.know(KnownTexts(_joined(ids), _joined(masks), torch.cat(pooled)).to(device))


def _bound_texts(method: Method) -> list[tuple[Tensor, Tensor]]:
    buffers = dict(method.named_buffers())
    names = [name for name in buffers if name.endswith("_ids") and f"{name.removesuffix('_ids')}_mask" in buffers]
    return [(buffers[name].cpu(), buffers[f"{name.removesuffix('_ids')}_mask"].cpu()) for name in names]


def _joined(tables: tuple[Tensor, ...]) -> Tensor:
    width = max(table.shape[1] for table in tables)
    return torch.cat([torch.nn.functional.pad(table, (0, width - table.shape[1])) for table in tables])


def _cached(tower: Transformer, ids: Tensor, mask: Tensor, folder: Path, device: torch.device) -> Tensor:
    file = folder / f"{_digest(tower, ids, mask)}.safetensors"
    if file.exists():
        return load_file(file)["pooled"]
    pooled = _embed(tower, ids, mask, device)
    folder.mkdir(exist_ok=True)
    partial = file.with_name(f"{file.name}.partial-{os.getpid()}")  # other runs may be making the same file
    save_file({"pooled": pooled}, partial)
    partial.replace(file)
    log.info("the frozen text tower has embedded %d distinct reports once (%s)", len(ids), folder.name)
    return pooled


def _digest(tower: Transformer, ids: Tensor, mask: Tensor) -> str:
    """Of all that decides the embeddings: the architecture, its weights, and the token ids of the reports.

    What else has a say (tokeniser, longest text, text policy, order of the reports) is in the ids.
    """
    digest = hashlib.sha256(_FORMAT + tower.model.config.to_json_string().encode())
    weights = tower.model.state_dict()
    for name, tensor in [*weights.items(), ("ids", ids), ("mask", mask)]:
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:32]


@torch.no_grad()
def _embed(tower: Transformer, ids: Tensor, mask: Tensor, device: torch.device) -> Tensor:
    """What the transformer says of texts ``[R, N]``, in full precision: float32 ``[R, width]`` on the CPU."""
    tower.to(device)
    pooled = torch.empty(len(ids), tower.width)
    with torch.autocast(device.type, enabled=False):
        for part in mask.sum(dim=1).argsort().split(_TEXTS_AT_ONCE):  # of like length, so that little is padding
            n_tokens = max(1, int(mask[part].sum(dim=1).max()))
            shown = (ids[part, :n_tokens].to(device), mask[part, :n_tokens].to(device))
            pooled[part] = tower.pooled(*shown).float().cpu()
    return pooled
