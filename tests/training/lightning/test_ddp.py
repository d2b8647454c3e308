"""Two processes on gloo compute what one does: outputs, losses, gradients, statistics of batch norm, draws."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from ecgmm.data.batches.loader import own_share
from ecgmm.models.batch_norm import BatchNorm
from ecgmm.models.method import Method
from ecgmm.training.lightning.processes import of_all, same_draws, share_of, whole
from ecgmm.training.lightning.sharded import load_weights, put_together, shard
from ecgmm.training.lightning.shared_batch_norm import SharedBatchNorm
from ecgmm.types import Batch
from tests.models.building import LEARNT, N_RECORDS, batch_of, build, rows_of
from tests.rounding import EPS, of_sums

N_TIMES = 200
SHARDED = ("ecg_doctor", "meit")
SIZES = (12, 7, 1)  # even shares, uneven ones, and a process without a record
CPU = torch.device("cpu")

pytestmark = pytest.mark.slow  # two processes, which take most of the time to start


class Step(nn.Module):
    """The method's part of a training step, as ``DiagnosisTask`` does it."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: Batch) -> Tensor:
        output = self.method(share_of(batch))
        with same_draws(0, CPU):
            return self.method.total_loss(self.method.losses(*whole(output, batch)))


def without_chance(method: Method) -> Method:
    """Switch off what is drawn for a record: each process draws for its own."""
    for module in method.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in ("dropout", "most_leads_out", "segments_out", "mask_ratio"):
            if isinstance(getattr(module, name, None), (int, float)):
                setattr(module, name, 0)
    return method.train()


def after_a_step(step: nn.Module, method: Method, batch: Batch) -> dict[str, Tensor]:
    """Loss, gradients and buffers."""
    torch.manual_seed(0)  # as ``same_draws``
    loss = step(batch)
    loss.backward()
    gradients = {f"gradient of {name}": p.grad for name, p in method.named_parameters() if p.grad is not None}
    buffers = {name: value for name, value in method.named_buffers() if not name.endswith("num_batches_tracked")}
    return {"loss": loss.detach(), **gradients, **buffers}


def some(n_records: int, share: slice = slice(None)) -> Batch:
    """The first records, of which some lack a modality, with the waveforms of a share."""
    batch = rows_of(batch_of("single_label", complete=False, n_times=N_TIMES), torch.arange(n_records))
    return batch._replace(waveforms=batch.waveforms[share])


def after_three_steps(step: nn.Module, method: Method, share: slice = slice(None)) -> dict[str, Tensor]:
    """Losses and norms of gradients, which are clipped, and weights at the end."""
    # An optimizer that does not turn rounding into steps: where a gradient is 0 by construction, Adam's has any sign.
    optimizer = torch.optim.AdamW(method.parameters(), lr=1e-3, eps=1e-2)
    found: dict[str, Tensor] = {}
    for n in range(3):
        optimizer.zero_grad()
        torch.manual_seed(0)
        loss = step(some(7, share))
        loss.backward()
        norm = nn.utils.clip_grad_norm_(method.parameters(), 0.5)
        found |= {f"loss {n}": loss.detach(), f"norm {n}": getattr(norm, "full_tensor", lambda norm=norm: norm)()}
        optimizer.step()
    put_together(method)
    return found | method.state_dict()


def sharded_in_two(name: str) -> dict[str, Tensor]:
    method, other = without_chance(build(name)), build(name, seed=1)
    mesh = init_device_mesh("cpu", (2,))
    first = {key: values.clone() for key, values in method.state_dict().items()}
    shard(other, mesh)
    load_weights(other, first)
    put_together(other)
    assert all(torch.equal(values, first[key]) for key, values in other.state_dict().items())
    step = SharedBatchNorm().apply(Step(method))
    shard(method, mesh)
    n_here = sum(parameter.to_local().numel() for parameter in method.parameters())  # type: ignore[attr-defined]
    found = after_three_steps(step, method, own_share(7))
    n_all = sum(parameter.numel() for parameter in method.parameters())
    return found | {"part of the weights": torch.tensor(n_here / n_all)}


