"""The mutants of a source file: one small change each, found in its syntax tree."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
NAMES = dict(
    pair
    for a, b in (
        *(("min", "max"), ("any", "all"), ("minimum", "maximum"), ("amin", "amax")),
        *(("floor", "ceil"), ("lower", "upper"), ("Min", "Max"), ("argmin", "argmax")),
    )
    for pair in ((a, b), (b, a))
)
"""A function or attribute → the one that it is taken for."""

SPOKEN = ("__str__", "__repr__", "text")
"""Functions that make words: what they say is no number."""


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        path: of the file, from the root.
        place: the class and function, or the name at module level, in which it is.
        before: the code that is replaced, in one line.
        after: what stands there instead.
        number: counts equal changes in one place, from 1.
        line: where, for a reader; not part of its name.
        source: the whole file with the change.
    """

    path: str
    place: str
    before: str
    after: str
    number: int
    line: int
    source: str

    @property
    def name(self) -> str:
        """What tells it apart, also after other lines have moved."""
        count = f" #{self.number}" if self.number > 1 else ""
        return f"{self.path} · {self.place} · {self.before} → {self.after}{count}"


def mutants(path: str, source: str) -> list[Mutant]:
    """All mutants of a file, in the order of its lines.

    Args:
        path: how the file is called in their names.
        source: its text.
    """
    text = source.encode()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for place, node, after in _changes(ast.parse(source)):
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = " ".join(text[first:last].decode().split())
        changed = text[:first] + after.encode() + text[last:]
        key = (place, before, after)
        seen[key] += 1
        found.append(Mutant(path, place, before, after, seen[key], node.lineno, changed.decode()))
    return found


Change = tuple[str, ast.expr | ast.stmt, str]


def _changes(tree: ast.Module) -> Iterator[Change]:
    for statement in tree.body:
        yield from _statement(statement, "")


def _statement(node: ast.stmt, place: str) -> Iterator[Change]:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.Global):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        if node.name in SPOKEN:
            return
        inner = f"{place}.{node.name}".lstrip(".")
        if isinstance(node, ast.FunctionDef):
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from _expression(default, inner)
        for statement in node.body:
            yield from _statement(statement, inner)
        return
    if not place:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        place = next((one.id for one in targets if isinstance(one, ast.Name)), "module")
    if isinstance(node, ast.Raise):
        yield place, node, "pass"
        return
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):  # a docstring
            return
        if isinstance(node.value, ast.Call):
            yield place, node, "pass"
    if isinstance(node, ast.AugAssign):
        yield place, node, "pass"
        if type(node.op) in ARITHMETIC:
            other = ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)
            yield place, node, ast.unparse(other)
    if isinstance(node, ast.If | ast.While) and not isinstance(
        node.test, ast.Compare | ast.BoolOp | ast.UnaryOp
    ):
        if ast.unparse(node.test) == "TYPE_CHECKING":
            return
        yield place, node.test, f"(not ({ast.unparse(node.test)}))"
    if isinstance(node, ast.Continue):
        yield place, node, "break"
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from _statement(child, place)
        elif isinstance(child, ast.ExceptHandler | ast.match_case | ast.withitem):
            for one in ast.iter_child_nodes(child):
                if isinstance(one, ast.stmt):
                    yield from _statement(one, place)
        elif isinstance(child, ast.expr) and child is not getattr(node, "annotation", None):
            yield from _expression(child, place)


def _expression(node: ast.expr, place: str) -> Iterator[Change]:
    if isinstance(node, ast.JoinedStr):
        return
    yield from ((place, node, after) for after in _replaced(node))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _expression(child, place)
        elif isinstance(child, ast.keyword) and child.arg != "strict":  # an assertion, as it were
            yield from _expression(child.value, place)
        elif isinstance(child, ast.comprehension):
            for one in (child.iter, *child.ifs):
                yield from _expression(one, place)


def _replaced(node: ast.expr) -> Iterator[str]:
    """What may stand in place of an expression, in brackets where that matters."""
    if isinstance(node, ast.Constant):
        yield from _numbers(node.value)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in COMPARISONS[type(node.ops[0])]:
            yield _text(ast.Compare(node.left, [other()], node.comparators))
    elif isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            other = COMPARISONS[type(op)][0]
            ops = [*node.ops[:k], other(), *node.ops[k + 1 :]]
            yield _text(ast.Compare(node.left, ops, node.comparators))
    elif isinstance(node, ast.BoolOp):
        other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _text(ast.BoolOp(other_op, node.values))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield _text(node.operand)
    elif isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add | ast.Sub):  # a term is dropped
            yield _text(node.left)
        if isinstance(node.op, ast.Add):
            yield _text(node.right)
        if type(node.op) in ARITHMETIC:
            yield _text(ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right))
    elif isinstance(node, ast.IfExp):
        yield _text(ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs":
        yield _text(node.args[0])
    elif isinstance(node, ast.Name) and node.id in NAMES:
        yield NAMES[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield ast.unparse(ast.Attribute(node.value, NAMES[node.attr]))


def _numbers(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
        if value > 1:
            yield str(value - 1)
    elif isinstance(value, float):
        yield from (repr(2 * value), repr(value / 2)) if value else ("1.0",)


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
