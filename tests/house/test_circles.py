"""No module needs itself: an import graph without circles can be read, tested and moved one module at a time."""

import grimp


def circles(graph: grimp.ImportGraph) -> list[set[str]]:
    """Groups of modules that reach one another by imports (Tarjan's strongly connected components of more than one module)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            if imported not in order:
                visit(imported)
                lowest[module] = min(lowest[module], lowest[imported])
            elif imported in stack:
                lowest[module] = min(lowest[module], order[imported])
        if lowest[module] == order[module]:
            group = set(stack[stack.index(module) :])
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(group)

    for module in sorted(graph.modules):
        if module not in order:
            visit(module)
    return found


def test_a_circle_is_found():
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")):
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [{"b", "c"}]


def test_the_library_has_no_import_circle():
    """Lazy imports and those for types alone count: they too say that two modules know each other."""
    graph = grimp.build_graph("dlmd", exclude_type_checking_imports=False, cache_dir=None)
    assert circles(graph) == []
