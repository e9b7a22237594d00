"""The command line as a process of its own: ``fibrolens``, or ``python -m fibrolens``."""

import gc
import sys

from fibrolens.cli import main

#: Objects made before Python looks for garbage among the youngest, and looks at them before it looks at older ones.
PATIENCE = (100_000, 50, 100)


def run() -> int:
    """Run the command of `sys.argv`; returns its exit status.

    Libraries make a million objects that live as long as the process. Looking through them for garbage again and again,
    and once more at the end, took a third of the time of `fibrolens stage` on one CT.
    """
    gc.set_threshold(*PATIENCE)
    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(run())
