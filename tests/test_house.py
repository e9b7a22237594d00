"""The house rules that a reader can count: sizes of files and functions, arguments, and where the tests are."""

import ast
from pathlib import Path
from statistics import median, quantiles

import pytest

SOURCES = Path(__file__).resolve().parents[1] / "src" / "fibrolens"
TESTS = Path(__file__).resolve().parent
MODULES = sorted(path for path in SOURCES.rglob("*.py") if "versions" not in path.parts)

#: Tests whose subject is no single module, and what it is instead.
ACROSS_MODULES = {
    "test_architecture.py": "which room may import which",
    "test_house.py": "this file",
    "test_no_pickles.py": "no file that is opened runs anything",
    "test_privacy.py": "no name of a patient in anything that is written",
    "test_public_names.py": "what `import fibrolens` offers",
    "test_real_scans.py": "the whole way of real CTs, where they are at hand",
    "docs/test_code_blocks.py": "what the manual tells a reader to run",
    "docs/test_cohort_pages.py": "what its pages on cohorts tell a reader to run",
    "docs/test_dependencies.py": "licences of what fibrolens brings",
    "docs/test_performance.py": "what the manual says of speed",
    "docs/test_release.py": "the wheel and what it holds",
    "docs/test_site.py": "the built manual",
    "docs/test_troubleshooting.py": "messages that the manual quotes",
    "faults/test_campaign.py": "a campaign of faults that is interrupted and goes on",
    "faults/test_group.py": "which process of a group is killed",
    "faults/test_journals.py": "a database whose log is damaged",
    "faults/test_kills.py": "verbs that are killed and begun again",
    "faults/test_outputs.py": "files that appear whole, whatever happens",
    "faults/test_table.py": "what the manual says of the faults",
    "fuzz/test_campaign.py": "how damaged files are drawn and judged",
    "fuzz/test_readers.py": "damaged files, before every reader",
    "fuzz/test_verbs.py": "damaged files, before the command line",
    "pacs/test_whole_way.py": "from one PACS to another through the service",
    "serve/test_life.py": "a job from upload to deletion",
    "serve/test_privacy.py": "no name of a patient on any route of the service",
    "verbs/test_campaign.py": "every verb, without a network and with marked patients",
    "verbs/test_offline.py": "the guard against connections, and which sources can make one",
}


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.fixture(scope="module")
def code():
    return {path: functions(path) for path in MODULES}


def test_a_file_has_one_subject_and_so_few_lines():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert median(lines.values()) <= 200
    assert {path.name: count for path, count in lines.items() if count > 600} == {}


def test_a_function_fits_on_a_screen(code):
    lengths = [node.end_lineno - node.lineno + 1 for found in code.values() for node in found]
    assert median(lengths) <= 12
    assert quantiles(lengths, n=20)[-1] <= 45


def test_a_function_takes_at_most_seven_arguments(code):
    crowded = {}
    for path, found in code.items():
        for node in found:
            names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            if len([name for name in names if name not in ("self", "cls")]) > 7:
                crowded[f"{path.name}:{node.lineno}"] = node.name
    assert crowded == {}


def test_tests_lie_where_their_module_lies():
    strays = {
        str(test.relative_to(TESTS))
        for test in TESTS.rglob("test_*.py")
        if not _has_module(test.relative_to(TESTS)) and str(test.relative_to(TESTS)) not in ACROSS_MODULES
    }
    assert strays == set()


def _has_module(test):
    """Whether a test is called like a module in the same place, perhaps with one side of it: ``test_grid_mr``."""
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    room = SOURCES / test.parent
    return any((room / place).exists() for name in names for place in (f"{name}.py", f"__{name}__.py", name))
