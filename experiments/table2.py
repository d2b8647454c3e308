"""Make the paper's Table 2 from finished run directories: python -m experiments.table2 outputs/table2."""

import sys

from ecgmm.reporting.table2 import main

if __name__ == "__main__":
    sys.exit(main())
