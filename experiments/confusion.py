"""Draw the confusion matrix of every row: python -m experiments.confusion outputs/table2."""

import sys

from ecgmm.reporting.confusion import main

if __name__ == "__main__":
    sys.exit(main())
