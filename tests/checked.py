"""Every call of the program checks its arguments and results against their annotations, in every test.

jaxtyping checks shapes too, and makes each call several times as slow; so it has the functions that speak of shapes, of
types that are imported for mypy alone, or of dataclasses that inherit fields and their types from another module; and
beartype has the others.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype
from beartype.claw import beartype_package

SHAPED = re.compile(r"jaxtyping|TYPE_CHECKING|@dataclass.*\nclass \w+\(")
SOURCE = Path(__file__).resolve().parents[1] / "src"


def check_calls() -> None:
    """Of what is imported from now on."""
    shaped = [path for path in (SOURCE / "fibrolens").rglob("*.py") if SHAPED.search(path.read_text(encoding="utf-8"))]
    # Variables inside of functions are mypy's.
    beartype_package("fibrolens", conf=BeartypeConf(claw_is_pep526=False, warning_cls_on_decorator_exception=None))
    modules = [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in shaped]
    # What jaxtyping's hook puts before each function of these modules.
    jaxtyping.jaxtyped = _lean(jaxtyping.jaxtyped)
    jaxtyping.install_import_hook(modules, "beartype.beartype")


def _lean(jaxtyped: Callable[..., Any]) -> Callable[..., Any]:
    """jaxtyping's decorator, which leaves a function without shapes to beartype."""

    def lean(fn: Any = None, **options: Any) -> Any:
        if fn is None:
            return lambda given: lean(given, **options)
        return beartype(fn) if inspect.isfunction(fn) and not _needs_jaxtyping(fn) else jaxtyped(fn, **options)

    return lean


def _needs_jaxtyping(function: Callable[..., Any]) -> bool:
    """Whether a function speaks of shapes, or of types that jaxtyping alone bears not to understand.

    Or is made within another: beartype's own wrapper would keep alive what that one holds.
    """
    if "<locals>" in function.__qualname__:
        return True
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, AttributeError):
        return True
    return any(_has_shape(hint) for hint in hints.values())


def _has_shape(hint: object) -> bool:
    """Whether one of jaxtyping's arrays is in an annotation."""
    is_array = inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray)
    return is_array or any(_has_shape(part) for part in get_args(hint))
