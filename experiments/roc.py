"""Draw ROC and precision-recall curves of every row: python -m experiments.roc outputs/table2."""

import sys

from ecgmm.reporting.roc import main

if __name__ == "__main__":
    sys.exit(main())