def in_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    found: dict[str, Any] = {}
    for name in LEARNT:
        for n_records in SIZES:
            method = without_chance(build(name))
            step = DistributedDataParallel(SharedBatchNorm().apply(Step(method)))
            found[f"{name} {n_records}"] = after_a_step(step, method, some(n_records, own_share(n_records)))
    found |= {f"sharded {name}": sharded_in_two(name) for name in SHARDED}
    found["ranks"] = torch.tensor(of_all(rank))
    torch.save(found, Path(folder, f"{rank}.pt"))
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("two")
    spawn(in_two, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def assert_same_up_to_rounding(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Compare each tensor at the scale of its largest entry; single entries may be small because much has cancelled.

    The longest sums are those over all samples of all leads of the batch. What reaches a parameter was rounded in each
    layer that it went through, at the scale of the largest gradient: that is left of a gradient that is 0 by
    construction, such as that of a bias before batch norm.
    """
    assert found.keys() == expected.keys()
    gradients = [values.abs().max() for name, values in expected.items() if name.startswith("gradient")]
    floor = 16 * EPS * float(torch.stack(gradients).max())
    longest = of_sums(N_RECORDS * 12 * N_TIMES)
    for name, values in expected.items():
        allowed = longest * float(values.abs().max()) + floor if values.is_floating_point() else 0.0
        assert found[name].shape == values.shape
        assert float((found[name].double() - values.double()).abs().max()) <= allowed, name


@pytest.mark.parametrize("n_records", SIZES)
@pytest.mark.parametrize("name", LEARNT)
def test_loss_gradients_and_buffers_are_those_of_one_process(
    two: list[dict[str, Any]], name: str, n_records: int
) -> None:
    method = without_chance(build(name))
    expected = after_a_step(Step(method), method, some(n_records))
    assert any(key.startswith("gradient") for key in expected)
    for found in two:
        assert_same_up_to_rounding(found[f"{name} {n_records}"], expected)


@pytest.mark.parametrize("name", SHARDED)
def test_sharded_steps_are_those_of_one_process(two: list[dict[str, Any]], name: str) -> None:
    method = without_chance(build(name))
    expected = after_three_steps(Step(method), method)
    for found in two:
        shares = found[f"sharded {name}"]
        assert shares.pop("part of the weights") == pytest.approx(0.5, abs=0.05)
        torch.testing.assert_close(shares, expected, atol=1e-5, rtol=1e-5)


def test_a_value_of_each_process_comes_by_rank(two: list[dict[str, Any]]) -> None:
    assert [found["ranks"].tolist() for found in two] == [[0, 1], [0, 1]]


@pytest.mark.parametrize("shape", [(6, 4), (5, 4, 3), (5, 4, 1, 3)])
def test_shared_batch_norm_of_one_process_is_batch_norm(shape: tuple[int, ...], monkeypatch: Any) -> None:
    monkeypatch.setattr(distributed, "all_reduce", lambda values: None)
    kind = {2: BatchNorm, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)]
    plain = kind(4)
    shared = copy.deepcopy(plain)
    model = SharedBatchNorm().apply(nn.Sequential(shared))
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        features = 50 + 3 * torch.randn(shape, generator=generator)
        ours, theirs = features.clone().requires_grad_(), features.clone().requires_grad_()
        weights = torch.randn(shape, generator=generator)
        (model(ours) * weights).sum().backward()
        (plain(theirs) * weights).sum().backward()
        torch.testing.assert_close(model(features), plain(features), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(shared.state_dict(), plain.state_dict(), atol=1e-4, rtol=1e-4)
    SharedBatchNorm().revert(model)
    model.eval()
    assert "forward" not in vars(shared)
    torch.testing.assert_close(model(features), plain.eval()(features), atol=1e-3, rtol=1e-4)


def test_one_record_alone_is_normalised_by_what_is_known_and_teaches_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(distributed, "all_reduce", lambda values: None)
    plain = BatchNorm(4)
    shared = copy.deepcopy(plain)
    model = SharedBatchNorm().apply(nn.Sequential(shared))
    features = torch.randn(1, 4)
    torch.testing.assert_close(model(features), plain(features))
    assert shared.state_dict().keys() == plain.state_dict().keys()
    assert all(torch.equal(value, plain.state_dict()[key]) for key, value in shared.state_dict().items())
