"""The 19 statements about form of PTB-XL, as its published benchmark takes them."""

from ecgmm.data.sources.labels.ptb_xl_benchmark import benchmark_set

LABELS = benchmark_set("form")
