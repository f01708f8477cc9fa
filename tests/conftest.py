"""What every test gets: a home of its own, and figures that no one has to look at."""

import matplotlib
import pytest
from hypothesis import settings

matplotlib.use("Agg")
# A busy machine is no failure: examples may take as long as they take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TUTORIAL_LIB_HOME", str(folder))
    monkeypatch.delenv("TUTORIAL_LIB_DATA", raising=False)
    return folder


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def registries():
    """Forget afterwards whatever a test registers."""
    from tutorial_lib import registry
    from tutorial_lib.data.catalogue import DATASETS
    from tutorial_lib.data.layouts.by_name import LAYOUTS
    from tutorial_lib.training import recipes

    tables = registry._REGISTRY, DATASETS, LAYOUTS, recipes.RECIPES, recipes._TASKS
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)
