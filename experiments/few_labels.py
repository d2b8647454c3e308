"""Tabulate and draw AUROC against the share of labelled patients: python -m experiments.few_labels FOLDER [more]."""

import sys

from ecgmm.reporting.few_labels import main

if __name__ == "__main__":
    sys.exit(main())
