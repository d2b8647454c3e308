"""The device's own limits, by which the rest is judged: multiplications a second, and bytes a second."""

from functools import partial

import torch

from benchmarks.gpu.bench import DTYPES, Bench, Found


def measure(bench: Bench) -> Found:
    """Rates of a large product of matrices in each precision, and of a copy within the device (read and written)."""
    width, n_numbers = (64, 2**12) if bench.small else (8192, 2**28)
    n_times = bench.n_steps // 2
    found: Found = {}
    for precision, dtype in DTYPES.items():
        one = torch.randn(width, width, device=bench.device, dtype=dtype)
        torch.mm(one, one)
        found[f"{precision}_flops"] = 2 * width**3 / bench.seconds(partial(torch.mm, one, one), n_times)
    source = torch.empty(n_numbers, device=bench.device)
    target = torch.empty_like(source)
    target.copy_(source)
    found["copy_bytes_per_s"] = 2 * source.nbytes / bench.seconds(lambda: target.copy_(source), n_times)
    return found
