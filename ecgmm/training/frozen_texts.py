"""Embeddings of all distinct reports by a text encoder that never learns, computed once before training.

The reports' embeddings are kept in a folder beside the store (``<store>.text``), and are as confidential as the store.
"""

import hashlib
import logging
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.files import whole_path
from ecgmm.models.encoders import FreezableTextEncoder
from ecgmm.models.method import Method
from ecgmm.models.text_encoders.known_texts import KnownTexts

log = logging.getLogger(__name__)
_FORMAT = b"1"  # another number makes all cached files stale
_TEXTS_AT_ONCE = 128


def know_frozen_texts(method: Method, datamodule: EcgReportDataModule, device: torch.device) -> None:
    """Give a method's frozen text encoder the table of all texts that a run can show it.

    These are the reports of the store as the text policy and the tokeniser make them, and the words that the method is
    bound to (``Method.bound_texts``).

    Args:
        method: The method, bound to its words; its text encoder is moved to ``device``.
        datamodule: The data.
        device: Where the encoder runs, once for each text.
    """
    encoder = method.frozen_text_encoder()
    if encoder is None:
        return
    method.get_submodule("text_encoder").to(device)
    reports = torch.from_numpy(datamodule.tokens.ids).long()
    lengths = torch.from_numpy(datamodule.tokens.lengths)
    tables = [(reports, torch.arange(reports.shape[1]) < lengths[:, None])]
    tables += [(ids.cpu(), mask.cpu()) for ids, mask in method.bound_texts()]
    folder = datamodule.store.path.with_name(f"{datamodule.store.path.name}.text")
    pooled = [_cached(encoder, *tables[0], folder, device), *(_embed(encoder, *table, device) for table in tables[1:])]
    ids, masks = zip(*tables, strict=True)
    encoder.know(KnownTexts(_joined(ids), _joined(masks), torch.cat(pooled)).to(device))


def _joined(tables: tuple[Tensor, ...]) -> Tensor:
    width = max(table.shape[1] for table in tables)
    return torch.cat([torch.nn.functional.pad(table, (0, width - table.shape[1])) for table in tables])


def _cached(encoder: FreezableTextEncoder, ids: Tensor, mask: Tensor, folder: Path, device: torch.device) -> Tensor:
    file = folder / f"{_digest(encoder, ids, mask)}.safetensors"
    if file.exists():
        return load_file(file)["pooled"]
    pooled = _embed(encoder, ids, mask, device)
    folder.mkdir(exist_ok=True)
    with whole_path(file) as partial:  # other runs may be making the same file
        save_file({"pooled": pooled}, partial)
    log.info("the frozen text encoder has embedded %d distinct reports once (%s)", len(ids), folder.name)
    return pooled


def _digest(encoder: FreezableTextEncoder, ids: Tensor, mask: Tensor) -> str:
    """Of all that decides the embeddings: the architecture, its weights, and the token ids of the reports.

    What else has a say (tokeniser, longest text, text policy, order of the reports) is in the ids.
    """
    architecture, weights = encoder.frozen_state()
    digest = hashlib.sha256(_FORMAT + architecture.encode())
    for name, tensor in [*weights.items(), ("ids", ids), ("mask", mask)]:
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


@torch.no_grad()
def _embed(encoder: FreezableTextEncoder, ids: Tensor, mask: Tensor, device: torch.device) -> Tensor:
    """Compute what the frozen part gives for texts ``[R, N]``, in full precision: float32 ``[R, width]`` on the CPU."""
    pooled = torch.empty(len(ids), encoder.width)
    with torch.autocast(device.type, enabled=False):
        for part in mask.sum(dim=1).argsort().split(_TEXTS_AT_ONCE):  # of like length, so that little is padding
            n_tokens = max(1, int(mask[part].sum(dim=1).max()))
            shown = (ids[part, :n_tokens].to(device), mask[part, :n_tokens].to(device))
            pooled[part] = encoder.pooled(*shown).float().cpu()
    return pooled
