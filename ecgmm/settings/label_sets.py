"""Names of the label sets; ``ecgmm.data.sources.labels`` has a module, and ``conf/labels`` a file, for each."""

LABEL_SETS = ("superclass", "rhythm", "icd_cardiac", "icd_multilabel", "cinc_2021", "code_15")
