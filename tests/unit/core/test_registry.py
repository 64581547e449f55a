from importlib.metadata import EntryPoint

import pytest

from synthwright.core import registry
from synthwright.core.errors import ConfigError, Unsupported


@pytest.fixture
def plugins(monkeypatch):
    def install(*points):
        registry._plugins.cache_clear()
        monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])

    yield install
    registry._plugins.cache_clear()


def test_every_listed_generator_and_metric_exists_under_its_name():
    for group in ("generators", "metrics"):
        for name in registry.names(group):
            assert registry.find(group, name).name == name


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(Unsupported, match="Did you mean 'independent'"):
        registry.find("generators", "independant")


def test_a_plugin_is_found_and_a_broken_one_is_shown_with_its_reason(plugins):
    plugins(
        EntryPoint("good", "synthwright.generators.independent:Independent", "synthwright.generators"),
        EntryPoint("bad", "no_such_package.module:Thing", "synthwright.generators"),
    )
    assert registry.find("generators", "good").name == "independent"
    listed = {entry.name: entry.broken for entry in registry.entries("generators")}
    assert listed["good"] == ""
    assert "no_such_package" in listed["bad"]
    with pytest.raises(Unsupported, match="no_such_package"):
        registry.find("generators", "bad")


def test_two_plugins_with_one_name_are_an_error_naming_both(plugins):
    plugins(EntryPoint("copula", "other:Copula", "synthwright.generators"))
    with pytest.raises(ConfigError, match=r"synthwright.generators.copula:Copula and other:Copula"):
        registry.names("generators")


def test_a_class_registered_in_this_process_is_found(monkeypatch):
    monkeypatch.setattr(registry, "_ADDED", {"generators": {}, "metrics": {}, "renderers": {}})

    @registry.register("generators")
    class Mine:
        name = "mine"

    assert registry.find("generators", "mine") is Mine
    assert "mine" in registry.names("generators")
