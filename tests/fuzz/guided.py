"""``python -m tests.fuzz.guided READER``: inputs by coverage.

libFuzzer, through Atheris, keeps those that reach new code and damages them further. Atheris is the
extra ``fuzz``. A run ends with the first finding, which it writes to the folder of the records.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path

import numpy as np

#: What is measured: our own code and the readers below it that are Python.
MEASURED = ["fibrolens", "pydicom", "nibabel", "zipfile"]


def run_guided(reader: str, seed: int, inputs: int, out: Path) -> None:
    """Read inputs until so many were, or one is a finding; ends the process.

    Args:
        reader: name of the target.
        seed: of libFuzzer.
        inputs: how many.
        out: for the corpus that grows, and for what is found.
    """
    if importlib.util.find_spec("atheris") is None:
        sys.exit("This needs Atheris; run: pip install 'fibrolens[fuzz]'")
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(include=MEASURED):
        target = importlib.import_module("tests.fuzz.targets").TARGETS[reader]
        judge = importlib.import_module("tests.fuzz.judge")
        read, sound = target.reader(Path(tempfile.mkdtemp())), target.seeds()
    corpus = out / f"{reader}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(sound):
        (corpus / f"sound-{number}").write_bytes(content)

    def one(content: bytes) -> None:
        verdict = judge.judged(read, content)
        if verdict.outcome == judge.FINDING:
            raise AssertionError(f"{verdict.key}\n{verdict.told}")

    def damage(content: bytes, most: int, number: int) -> bytes:
        rng = np.random.default_rng(number)
        return bytes(atheris.Mutate(content, most) if rng.random() < 0.3 else target.mutator(content, rng)[:most])

    arguments = [f"-runs={inputs}", f"-seed={seed}", f"-timeout={target.patience_s:.0f}", "-rss_limit_mb=4096",
                 "-max_len=65536", f"-artifact_prefix={out}/{reader}-", str(corpus)]  # fmt: skip
    atheris.Setup([sys.argv[0], *arguments], one, custom_mutator=damage)
    atheris.Fuzz()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("reader", help="as for python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"), metavar="DIR", help="for corpus and findings")
    options = parser.parse_args()
    run_guided(options.reader, options.seed, options.inputs, options.out)


if __name__ == "__main__":
    main()
