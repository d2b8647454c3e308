"""Tabulate AUROC against the share of labelled patients: python -m experiments.few_labels outputs/few_labels."""

import sys

from ecgmm.reporting.few_labels import main

if __name__ == "__main__":
    sys.exit(main())
