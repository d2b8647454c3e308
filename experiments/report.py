"""Write one self-contained HTML page of runs: python -m experiments.report outputs/table2 --out report.html."""

import sys

from ecgmm.reporting.report import main

if __name__ == "__main__":
    sys.exit(main())
