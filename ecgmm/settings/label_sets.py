"""Names of the label sets; ``ecgmm.data.sources.labels`` has a module, and ``conf/labels`` a file, for each."""

LABEL_SETS = ("superclass", "rhythm", "icd_cardiac", "icd_multilabel")
BENCHMARK_SETS = (
    "ptb_xl_all",
    "ptb_xl_diagnostic",
    "ptb_xl_subclass",
    "ptb_xl_superclass",
    "ptb_xl_form",
    "ptb_xl_rhythm",
)
"""The six sets of the published PTB-XL benchmark, which only a store of PTB-XL has."""
DATA_SET_SETS = ("cinc_2021", "code_15")
"""Those that only a store of the data set of their name has."""
OWN_LABELS = "table"
"""The user's own, of ``data.labels_csv``."""
ALL_LABEL_SETS = (*LABEL_SETS, *BENCHMARK_SETS, *DATA_SET_SETS, OWN_LABELS)
