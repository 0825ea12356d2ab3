"""Plugins load one at a time: whatever one does wrong is reported, and the others work."""

import warnings

import pytest
from fake_distributions import FakeSite, write_distribution

import stde_core as stde
from stde_core.plugins import Registry, registry

OPERATOR = """
@stde.hookimpl
def stde_operators():
    return {"fake-operator": stde.Laplacian}
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    yield FakeSite(tmp_path, monkeypatch)
    registry.cache_clear()


def find(found, name, distribution=None):
    plugins = [p for p in found.plugins if p.name == name and distribution in (None, p.distribution)]
    assert len(plugins) == 1
    return plugins[0]


def assert_fails(found, name, *causes):
    """The plugin failed for these causes, adds nothing, and the first-party ones still work."""
    plugin = find(found, name)
    assert plugin.error is not None
    for cause in causes:
        assert cause in plugin.error
    assert plugin.adds == {}
    assert not any(
        entry.plugin is plugin for kind in found.entries.values() for e in kind.values() for entry in e
    )
    assert found.entry("operators", "laplacian").load() is stde.Laplacian
    assert found.entry("estimators", "stde").load().__name__ == "STDE"


def test_first_party_plugins_load(site, monkeypatch):
    monkeypatch.setenv("STDE_PLUGINS", "")
    found = Registry()
    assert found.failures() == []
    assert found.kinds[:4] == ["operators", "samplers", "estimators", "commands"]
    assert "problems" in found.kinds
    assert found.plugins[0].title.startswith("core (stde ")


def test_names_are_looked_up(site):
    assert isinstance(stde.get_operator("laplacian", axes=0), stde.Laplacian)
    assert isinstance(stde.get_sampler("gaussian"), stde.Gaussian)
    assert stde.get_estimator("stde", num_samples=3).num_samples == 3


def test_plugins_load_at_the_first_look_up(site, monkeypatch):
    registry.cache_clear()
    site.plugin(OPERATOR)
    monkeypatch.setenv("STDE_PLUGINS", "fake")
    assert isinstance(stde.get_operator("fake-operator"), stde.Laplacian)
    assert registry() is registry()


def test_unknown_names_get_a_suggestion():
    with pytest.raises(ValueError, match="Unknown operator 'laplacean'; did you mean 'laplacian'"):
        Registry().entry("operators", "laplacean")
    with pytest.raises(ValueError, match="Unknown sampler 'zzz'; known are: gaussian, rademacher"):
        Registry().entry("samplers", "zzz")


@pytest.mark.parametrize(
    "source, causes",
    [
        ("import no_such_package", ["ModuleNotFoundError", "no_such_package"]),
        ("1 / 0", ["ZeroDivisionError: division by zero"]),
        ("raise SystemExit('bye')", ["SystemExit: bye"]),
        ("def :", ["SyntaxError"]),
    ],
)
def test_failure_at_import(site, source, causes):
    site.plugin(source)
    site.plugin(OPERATOR, name="good")
    found = Registry()
    assert_fails(found, "fake", *causes)
    assert "fake-operator" in found.names("operators")


def test_entry_point_to_nothing(site):
    site.install(
        "fake", {"module": "no_such_module", "attribute": "stde_core:no_such_attribute", "bad": "a b"}
    )
    found = Registry()
    assert_fails(found, "module", "ModuleNotFoundError")
    assert_fails(found, "attribute", "AttributeError")
    assert_fails(found, "bad")


def test_misspelled_hook(site):
    site.plugin(OPERATOR.replace("stde_operators", "stde_operator"))
    assert_fails(Registry(), "fake", "Unknown hook 'stde_operator'; did you mean 'stde_operators'")


def test_hook_misspelled_by_specname(site):
    site.plugin("@stde.hookimpl(specname='stde_opreators')\ndef operators():\n    return {}")
    assert_fails(Registry(), "fake", "Unknown hook 'stde_opreators'; did you mean 'stde_operators'")


def test_optional_hooks_may_be_unknown(site):
    site.plugin("@stde.hookimpl(optionalhook=True)\ndef stde_meshes():\n    return {}\n" + OPERATOR)
    found = Registry()
    assert find(found, "fake").adds == {"operators": ["fake-operator"]}


def test_hook_without_the_marker(site):
    site.plugin("def stde_samplers():\n    return {}")
    assert_fails(
        Registry(), "fake", "`stde_samplers` is not marked as a hook; write `@stde.hookimpl` above it"
    )


def test_hook_with_wrong_arguments(site):
    site.plugin("@stde.hookimpl\ndef stde_operators(dim):\n    return {}")
    assert_fails(Registry(), "fake", "PluginValidationError", "stde_operators(dim)", "{'dim'}")


def test_hook_that_raises(site):
    site.plugin(OPERATOR + "\n@stde.hookimpl\ndef stde_samplers():\n    raise KeyError('lost')")
    assert_fails(Registry(), "fake", "KeyError: 'lost'")


@pytest.mark.parametrize(
    "returned, got",
    [
        ("None", "None"),
        ("[stde.Laplacian]", "[<class"),
        ("{'a': 3}", "'a': 3"),
        ("{1: stde.Laplacian}", "1: <class"),
        ("{'': stde.Laplacian}", "'': <class"),
        ("{'a': 'no colon'}", "'a': 'no colon'"),
    ],
)
def test_hook_with_a_wrong_return_value(site, returned, got):
    site.plugin(f"@stde.hookimpl\ndef stde_operators():\n    return {returned}")
    assert_fails(Registry(), "fake", "`stde_operators` must return a dict of names to classes", f"got {got}")


def test_failures_tell_which_why_and_how_to_switch_off(site):
    site.plugin("1 / 0")
    site.plugin(OPERATOR, name="good")
    (failure,) = [failure for failure in Registry().failures() if "fake" in failure]
    assert failure.startswith("Plugin fake (fake 1.0) failed and is left out (switch it off by STDE_PLUGINS=")
    assert "good" in failure.partition("STDE_PLUGINS=")[2]
    assert failure.endswith("): ZeroDivisionError: division by zero")


def test_the_proposed_setting_switches_off_that_plugin_only(site, monkeypatch):
    site.plugin("1 / 0")
    site.plugin(OPERATOR, name="good")
    failure = next(failure for failure in Registry().failures() if "fake" in failure)
    monkeypatch.setenv("STDE_PLUGINS", failure.split('"')[1])
    found = Registry()
    assert [plugin.name for plugin in found.switched_off] == ["fake"]
    assert find(found, "good").error is None


def test_failures_are_warned_of_once(site, monkeypatch):
    registry.cache_clear()
    site.plugin("1 / 0")
    monkeypatch.setenv("STDE_PLUGINS", "fake")
    with pytest.warns(RuntimeWarning, match=r"Plugin fake \(fake 1\.0\) failed .*ZeroDivisionError"):
        stde.get_operator("laplacian")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stde.get_operator("laplacian")


def test_unknown_names_may_come_from_absent_plugins(site, monkeypatch):
    site.plugin("1 / 0")
    site.plugin(OPERATOR, name="good")
    monkeypatch.setenv("STDE_PLUGINS", "fake")
    with pytest.raises(
        ValueError, match=r"Failed to load: .*fake \(fake 1\.0\); see `stde plugins`"
    ) as error:
        Registry().entry("operators", "fake-operator")
    assert "Switched off by STDE_PLUGINS: good (good 1.0)" in str(error.value)


def test_two_distributions_with_one_entry_point_name(site):
    site.install("first", {"same": "first_module"}, first_module="import stde_core as stde\n" + OPERATOR)
    second = OPERATOR.replace("fake-operator", "other-operator")
    site.install("second", {"same": "second_module"}, second_module="import stde_core as stde\n" + second)
    found = Registry()
    assert {"fake-operator", "other-operator"} <= set(found.names("operators"))
    assert find(found, "same", "first").error is find(found, "same", "second").error is None


def test_two_plugins_with_one_name(site):
    for name in ("first", "second"):
        site.plugin(OPERATOR, name=name)
    found = Registry()
    assert "fake-operator" not in found.names("operators")
    assert found.clashes("operators") == ["fake-operator"]
    message = (
        r"Operator 'fake-operator' is added by first \(first 1\.0\) and second \(second 1\.0\), so none "
        r"of them is used; uninstall one, or choose with the environment variable STDE_PLUGINS\."
    )
    with pytest.raises(ValueError, match=message):
        found.entry("operators", "fake-operator")


def test_a_name_of_the_core_can_be_won_back(site, monkeypatch):
    site.plugin(OPERATOR.replace("fake-operator", "laplacian"))
    with pytest.raises(ValueError, match=r"added by core \(stde .*\) and fake \(fake 1\.0\)"):
        Registry().entry("operators", "laplacian")
    monkeypatch.setenv("STDE_PLUGINS", "")
    assert Registry().entry("operators", "laplacian").load() is stde.Laplacian


def test_two_entry_points_to_one_module(site):
    site.install(
        "fake", {"a": "fake_module", "b": "fake_module"}, fake_module="import stde_core as stde" + OPERATOR
    )
    found = Registry()
    assert find(found, "a").error is None
    assert_fails(found, "b", "'fake_module' is already the plugin a (fake 1.0)")
    assert "fake-operator" in found.names("operators")


def test_one_distribution_with_one_entry_point_name_twice(site, tmp_path):
    site.install("other", {}, other_module="import stde_core as stde\n" + OPERATOR)
    site.plugin(OPERATOR.replace("fake-operator", "first-operator"))
    with (tmp_path / "fake-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("fake = other_module\n")
    found = Registry()
    first, second = [plugin for plugin in found.plugins if plugin.distribution == "fake"]
    assert first.error is None
    assert second.error is not None
    assert "first-operator" in found.names("operators")


@pytest.mark.parametrize(
    "setting, loaded",
    [
        (None, {"one", "two"}),
        ("", set()),
        (" , ", set()),
        ("one", {"one"}),
        ("dist-of-two", {"two"}),
        ("Dist.Of_Two, one", {"one", "two"}),
        ("core", set()),
    ],
)
def test_allow_list(site, monkeypatch, setting, loaded):
    site.install("dist-of-one", {"one": "module_one"}, module_one="")
    site.install("Dist_of.Two", {"two": "module_two"}, module_two="")
    if setting is not None:
        monkeypatch.setenv("STDE_PLUGINS", setting)
    found = Registry()
    assert {p.name for p in found.plugins if p.distribution.startswith("dist-of")} == loaded
    assert {"core", "stde", "exact"} <= {p.name for p in found.plugins}
    assert {"one", "two"} - {p.name for p in found.switched_off} == loaded
    assert found.unmatched == []


def test_switched_off_plugins_are_not_imported(site, monkeypatch):
    site.plugin("1 / 0")
    monkeypatch.setenv("STDE_PLUGINS", "")
    assert not any("fake" in failure for failure in Registry().failures())


def test_allow_list_with_a_name_that_means_nothing(site, monkeypatch):
    monkeypatch.setenv("STDE_PLUGINS", "exact,nonsense")
    assert Registry().unmatched == ["nonsense"]


def test_the_first_copy_of_a_distribution_counts(site, tmp_path, monkeypatch):
    site.plugin(OPERATOR)
    write_distribution(tmp_path / "later", "Fake", {"fake": "elsewhere", "stale": "elsewhere"}, version="0.9")
    monkeypatch.syspath_prepend(tmp_path / "later")
    monkeypatch.syspath_prepend(tmp_path)
    found = Registry()
    assert [p.title for p in found.plugins if p.distribution == "fake"] == ["fake (fake 1.0)"]


def test_a_distribution_without_metadata(site, tmp_path):
    site.plugin(OPERATOR)
    (tmp_path / "fake-1.0.dist-info" / "METADATA").unlink()
    assert find(Registry(), "fake").title == "fake (unknown unknown)"


def test_targets_are_imported_when_used(site):
    site.plugin('@stde.hookimpl\ndef stde_operators():\n    return {"late": "late_module:Outer.operator"}')
    found = Registry()
    with pytest.raises(
        ImportError, match=r"'late' of plugin fake \(fake 1\.0\) cannot be loaded from 'late_mod"
    ):
        found.entry("operators", "late").load()
    site.install("late", {}, late_module="class Outer:\n    operator = dict\n")
    assert found.entry("operators", "late").load() is dict


@pytest.mark.parametrize("source", ["1 / 0", "", "target = 3", "raise SystemExit"])
def test_targets_that_cannot_be_loaded(site, source):
    site.install("target", {}, target_module=source)
    site.plugin('@stde.hookimpl\ndef stde_operators():\n    return {"late": "target_module:target"}')
    with pytest.raises(
        ImportError, match=r"'late' of plugin fake .* cannot be loaded from 'target_module:target'"
    ):
        Registry().entry("operators", "late").load()


SPECIFICATIONS = """
import sys

