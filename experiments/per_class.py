"""Draw the AUROC of every class with its interval, for every row: python -m experiments.per_class outputs/table2."""

import sys

from ecgmm.reporting.per_class import main

if __name__ == "__main__":
    sys.exit(main())
