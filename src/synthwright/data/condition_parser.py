"""Text to condition tree, by Python's own grammar and a short list of allowed forms. Nothing is ever evaluated."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection

from synthwright.core.errors import ConditionError, did_you_mean, listing
from synthwright.data.condition_tree import (
    All,
    Compare,
    ComparePair,
    Either,
    Member,
    Missing,
    Node,
    Not,
    Op,
    Value,
    quoted,
)

_PIECES = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:[^`]|``)+`)""")
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_GRAMMAR = {"and", "or", "not", "in", "is", "True", "False", "None"}
_OPS: dict[type[ast.cmpop], Op] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED: dict[Op, Op] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NULLS = {"null", "none", "NULL", "Null"}
_MARK = "_column_{}_"


def parse_text(text: str, names: Collection[str]) -> Node:
    """The tree of a text such as `age >= 65 and sex == 'F'`. Raises ConditionError."""
    return _Reader(text, names).read()


class _Reader:
    """One text and the column names it may use."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self.names = names
        self.hidden: list[str] = []  # names that Python's grammar does not allow, by number

    def error(self, what: str, fix: str = "") -> ConditionError:
        return ConditionError(what, where=f"where={self.text!r}", fix=fix)

    def read(self) -> Node:
        pieces = _PIECES.split(self.text)
        for i, piece in enumerate(pieces):
            pieces[i] = piece if i % 2 and piece[0] != "`" else self._plain(piece)
        try:
            tree = ast.parse("(" + "".join(pieces) + "\n)", mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
            raise self._syntax_error(problem) from None
        return self._node(tree.body)

    def _plain(self, piece: str) -> str:
        if piece.startswith("`"):
            return self._hide(piece[1:-1].replace("``", "`"))
        if re.search(r"(?<![=!<>])=(?!=)", piece):
            raise self.error("A single = does not compare.", "write == instead of =")
        for sign, word in (("<>", "!="), ("&", "and"), ("|", "or"), ("~", "not")):
            if sign in piece:
                raise self.error(f"{sign!r} is not part of the language.", f"write {word!r} instead")
        return _WORD.sub(self._word, piece)

    def _word(self, match: re.Match[str]) -> str:
        word = match[0]
        if word in self.names and (keyword.iskeyword(word) and word not in _GRAMMAR):
            return self._hide(word)
        lower = word.lower()
        if word not in self.names and lower in ("and", "or", "not", "in", "is"):
            return lower
        if word not in self.names and lower in ("true", "false"):
            return lower.title()
        return "None" if word in _NULLS and word not in self.names else word

    def _hide(self, name: str) -> str:
        self.hidden.append(name)
        return _MARK.format(len(self.hidden) - 1)

    def _syntax_error(self, problem: Exception) -> ConditionError:
        odd = [
            name
            for name in self.names
            if not name.isidentifier() and name in self.text and quoted(name) not in self.text
        ]
        fix = (
            f"put names with spaces or signs in backticks: {quoted(odd[0])}"
            if odd
            else "for example: age >= 65 and sex == 'F'"
        )
        reason = problem.msg if isinstance(problem, SyntaxError) else "it is nested too deeply"
        return self.error(f"The condition cannot be read: {reason}.", fix)

    def _node(self, tree: ast.expr) -> Node:
        match tree:
            case ast.BoolOp(ast.And(), values):
                return _flat(All, [self._node(value) for value in values])
            case ast.BoolOp(ast.Or(), values):
                return _flat(Either, [self._node(value) for value in values])
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self._node(operand))
            case ast.Compare(left, ops, rights):
                sides = [left, *rights]
                parts = [self._compared(a, op, b) for a, op, b in zip(sides, ops, rights, strict=False)]
                return parts[0] if len(parts) == 1 else _flat(All, parts)
            case ast.Name():
                return Compare(self._name(tree), "==", True)
        raise self._unexpected(tree)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Node:
        if isinstance(op, ast.In | ast.NotIn):
            member = self._member(left, right)
            return Not(member) if isinstance(op, ast.NotIn) else member
        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise self.error("`is` is only for null.", "write == to compare with a value")
            missing = Missing(self._name(left))
            return Not(missing) if isinstance(op, ast.IsNot) else missing
        sign = _OPS[type(op)]
        if isinstance(left, ast.Name) and isinstance(right, ast.Name):
            return ComparePair(self._name(left), sign, self._name(right))
        if isinstance(left, ast.Name):
            return Compare(self._name(left), sign, self._value(right))
        if isinstance(right, ast.Name):
            return Compare(self._name(right), _MIRRORED[sign], self._value(left))
        raise self._unexpected(left if not isinstance(left, ast.Constant) else right)

    def _member(self, left: ast.expr, right: ast.expr) -> Node:
        if not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise self.error("`in` needs a list of values.", "for example: city in ['Rome', 'Oslo']")
        if not right.elts:
            raise self.error("The list after `in` is empty, so no row can match.", "name at least one value")
        values = tuple(dict.fromkeys(self._value(element) for element in right.elts))
        return Member(self._name(left), values)

    def _name(self, tree: ast.expr) -> str:
        if not isinstance(tree, ast.Name):
            raise self._unexpected(tree)
        name = tree.id
        if match := re.fullmatch(r"_column_(\d+)_", name):
            name = self.hidden[int(match[1])]
        if name not in self.names:
            raise ConditionError(
                f"Unknown column {name!r} in where={self.text!r}.{did_you_mean(name, self.names)}",
                fix=f"columns: {listing(self.names)}; text values need quotes: {name!r}",
            )
        return name

    def _value(self, tree: ast.expr) -> Value:
        sign = 1
        while isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
            sign, tree = (-sign if isinstance(tree.op, ast.USub) else sign), tree.operand
        if isinstance(tree, ast.Constant):
            value = tree.value
            if value is None:
                raise self.error("Nothing is equal to null.", "write `is null` or `is not null`")
            if isinstance(value, bool | str) and sign == 1:
                return value
            if isinstance(value, int | float) and not isinstance(value, bool):
                return sign * value
        raise self._unexpected(tree)

    def _unexpected(self, tree: ast.expr) -> ConditionError:
        source = ast.unparse(tree)
        for number, name in enumerate(self.hidden):
            source = source.replace(_MARK.format(number), quoted(name))
        odd = [name for name in self.names if not name.isidentifier() and name in self.text]
        fix = "compare columns with values: numbers, quoted text, true, false; join with and, or, not"
        if isinstance(tree, ast.BinOp) and odd:
            fix = f"put names with spaces or signs in backticks: {quoted(odd[0])}"
        return self.error(f"{source!r} is not part of the language.", fix)


def _flat(cls: type[All] | type[Either], parts: list[Node]) -> Node:
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, All | Either) and type(part) is cls else [part]
    return cls(tuple(flat))


_CALL_ENDS = re.compile(r", \{(?:nan_is_null=\w+|value_set=.*?|null_matching_behavior=\w+)\}\)", re.DOTALL)
_IS_IN = re.compile(
    r"is_in\((?P<name>.+?), \{value_set=[^\n\[]*:\[(?P<values>.*?)\], null_matching_behavior=\w+\}\)", re.DOTALL
)
_IS_NULL = re.compile(r"is_null\((?P<name>[^(){}]+?), \{nan_is_null=\w+\}\)")
_IS_VALID = re.compile(r"is_valid\((?P<name>[^(){}]+?)\)")
_MOMENT = re.compile(r"(?<![\d'\"])(\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d+)?)?Z?)(?![\d'\"])")


def expression_text(expression: object, names: Collection[str]) -> str:
    """What a pyarrow expression prints, in the text language.

    pyarrow offers no other look inside an expression; what this cannot translate is refused by the parser.
    """
    pieces = _PIECES.split(str(expression))
    odd = sorted((name for name in names if quoted(name) != name), key=len, reverse=True)
    for i in range(0, len(pieces), 2):
        piece = pieces[i]
        if odd:
            piece = re.sub("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in odd), lambda m: quoted(m[0]), piece)
        pieces[i] = _MOMENT.sub(r"'\1'", piece).replace("invert(", "not (")
    text = "".join(pieces)
    text = _IS_IN.sub(lambda m: f"{m['name']} in [{m['values']}]", text)
    text = _IS_NULL.sub(lambda m: f"{m['name']} is null", text)
    text = _IS_VALID.sub(lambda m: f"{m['name']} is not null", text)
    return re.sub(r"\s*\n\s*", " ", _CALL_ENDS.sub(")", text))
