"""Tabulate and draw macro AUROC against the number of leads that rows get: python -m experiments.leads FOLDER."""

import sys

from ecgmm.reporting.leads import main

if __name__ == "__main__":
    sys.exit(main())
