"""Draw the flow of the participants: python -m experiments.participants outputs/table2."""

import sys

from ecgmm.reporting.participants import main

if __name__ == "__main__":
    sys.exit(main())
