"""Draw the rows of Table 2 with their intervals as a forest plot: python -m experiments.forest outputs/table2."""

import sys

from ecgmm.reporting.forest import main

if __name__ == "__main__":
    sys.exit(main())
