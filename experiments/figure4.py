"""Draw Figure 4, the study of the training set's size: python -m experiments.figure4 outputs/fraction_sweep."""

import sys

from ecgmm.reporting.figure4 import main

if __name__ == "__main__":
    sys.exit(main())
