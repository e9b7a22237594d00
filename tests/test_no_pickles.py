"""Nothing of ours unpickles: a file that is opened runs nobody's program. Read from the source: no call escapes."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for room in ("src", "scripts", "benchmarks") for path in (ROOT / room).rglob("*.py") if path.is_file()
)
#: Libraries whose loaders call what a file names.
PICKLING = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
#: Calls that unpickle, or write what only they can read.
CALLS = {"torch.load", "torch.save", "torch.jit.load", "torch.hub.load", "torch.package.PackageImporter",
         "pd.read_pickle", "pandas.read_pickle", "load_state_dict_from_url"}  # fmt: skip
#: The one place, and what it must say.
IMPORTER = Path("src/fibrolens/transport/foreign.py")


def name_of(node):
    """The dotted name of what is called."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def found_in(text):
    """What could unpickle in a source, as ``name(keywords)``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (f"import {a.name}" for a in node.names if a.name.partition(".")[0] in PICKLING)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"from {node.module}" for _ in node.names[:1] if str(node.module).partition(".")[0] in PICKLING)
            if node.module == "torch":
                yield from (f"torch.{a.name}" for a in node.names if f"torch.{a.name}" in CALLS)
        elif isinstance(node, ast.Call):
            name = name_of(node.func)
            said = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
            if name in CALLS or name.rpartition(".")[2] == "load_state_dict_from_url":
                yield f"{name}({'weights_only=True' if said.get('weights_only') is True else ''})"
            elif name in ("np.load", "numpy.load") and said.get("allow_pickle", False) is not False:
                yield f"{name}(allow_pickle)"


def test_weights_are_unpickled_nowhere_but_in_the_importer_and_there_as_tensors_alone():
    found = {path.relative_to(ROOT): list(found_in(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert {path: calls for path, calls in found.items() if calls} == {IMPORTER: ["torch.load(weights_only=True)"]}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.save(state, path)",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
    ],
)
def test_each_way_to_unpickle_would_be_found(text):
    assert [one for one in found_in(text) if one != "torch.load(weights_only=True)"]


def test_what_is_shipped_is_no_pickle():
    shipped = [p for p in (ROOT / "src" / "fibrolens" / "shipped").rglob("*") if p.is_file()]
    assert {p.suffix for p in shipped} == {".safetensors", ".json", ".md"}
