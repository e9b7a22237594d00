"""`fibrolens serve` as a process of its own, with a stager that takes a given time.

usage: python -m tests.serve.fast_server SECONDS DATA [--reader-study DIR] [--tls CERT KEY]
"""

import argparse
import sys
from pathlib import Path

from tests.serve.kit import FastRecipe

from fibrolens.errors import FibrolensError
from fibrolens.serve.server import ServeOptions, run_service


def tell(sentence: str) -> None:
    """Say it to who started this."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("data", type=Path)
    parser.add_argument("--reader-study", type=Path)
    parser.add_argument("--tls", type=Path, nargs=2)
    given = parser.parse_args()
    tls = tuple(given.tls) if given.tls else None
    options = ServeOptions(given.data, port=0, reader_study=given.reader_study, tls=tls, limit=10_000)
    try:
        run_service(options, tell, FastRecipe(given.seconds))
    except FibrolensError as error:
        # As the program does.
        sys.exit(_told(error))


def _told(error: FibrolensError) -> int:
    sys.stderr.write(f"fibrolens: {error}\n")
    return error.exit_status


if __name__ == "__main__":
    main()
