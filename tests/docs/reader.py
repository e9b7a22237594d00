"""Who reads a page of the manual and runs its blocks, one after the other, in one folder."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from string import Template

import pytest
from tests.docs.blocks import blocks_of, given, given_in_python
from tests.docs.running import needed, service
from tests.ray_nodes import free_ports


def read(page, stock, folder):
    """Run all blocks of a page in their order; skips where some lacked what they need, when the others have run."""
    for name in given(page):
        stock.bring(name, folder)
    with Reader(page, folder) as reader:
        for block in blocks_of(page):
            if block.runs:
                reader.runs(block)
    if reader.lacks:
        pytest.skip("; ".join(reader.lacks))


class Reader:
    """Has the folder `folder`, a free port and, while a service runs, its token: `$PORT` and `$TOKEN`.

    What the blocks that were left out would have needed is in `lacks`.
    """

    def __init__(self, page, folder):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        (port,) = free_ports(1)
        self.folder, self.environment = folder, {**os.environ, "PATH": path, "PORT": str(port)}
        self.before = given_in_python(page)
        self.lacks, self._needed, self._service = [], ExitStack(), ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._service.close()
        self._needed.close()

    def runs(self, block):
        """Run a block, or write it; as a command it must end with status 0, or say where it answers and stay up."""
        try:
            for name in block.needs:
                self.environment |= self._needed.enter_context(needed(name))
        except pytest.skip.Exception as lack:
            self.lacks.append(f"{block}: {lack}")
            return
        if block.file:
            text = Template(block.as_run).substitute(self.environment)
            (self.folder / block.file).write_text(text, encoding="utf-8")
        elif block.service:
            self._service.close()
            running = service(self._command(block), self.folder, self.environment)
            self.environment["TOKEN"] = self._service.enter_context(running)
        else:
            told = subprocess.run(
                self._command(block), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
            )
            assert told.returncode == 0, f"{block}\n{block.as_run}\n{told.stdout[-2000:]}\n{told.stderr[-3000:]}"

    def _command(self, block):
        if block.language == "python":
            return [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", f"{self.before}\n{block.as_run}"]
        return [shutil.which("bash"), "-euo", "pipefail", "-c", block.as_run]
