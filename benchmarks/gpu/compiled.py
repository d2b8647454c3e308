"""The compiled encoder: with and without, as CUDA graphs, and whether lengths of reports compile anything anew."""

from functools import partial
from itertools import islice
from typing import Any

import torch

from benchmarks.gpu.bench import Bench, Found, Steps, moved

WAYS: dict[str, dict[str, Any] | None] = {"plain": None, "compiled": {}, "cuda_graphs": {"mode": "reduce-overhead"}}
_ON_A_CPU = {"backend": "aot_eager"}  # traces and differentiates as the default one does, and generates no code


def measure(bench: Bench) -> Found:
    """Milliseconds of a step, compilations of the first batch, and compilations that batches after it caused."""
    found: Found = {}
    setup = bench.papers
    for name, options in WAYS.items():
        torch.compiler.reset()
        task = setup.task_of(setup.fresh_method())
        if options is not None:
            for part in task.method.compiled_parts():
                part.compile(**(options if bench.on_gpu else _ON_A_CPU))
        step = Steps(task, bench.device, "bf16-mixed")
        batches = [moved(batch, bench.device) for batch in islice(setup.datamodule.train_dataloader(), 3)]
        before = _n_compiled()
        step(batches[0])
        first = _n_compiled() - before
        for batch in batches:
            step(batch._replace(token_ids=batch.token_ids[:, :2], token_mask=batch.token_mask[:, :2]))
            step(batch)
        later = _n_compiled() - before - first
        seconds = bench.seconds(partial(step, batches[0]), bench.n_steps)
        found[name] = {"ms": 1000 * seconds, "compilations": first, "compilations_by_other_lengths": later}
    return found


def _n_compiled() -> int:
    counted: int = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    return counted
