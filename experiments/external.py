"""Put external validation beside the internal test: python -m experiments.external outputs/a outputs/b."""

import sys

from ecgmm.reporting.external import main

if __name__ == "__main__":
    sys.exit(main())
