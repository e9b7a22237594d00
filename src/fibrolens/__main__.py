"""`python -m fibrolens` is the command line."""

import sys

from fibrolens.cli import main

if __name__ == "__main__":
    sys.exit(main())
