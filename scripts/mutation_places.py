"""Which mutants say something about the tests: those that a slip of the pen could make and that run at all."""

from __future__ import annotations

import ast

from cosmic_ray.work_item import MutationSpec

#: Of the hundred ways to exchange two binary operators, those that give a number again. A shift of a float fails
#: at once: it would only flatter the tests.
LIKELY = {
    "Add": {"Sub", "Mul"},
    "Sub": {"Add", "Div"},
    "Mul": {"Div", "Add"},
    "Div": {"Mul", "FloorDiv"},
    "FloorDiv": {"Div", "Mul"},
    "Mod": {"FloorDiv", "Mul"},
    "Pow": {"Mul", "Add"},
    "BitOr": {"BitAnd", "BitXor"},
    "BitAnd": {"BitOr", "BitXor"},
    "BitXor": {"BitOr", "BitAnd"},
}


def plausible(mutation: MutationSpec) -> bool:
    """Whether a mutant may fail for another reason than that its types do not fit."""
    _, _, exchange = mutation.operator_name.partition("ReplaceBinaryOperator_")
    before, _, after = exchange.partition("_")
    return not exchange or after in LIKELY.get(before, ())


def runs(mutation: MutationSpec, code: str | None) -> bool:
    """Whether a mutant differs from its module in what runs: not in annotations, not in what Python cannot read."""
    try:
        return code is not None and _running(code) != _running(mutation.module_path.read_text())
    except SyntaxError:
        return False


def _running(code: str) -> str:
    return ast.dump(_WithoutAnnotations().visit(ast.parse(code)))


class _WithoutAnnotations(ast.NodeTransformer):
    """Leaves out annotations, which are strings here, and where arguments by place end and those by name begin."""

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.posonlyargs, node.kwonlyargs = [], []
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        self.generic_visit(node)
        node.annotation = ast.Constant(None)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        return node
