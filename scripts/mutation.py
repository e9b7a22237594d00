"""Mutation testing by a sample: would the tests notice a slip in the code that they test?

    python scripts/mutation.py run --per-package 120       # draw mutants, try each on its tests
    python scripts/mutation.py run --survivors             # try only those again that lived
    python scripts/mutation.py report                      # killed shares, and the survivors' diffs

Cosmic Ray makes the mutants and keeps them (`out/mutation/session.sqlite`). All of them, some ten thousand, would take
days; so places in the code are drawn evenly from each package, and at each place one of its mutants. Code and tests are
copied first: the working tree is never touched. A mutant meets the tests that import its module, in a process forked
from one that holds the large libraries. An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult
from scipy.stats import binomtest

from mutation_places import meaningful

PACKAGES = ("explain", "evaluate", "transforms")
ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "out" / "mutation"
TREE = WORK / "tree"
SESSION = WORK / "session.sqlite"
HEAVY = ("torch", "scipy.stats", "scipy.ndimage", "sklearn.metrics", "SimpleITK", "hypothesis", "beartype", "pytest")
#: A mutant that makes an endless loop is stopped, and counts as noticed.
PATIENCE_S = 30.0


def main() -> None:
    """Run the campaign, or report on it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("--per-package", type=int, default=120, help="mutants drawn from each package")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--survivors", action="store_true", help="try only the mutants again that lived")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    fresh = not SESSION.exists()
    with use_db(SESSION) as session:
        if options.what == "run":
            copy_tree(with_sources=fresh)
            os.chdir(TREE)
            if fresh:
                draw(session, options.per_package, random.Random(options.seed))  # noqa: S311
            campaign(session, again=options.survivors)
        report(session)


