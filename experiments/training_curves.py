"""Draw the course of training of every row: python -m experiments.training_curves outputs/table2."""

import sys

from ecgmm.reporting.training_curves import main

if __name__ == "__main__":
    sys.exit(main())
