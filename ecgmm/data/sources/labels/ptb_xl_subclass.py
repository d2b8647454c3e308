"""The 23 diagnostic subclasses of PTB-XL, as its published benchmark takes them."""

from ecgmm.data.sources.labels.ptb_xl_benchmark import benchmark_set

LABELS = benchmark_set("subclass")
