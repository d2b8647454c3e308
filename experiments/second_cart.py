"""Tabulate how runs do on the carts of another hospital: python -m experiments.second_cart outputs/second_cart."""

import sys

from ecgmm.reporting.second_cart import main

if __name__ == "__main__":
    sys.exit(main())
