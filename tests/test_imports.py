"""Imports form no ring, the type checker's included: a module can be read after those that it imports."""

import graphlib

import grimp

PACKAGES = ("events", "projections", "service", "client", "demo")


def test_no_imports_form_a_ring() -> None:
    """A ring of modules is one module in several files."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imported_by_module = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imported_by_module).prepare()  # raises CycleError, which names the ring
    assert len(imported_by_module) > 200
