"""Tabulate macro AUROC against the leads that a method gets: python -m experiments.leads outputs/table2."""

import sys

from ecgmm.reporting.leads import main

if __name__ == "__main__":
    sys.exit(main())
