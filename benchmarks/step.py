"""How fast a training step is on this CPU: ``python -m benchmarks.step [--threads 1] [--repeats 7]``.

Times one step (forward, backward, AdamW; batch 32 of 10 s) of the waveform encoders as they are configured by default,
in turn: ``plain``, the same weights in contiguous ``Conv1d`` layers in 32 bits, as most projects have it; ``fp32``, our
encoder in 32 bits; ``bf16``, our encoder under bfloat16 autocast, where the CPU has instructions for it. ``default`` is
what ``trainer.precision=mixed_16`` takes here. Before that, outputs are compared with the plain ones and must be within
tolerance; how far gradients are off is shown only, because a rounding that turns a maximum over sends a gradient
elsewhere. Then preparation and augmentation of the same batch, which precede each step of a training at 500 Hz. Figures
are medians over the repeats, after one to warm up. The last line is JSON.
"""

import argparse
import copy
import json
import platform
import statistics
from functools import partial
from typing import Any

import torch
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from benchmarks.prepare import seconds
from ecgmm.building import construct
from ecgmm.configuration import CONF_DIR
from ecgmm.leads import N_LEADS
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.training.memory import keep_freed_memory
from ecgmm.training.trainers import precision_of

BATCH_SIZE, LENGTH_S = 32, 10
CASES = {"conv, 500 Hz": ("conv", 500), "resnet18, 500 Hz": ("resnet18", 500), "resnet18, 100 Hz": ("resnet18", 100)}
TOLERANCES = {"fp32": 1e-4, "bf16": 0.05}  # eps is 6e-8 and 4e-3; errors add up over 18 layers


def build(name: str, rate_hz: int) -> nn.Module:
    """An encoder of conf/ecg_encoder, without dropout, so that outputs can be compared."""
    config = OmegaConf.load(CONF_DIR / "ecg_encoder" / f"{name}.yaml")
    config.dropout = 0
    if "rate_hz" in config:
        config.rate_hz = rate_hz
    torch.manual_seed(0)
    encoder: nn.Module = construct(config)
    return encoder


