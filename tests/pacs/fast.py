"""`fibrolens serve` with a stager that takes no time: ``python -m tests.pacs.fast`` and the options of the verb."""

import sys
from dataclasses import dataclass

from fibrolens import cli
from fibrolens.serve import server
from fibrolens.serve.recipe import Say, Staged, Task


@dataclass(frozen=True)
class CountingStager:
    """Finds as its stage how many files a study has."""

    def stage(self, task: Task, say: Say) -> Staged:
        """Write a result without objects."""
        count = len(list(task.source.iterdir()))
        say(0.5, "counting")
        (task.out / "scan").mkdir(parents=True)
        (task.out / "scan" / "result.json").write_text('{"dicom": null}')
        return Staged("ct", f"n{count}")


@dataclass(frozen=True)
class CountingRecipe:
    """Gives it to a worker."""

    fingerprint: str = "counting"

    def load(self) -> CountingStager:
        """Nothing to load."""
        return CountingStager()


def main() -> int:
    """Serve with it."""
    serve = server.run_service
    server.run_service = lambda options, tell: serve(options, tell, CountingRecipe())
    return cli.main(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    # A worker imports this file under its own name, so that its stager can travel.
    from tests.pacs import fast

    sys.exit(fast.main())
