"""What bfloat16 costs or saves on this CPU: ``python -m benchmarks.precision [--repeats 5]``.

Times one training step (batch 64, 100 Hz) of each waveform encoder in 32 bits and under bfloat16 autocast, in turn, on
one thread, and prints medians. ``trainer.precision=mixed_16`` takes bfloat16 on a CPU only where there are instructions
for it. The last line is JSON.
"""

import argparse
import json
import platform
import statistics
from functools import partial

import torch
from torch import nn

from benchmarks.prepare import seconds
from ecgmm.models.ecg_encoders.convolutional import Convolutional
from ecgmm.models.ecg_encoders.resnet1d import ResNet1d
from ecgmm.training.trainers import precision_of

BATCH_SIZE, N_TIMES, RATE_HZ, DIM = 64, 1000, 100, 128


def step(encoder: nn.Module, waveforms: torch.Tensor, bf16: bool) -> None:
    """Forward and backward of one batch."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = encoder(waveforms).float().square().mean()
    loss.backward()


def main() -> None:
    """Time, print the table, print JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    waveforms = torch.randn(BATCH_SIZE, 12, N_TIMES)
    conv = Convolutional(DIM, RATE_HZ, [32, 64, 64, 128, 128], stem_kernel_s=0.09, stem_hz=50, kernel_size=5, dropout=0)
    encoders: dict[str, nn.Module] = {"conv": conv, "resnet18 (width 16)": ResNet1d(DIM, 18, 16, dropout=0)}
    ratios = {}
    for name, encoder in encoders.items():
        times: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(repeats + 1):
            for bf16 in times:
                times[bf16].append(seconds(partial(step, encoder, waveforms, bf16)))
        fp32_s, bf16_s = (statistics.median(values[1:]) for values in times.values())  # the first one warms up
        ratios[name] = fp32_s / bf16_s
        print(f"{name:<20} fp32 {1e3 * fp32_s:7.1f} ms   bf16 {1e3 * bf16_s:7.1f} ms   fp32 / bf16 {ratios[name]:.2f}")
    chosen = precision_of("mixed_16", "cpu")
    print(f"mixed_16 on this CPU is {chosen}")
    facts = {"benchmark": "precision", "machine": platform.machine(), "torch": torch.__version__}
    print(json.dumps({**facts, "fp32_over_bf16": ratios, "mixed_16": chosen}))


if __name__ == "__main__":
    main()