class Plain(nn.Module):
    """An encoder of ours with the same weights in one-dimensional layers."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        parts = copy.deepcopy(encoder)
        *layers, pooling = parts.children()
        self.layers = nn.Sequential(*map(one_dimensional, layers))  # before the pooling: parameters keep their order
        self.pooling = pooling

    def forward(self, waveforms: Tensor) -> Tensor:
        """Encode ``[B, 12, T]`` as ``[B, D]``."""
        embedding: Tensor = self.pooling(self.layers(waveforms))
        return embedding


def one_dimensional(module: nn.Module) -> nn.Module:
    """Replace the layers of height one by one-dimensional ones."""
    match module:
        case nn.Conv2d():
            sizes = (module.kernel_size[1], module.stride[1], int(module.padding[1]))
            conv = nn.Conv1d(module.in_channels, module.out_channels, *sizes, bias=False)
            conv.load_state_dict({"weight": module.weight.squeeze(2)})
            return conv
        case nn.BatchNorm2d():
            return nn.BatchNorm1d(module.num_features)
        case nn.MaxPool2d():
            return nn.MaxPool1d(2)
    for name, child in module.named_children():
        setattr(module, name, one_dimensional(child))
    return module


class Way:
    """One way to take a step: a network, its optimizer, and whether it computes in bfloat16."""

    def __init__(self, network: nn.Module, bf16: bool) -> None:
        self.network = network
        self.bf16 = bf16
        self.optimizer = torch.optim.AdamW(network.parameters())

    def gradients(self, waveforms: Tensor) -> Tensor:
        """Go forward and backward; ``[B, D]``, the embeddings."""
        self.optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            embeddings: Tensor = self.network(waveforms)
            loss = (embeddings.float() - 1).square().mean()
        loss.backward()
        return embeddings.detach().float()

    def steps(self, waveforms: Tensor, n_steps: int) -> None:
        """Take so many steps."""
        for _ in range(n_steps):
            self.gradients(waveforms)
            self.optimizer.step()


def difference(one: Tensor, other: Tensor) -> float:
    """Relative difference of two tensors, by their norms."""
    return float((one - other).norm() / other.norm())


def compare(ways: dict[str, Way], waveforms: Tensor) -> dict[str, dict[str, float]]:
    """How far embeddings and gradients are from the plain ones; embeddings must be within tolerance."""
    embeddings = {name: way.gradients(waveforms) for name, way in ways.items()}
    gradients = {
        name: torch.cat([p.grad.flatten() for p in way.network.parameters() if p.grad is not None])
        for name, way in ways.items()
    }
    found = {}
    for name in list(ways)[1:]:
        found[name] = {
            "output": difference(embeddings[name], embeddings["plain"]),
            "gradient": difference(gradients[name], gradients["plain"]),
        }
        assert found[name]["output"] < TOLERANCES[name], f"{name} differs from plain: {found[name]}"
    return found


def measure(ways: dict[str, Way], waveforms: Tensor, repeats: int) -> dict[str, float]:
    """Median seconds of a step for each way; the ways take turns."""
    n_steps = {name: max(1, round(0.3 / seconds(partial(way.steps, waveforms, 1)))) for name, way in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            times[name].append(seconds(partial(way.steps, waveforms, n_steps[name])) / n_steps[name])
    return {name: statistics.median(values) for name, values in times.items()}


def run_case(name: str, rate_hz: int, repeats: int) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """How far each way is from the plain one, and median seconds of a step by way."""
    encoder = build(name, rate_hz)
    ways = {"plain": Way(Plain(encoder), False), "fp32": Way(copy.deepcopy(encoder), False)}
    if default_way() == "bf16":
        ways["bf16"] = Way(encoder, True)
    waveforms = torch.randn(BATCH_SIZE, N_LEADS, LENGTH_S * rate_hz)
    return compare(ways, waveforms), measure(ways, waveforms, repeats)


def before_the_step(repeats: int) -> dict[str, float]:
    """Milliseconds of preparation and of augmentation, with the defaults of conf/augmentation, at 500 Hz."""
    rate_hz, std_mv = 500, [0.2] * N_LEADS
    config = OmegaConf.load(CONF_DIR / "augmentation" / "default.yaml")
    config.update(lead_std_mv=std_mv, rate_hz=rate_hz)
    augmentation: nn.Module = construct(config)
    preparation = WaveformPreparation([0.0] * N_LEADS, std_mv, 5, rate_hz, 10, None)
    generator = torch.Generator().manual_seed(0)
    steps = torch.randint(-200, 200, (BATCH_SIZE, N_LEADS, LENGTH_S * rate_hz), generator=generator, dtype=torch.int16)
    prepared = preparation(steps)
    work = {"preparation": lambda: preparation(steps), "augmentation": lambda: augmentation(prepared, generator)}
    times = {name: [seconds(one) for _ in range(1 + 5 * repeats)][1:] for name, one in work.items()}
    return {name: 1e3 * statistics.median(values) for name, values in times.items()}


def default_way() -> str:
    """What trainer.precision=mixed_16 takes on this CPU."""
    return "bf16" if precision_of("mixed_16", "cpu") == "bf16-mixed" else "fp32"


def main() -> None:
    """Compare, time, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # as a run does
    title = f"A step of batch {BATCH_SIZE} x {LENGTH_S} s, {arguments.threads} thread(s), median of {arguments.repeats}"
    table = Table(title=title)
    for column in ("encoder", "way", "ms", "records/s", "x plain", "output off", "gradient off"):
        table.add_column(column, justify="left" if column in ("encoder", "way") else "right")
    results: dict[str, Any] = {}
    for case, (name, rate_hz) in CASES.items():
        off_by, medians = run_case(name, rate_hz, arguments.repeats)
        ratios = {way: medians["plain"] / median for way, median in medians.items()}
        for way, median in medians.items():
            off = [f"{value:.1e}" for value in off_by.get(way, {}).values()]
            table.add_row(case, way, f"{1e3 * median:,.1f}", f"{BATCH_SIZE / median:,.0f}", f"{ratios[way]:.2f}", *off)
        results[case] = {
            "ms": {way: round(1e3 * median, 2) for way, median in medians.items()},
            "fp32_vs_plain": round(ratios["fp32"], 3),
            "default_vs_plain": round(ratios[default_way()], 3),
            "off_by": off_by,
        }
    before = before_the_step(arguments.repeats)
    step_ms = sum(before.values()) + results["conv, 500 Hz"]["ms"][default_way()]
    for name, ms in before.items():
        table.add_row(f"{name}, 500 Hz", "", f"{ms:,.1f}", "", "", f"{100 * ms / step_ms:.0f} % of a step")
        results[name] = {"ms": round(ms, 2), "share_of_conv_step": round(ms / step_ms, 3)}
    Console().print(table)
    facts = {
        "threads": arguments.threads,
        "default": default_way(),
        "capabilities": sorted(name for name, has in torch.cpu.get_capabilities().items() if has is True),
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
    print(json.dumps({"benchmark": "step", **results, **facts}))


if __name__ == "__main__":
    main()
