"""Draw Figure 3, the study of the consistency weight λ: python -m experiments.figure3 outputs/lambda_sweep."""

import sys

from ecgmm.reporting.figure3 import main

if __name__ == "__main__":
    sys.exit(main())