def copy_tree(with_sources: bool) -> None:
    """Copy what the tests need; the sources only for new mutants, whose places they give."""
    for name in ("src", "tests") if with_sources else ("tests",):
        shutil.rmtree(TREE / name, ignore_errors=True)
        shutil.copytree(ROOT / name, TREE / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", TREE)


def draw(session: WorkDB, per_package: int, rng: random.Random) -> None:
    """Keep, of all mutants, one at each of `per_package` places of every package."""
    modules = [path for name in PACKAGES for path in sorted(Path("src/fibrolens", name).rglob("*.py"))]
    init(modules, session, {})
    items = sorted(session.work_items, key=lambda item: _order(item.mutations[0]))
    session.clear()
    for name in PACKAGES:
        inside = [item for item in items if item.mutations[0].module_path.parts[2] == name]
        drawn = list(islice(_one_per_place(inside, rng), per_package))
        session.add_work_items(drawn)
        print(f"{name}: {len(drawn)} of {len(inside)} mutants", flush=True)


def _order(mutation: MutationSpec) -> tuple[str, tuple[int, int], str, int]:
    return str(mutation.module_path), mutation.start_pos, mutation.operator_name, mutation.occurrence


def _one_per_place(items: Sequence[WorkItem], rng: random.Random) -> Iterator[WorkItem]:
    places: dict[tuple[Path, tuple[int, int]], list[WorkItem]] = {}
    for item in items:
        places.setdefault((item.mutations[0].module_path, item.mutations[0].start_pos), []).append(item)
    for place in rng.sample(sorted(places), len(places)):
        choices = rng.sample(places[place], len(places[place]))
        item = next((item for item in choices if meaningful(item.mutations[0], mutated(item.mutations[0]))), None)
        if item:
            yield item


def mutated(mutation: MutationSpec) -> str | None:
    """The module's source with the mutation in it."""
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    return mutate_code(mutation.module_path.read_text(), operator, mutation.occurrence)


def campaign(session: WorkDB, again: bool) -> None:
    """Try every mutant that has no result yet, or every one that survived."""
    for name in HEAVY:
        __import__(name)
    survived = {job for job, result in session.results if not result.is_killed}
    done = {job for job, _ in session.results}
    items = [item for item in session.work_items if (item.job_id in survived if again else item.job_id not in done)]
    seconds: dict[str, float] = {}
    # In random order, so that an interrupted run is a sample too.
    items = random.Random(0).sample(sorted(items, key=lambda item: item.job_id), len(items))  # noqa: S311
    for number, item in enumerate(items, 1):
        mutation = item.mutations[0]
        files = tests_of(mutation.module_path)
        for file in files:
            if file not in seconds:
                seconds[file] = time_of(file)
        outcome = attempt(mutation, files, PATIENCE_S + 6 * sum(seconds[file] for file in files))
        session.set_result(item.job_id, WorkResult(WorkerOutcome.NORMAL, "", outcome, describe(mutation)))
        print(f"{number}/{len(items)} {outcome.value} {describe(mutation)}", flush=True)


def tests_of(module: Path) -> list[str]:
    """The test files that import a module, its mirror first."""
    *parents, name = module.with_suffix("").parts[1:]
    package = ".".join(parents)
    imports = re.compile(rf"from {package}\.{name} import|from {package} import [^\n]*\b{name}\b")
    if parents[1] == "transforms":  # whose names are imported from the package
        imports = re.compile(r"from fibrolens\.transforms(\.\w+)? import")
    tests = [path for name in PACKAGES for path in sorted(Path("tests", name).rglob("test_*.py"))]
    mirror = Path("tests", *parents[1:], f"test_{name}.py")
    found = [path for path in tests if path == mirror or imports.search(path.read_text())]
    return [str(path) for path in sorted(found, key=lambda path: path != mirror)]


def time_of(file: str) -> float:
    """Seconds that a test file takes, which must pass while all modules are whole."""
    started = time.monotonic()
    if run_tests([file], timeout=1200.0) != 0:
        sys.exit(f"{file} does not pass as it is (see {WORK / 'last.log'}); mend it first.")
    return time.monotonic() - started


def attempt(mutation: MutationSpec, files: Sequence[str], timeout: float) -> TestOutcome:
    """Write the mutant in place of its module, run the tests, and put the module back."""
    whole, module = mutation.module_path.read_text(), mutation.module_path
    stamp = module.stat().st_mtime
    try:
        module.write_text(mutated(mutation) or whole)
        os.utime(module, (stamp + 10, stamp + 10))  # no bytecode of the whole module may stand in for the mutant
        code = run_tests(files, timeout, keep_bytecode=False) if files else 0
    finally:
        module.write_text(whole)
        os.utime(module, (stamp, stamp))
    return TestOutcome.SURVIVED if code == 0 else TestOutcome.KILLED


def run_tests(files: Sequence[str], timeout: float, keep_bytecode: bool = True) -> int:
    """Exit status of pytest on some files in a forked process; -1 where it took too long."""
    child = os.fork()
    if child == 0:
        _become_pytest(files, keep_bytecode)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _become_pytest(files: Sequence[str], keep_bytecode: bool) -> None:
    import pytest  # noqa: PLC0415 - the parent has loaded it

    os.setsid()
    sys.dont_write_bytecode = not keep_bytecode
    sys.path.insert(0, str(TREE / "src"))
    log = os.open(WORK / "last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *files])
    finally:
        os._exit(code)


def describe(mutation: MutationSpec) -> str:
    """Where the mutant is, and its line before and after."""
    row = mutation.start_pos[0] - 1
    whole, new = mutation.module_path.read_text().splitlines(), (mutated(mutation) or "").splitlines()
    after = new[row].strip() if row < len(new) else ""
    return f"{mutation.module_path}:{row + 1} [{mutation.operator_name}] {whole[row].strip()}  ->  {after}"


def report(session: WorkDB) -> None:
    """Killed share of each package with its 95% interval, then what survived."""
    done = session.completed_work_items
    for name in PACKAGES:
        results = [result for item, result in done if item.mutations[0].module_path.parts[2] == name]
        killed = sum(result.is_killed for result in results)
        if results:
            interval = binomtest(killed, len(results)).proportion_ci(method="wilson")
            share = f"{killed / len(results):.1%} [{interval.low:.1%}, {interval.high:.1%}]"
            print(f"{name}: {killed} of {len(results)} killed, {share}")
    for line in sorted(str(result.diff) for _, result in done if not result.is_killed):
        print("  survived", line)


if __name__ == "__main__":
    main()
