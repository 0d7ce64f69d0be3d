"""Finds in Python source what `test_tidy` counts: comments that ignore a check, and SQL. The bounds are in `test_tidy`."""

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO

IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore|ruff:|mypy:|pyright:|pylint:|pragma:)")
WITH_REASON = re.compile(r"# (?:noqa: [A-Z]+[0-9]+ -|type: ignore\[[a-z-]+\]  #) \w.{9,}")

STATEMENT = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|COPY|TABLE|SET|SHOW|RESET|DISCARD|CREATE|ALTER|DROP|TRUNCATE|GRANT"
    r"|REVOKE|LOCK|LISTEN|UNLISTEN|NOTIFY|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|PREPARE|EXECUTE|DECLARE|FETCH|CALL|DO|EXPLAIN"
    r"|VACUUM|ANALYZE)\b(?:;|\s+\S)"
)
PART_OF_A_STATEMENT = re.compile(
    r"\b(?:FROM|WHERE|JOIN|RETURNING|VALUES|ON CONFLICT|ORDER BY)\s+[\w(\"$]|\bpg_[a-z_]+\(|\$[1-9]\d?(?![\d.])"
)


def ignores(text: str) -> list[tuple[str, bool]]:
    """Returns each comment that ignores a check, and whether it names the one rule and a reason."""
    if IGNORE.search(text) is None:
        return []
    comments = (token.string for token in tokenize.generate_tokens(StringIO(text).readline) if token.type == tokenize.COMMENT)
    return [(comment, WITH_REASON.fullmatch(comment) is not None) for comment in comments if IGNORE.match(comment)]


def sql_texts(module: ast.Module) -> list[str]:
    """Returns the texts of a module that are SQL or a part of SQL, docstrings excepted."""
    return [text for text in _texts(module) if STATEMENT.match(text) or PART_OF_A_STATEMENT.search(text)]


def stray_texts(source: str, module: ast.Module) -> list[int]:
    """Returns the lines of string statements that are no docstring or note: most of them are the lost rest of an expression."""
    statements = [node for node in ast.walk(module) if isinstance(node, ast.Expr)]
    strings = [node for node in statements if isinstance(node.value, ast.Constant | ast.JoinedStr)]
    segments = [(node.lineno, ast.get_source_segment(source, node) or "") for node in strings]
    return [line for line, segment in segments if not segment.startswith(('"""', "..."))]


def _texts(module: ast.Module) -> Iterator[str]:
    docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(module) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(module):
        match node:
            case ast.JoinedStr(values=values):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
            case ast.Constant(value=str() as text) if id(node) not in docstrings | parts:
                yield text
            case ast.Constant(value=bytes() as text):
                yield text.decode("latin-1")
            case _:
                pass
