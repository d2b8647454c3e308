"""Draw AUROC against the strength of each disturbance: python -m experiments.degradation outputs/robustness."""

import sys

from ecgmm.reporting.degradation import main

if __name__ == "__main__":
    sys.exit(main())
