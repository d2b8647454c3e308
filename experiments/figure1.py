"""Draw Figure 1, the architecture, from the model of a run: python -m experiments.figure1 outputs --out figures."""

import sys

from ecgmm.reporting.figure1 import main

if __name__ == "__main__":
    sys.exit(main())
