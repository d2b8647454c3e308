"""Training of a model that is split over the processes: FSDP2 by Lightning's ``ModelParallelStrategy``.

Weights, gradients and the optimizer's states lie in equal parts on all processes. The weights of a layer of the
language model are gathered while that layer is at work, and all others while the method is.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import lightning
from lightning.pytorch.strategies import ModelParallelStrategy
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh


class Sharded(ModelParallelStrategy):
    """Strategy that shards over all processes; checkpoints are those of one process, in one file."""

    def __init__(self) -> None:
        super().__init__(save_distributed_checkpoint=False)

    def setup_environment(self) -> None:
        """Meet the other processes."""
        self._data_parallel_size, self._tensor_parallel_size = self.num_nodes * self.num_processes, 1
        super().setup_environment()

    def setup(self, trainer: lightning.Trainer) -> None:
        """Share the statistics of batch norms, which Lightning's own strategy leaves out, and build the optimizer."""
        if trainer.state.fn == TrainerFn.FITTING and self._layer_sync is not None:
            assert self.model is not None
            self.model = self._layer_sync.apply(self.model)
        super().setup(trainer)


def shard(method: nn.Module, mesh: "DeviceMesh") -> None:
    """Split the weights of a method in place: those of each layer of its language model together, then all others."""
    if isinstance(method, FSDPModule):
        return
    for layer in method.language_model.layers():  # type: ignore[operator,union-attr]  # the rows that are let so far
        fully_shard(layer, mesh=mesh)
    fully_shard(method, mesh=mesh)


def load_weights(module: nn.Module, weights: Mapping[str, Any]) -> None:
    """Load the weights of a whole module into one that may be split; every process has them."""
    set_model_state_dict(module, dict(weights), options=StateDictOptions(full_state_dict=True))


def put_together(method: nn.Module) -> None:
    """Give every process all weights of a split method, which is then like any other; one that is whole stays so."""
    parts = list(method.modules())
    for part in parts:
        if isinstance(part, FSDPModule):
            part.reshard()
    for part in parts:
        for name, parameter in part.named_parameters(recurse=False):
            if isinstance(parameter, DTensor):
                whole = parameter.full_tensor().detach()
                setattr(part, name, nn.Parameter(whole, parameter.requires_grad))
