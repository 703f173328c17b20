"""Nothing but the result tree spells a path of results: neither the library nor the rules."""

import ast
import re
from pathlib import Path

from dlmd.run import tree

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(
    {value.split("/")[0] for name, value in vars(tree).items() if name.isupper() and "/" in value}
    | {tree.LOGS, tree.BENCHMARKS, "results"}
)
SPELLED = re.compile(rf"^(\{{\}}/)?({'|'.join(FOLDERS)})/[^ ]*$")
LIBRARY = sorted(set((ROOT / "workflow/dlmd").rglob("*.py")) - {ROOT / "workflow/dlmd/run/tree.py"})
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]


def spelled(source):
    """String literals of Python code that are a path below one of the folders, and folders that a path is made of by `/`."""
    nodes = list(ast.walk(ast.parse(source)))
    docs = {id(n.value) for n in nodes if isinstance(n, ast.Expr)}
    parts = {id(part) for n in nodes if isinstance(n, ast.JoinedStr) for part in n.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            text = "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | parts:
            text = node.value
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            right = node.right
            if isinstance(right, ast.Constant) and right.value in FOLDERS:
                yield right.value
            continue
        else:
            continue
        if SPELLED.match(text):
            yield text


def test_the_search_finds_them():
    code = 'a = run / "md"\nb = f"{run}/md/{level}"\nc = f"labels/{level}"\n"""labels/x"""\nd = "md and more"'
    assert set(spelled(code)) == {"md", "{}/md/{}", "labels/{}"}


def test_library():
    found = {str(path.relative_to(ROOT)): list(spelled(path.read_text())) for path in LIBRARY}
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_rules():
    found = {}
    for path in RULES:
        # rules are no Python: strings are looked for without their code
        for text in re.findall(r'"([^"\n]*)"', path.read_text()):
            if SPELLED.match(re.sub(r"\{+\w+\}+", "{}", text)):
                found.setdefault(path.name, []).append(text)
    assert found == {}