@stde.hookspec
def stde_meshes():
    "Meshes by name."

@stde.hookspec
def stde_report(run):
    "A hook with arguments, which is no kind."

@stde.hookimpl
def stde_addhooks(pluginmanager):
    pluginmanager.add_hookspecs(sys.modules[__name__])
"""
MESH = "@stde.hookimpl\ndef stde_meshes():\n    return {'ball': dict}\n"


@pytest.mark.parametrize("adder, user", [("a", "b"), ("b", "a")])
def test_plugins_add_kinds(site, adder, user):
    site.plugin(SPECIFICATIONS, name=adder)
    site.plugin(MESH, name=user)
    found = Registry()
    assert find(found, adder).error is find(found, user).error is None
    assert "meshes" in found.kinds
    assert "report" not in found.kinds
    assert found.entry("meshes", "ball").load() is dict


@pytest.mark.parametrize("adder, user", [("a", "b"), ("b", "a")])
def test_the_wrong_hook_fails_and_not_the_plugin_that_specified_it(site, adder, user):
    site.plugin(SPECIFICATIONS, name=adder)
    site.plugin(MESH.replace("()", "(dim)"), name=user)
    found = Registry()
    assert_fails(found, user, "PluginValidationError", "stde_meshes(dim)")
    assert find(found, adder).error is None


def test_a_kind_is_specified_once(site):
    site.plugin(SPECIFICATIONS, name="a")
    site.plugin(SPECIFICATIONS, name="b")
    found = Registry()
    assert find(found, "a").error is None
    assert_fails(found, "b", "stde_meshes", "already registered")


def test_addhooks_that_raises(site):
    site.plugin("@stde.hookimpl\ndef stde_addhooks(pluginmanager):\n    raise OSError('no')")
    assert_fails(Registry(), "fake", "OSError: no")


def test_addhooks_with_wrong_arguments(site):
    site.plugin("@stde.hookimpl\ndef stde_addhooks(manager):\n    pass")
    assert_fails(Registry(), "fake", "PluginValidationError", "stde_addhooks(manager)")


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("stde", {}, r"`get_estimator\('stde'\)` needs `num_samples`: give `num_samples=…`"),
        ("stde", {"num_sample": 3}, "Unknown field 'num_sample'; did you mean 'num_samples'"),
        (3, {}, r"`get_estimator\(name\)` needs a registered name in quotes, got 3"),
    ],
)
def test_fields_that_do_not_fit_get_a_sentence(name, fields, message, unchecked):
    with pytest.raises(TypeError, match=message):
        stde.get_estimator(name, **fields)
