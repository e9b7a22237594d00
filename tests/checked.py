"""Every call of the program checks its arguments and results against their annotations, in every test.

jaxtyping checks shapes too, and makes each call several times as slow; so it has the modules that speak of shapes, of
types that are imported for mypy alone, or of dataclasses that inherit fields and their types from another module; and
beartype has the others.
"""

import re
from pathlib import Path

from beartype import BeartypeConf
from beartype.claw import beartype_package
from jaxtyping import install_import_hook

SHAPED = re.compile(r"jaxtyping|TYPE_CHECKING|@dataclass.*\nclass \w+\(")
SOURCE = Path(__file__).resolve().parents[1] / "src"


def check_calls() -> None:
    """Of what is imported from now on."""
    shaped = [path for path in (SOURCE / "fibrolens").rglob("*.py") if SHAPED.search(path.read_text(encoding="utf-8"))]
    # Variables inside of functions are mypy's.
    beartype_package("fibrolens", conf=BeartypeConf(claw_is_pep526=False, warning_cls_on_decorator_exception=None))
    modules = [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in shaped]
    install_import_hook(modules, "beartype.beartype")
