"""The places where Hydra looks for a configuration, as the check notes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.study_file.trial_config import ScriptRun
from search.trial.building.hydra_lookups import noted_lookups
from search.trial.building.script import reach_fit
from search.trial.building.script_process import as_it_was
from search.trial.process.loaded_sources import is_installed

pytestmark = pytest.mark.real

FIT = """
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel
Trainer(accelerator="cpu", max_epochs=1, logger=False).fit(BoringModel())
"""
MAIN = """
import hydra
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    exec(FIT)
main()
"""
COMPOSE = """
import sys
from hydra import compose, initialize_config_module
with initialize_config_module("conf", version_base=None):
    compose("config", overrides=sys.argv[1:])
exec(FIT)
"""
CONFIGS = {
    "__init__.py": "",
    "config.yaml": "defaults: [_self_, model: small, optional local: here]\nseed: 1\n",
    "model/small.yaml": "width: 8\n",
    "model/large.yaml": "width: 64\n",
    "model/huge.yaml": "width: 512\n",
}


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A configuration, in a folder of its own."""
    for name, text in CONFIGS.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "trial").mkdir()
    monkeypatch.chdir(tmp_path)
    with as_it_was():
        yield


@pytest.mark.parametrize("text", [MAIN, COMPOSE], ids=["main", "compose"])
def test_file_that_is_read_is_noted_and_the_folder_of_one_that_is_not_there(text: str) -> None:
    Path("train.py").write_text(f"FIT = '''{FIT}'''\n{text}")
    script = ScriptRun(path="train.py", overrides=("seed=2",), folder=Path("trial").absolute())
    with noted_lookups(script) as found:
        reach_fit(script, {})
        reach_fit(ScriptRun(path="train.py", overrides=("model=large",), folder=script.folder), {})
    conf = Path("conf").absolute()
    names = ["config.yaml", "model/small.yaml", "model/large.yaml"]
    assert {str(conf / name) for name in names} <= found
    # where local/here.yaml or a group `seed` would be
    assert str(conf) in found
    assert not any("huge" in each or "site-packages" in each for each in found)


@pytest.mark.filterwarnings("ignore:provider=hydra.searchpath")
@pytest.mark.parametrize("place", ["pkg://not_there.conf", "pkg://not_there", "pkg://."])
def test_look_at_a_place_that_is_not_there_leaves_hydra_alone(place: str) -> None:
    Path("train.py").write_text(f"FIT = '''{FIT}'''\n{MAIN}")
    Path("conf/config.yaml").write_text(
        f"defaults: [_self_, model: small]\nhydra: {{searchpath: [{place}]}}"
    )
    script = ScriptRun(path="train.py", overrides=(), folder=Path("trial").absolute())
    with noted_lookups(script) as found:
        reach_fit(script, {})
    # no answer of a check with a source like this is kept
    assert [each for each in found if not Path(each).exists()] == ["hydra://unknown"]
    assert str(Path("conf/config.yaml").absolute()) in found


@pytest.mark.parametrize("name", ["not_there.conf", "", "not_there"])
def test_package_that_cannot_be_looked_for_is_not_installed(name: str) -> None:
    assert not is_installed(name)


def test_script_without_hydra_has_none() -> None:
    with noted_lookups(ScriptRun(path="train.py")) as found:
        pass
    assert found == set()
