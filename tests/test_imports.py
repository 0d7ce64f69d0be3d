"""Tests that the imports between modules form no ring, imports for the type checker included."""

import graphlib

import grimp

PACKAGES = ("events", "projections", "service", "client", "demo")


def test_no_imports_form_a_ring() -> None:
    """No module imports itself through other modules, because the modules of a ring can only be read together."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imported_by_module = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imported_by_module).prepare()  # raises CycleError, which names the ring
    assert len(imported_by_module) > 200
