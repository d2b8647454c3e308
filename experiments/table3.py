"""Make the paper's Table 3 from finished run directories: python -m experiments.table3 outputs/robustness."""

import sys

from ecgmm.reporting.table3 import main

if __name__ == "__main__":
    sys.exit(main())
