"""A study in a real notebook, executed by Jupyter's own command in a real kernel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Project

CELLS = {
    "cell class": """
import search

class Net: pass

search.Study(model=Net, space={"model.lr": search.Log(1e-3, 1e-1)}, metric="val_loss")
""",
    "frames": """
import json
from IPython.utils.capture import capture_output
from tiny import Tiny

study = search.Study(
    model=Tiny,
    trainer={"max_epochs": 3, "accelerator": "cpu"},
    space={"model.lr": search.Choice(0.01, 0.02), "model.mode": search.Choice("fine", "raise")},
    metric="val_loss",
    sampler="grid",
    pruner="none",
    name="shown",
)
with capture_output() as seen:
    study.run(trials=3)
frames = [
    [shown.update, shown.transient["display_id"], shown.data["text/html"]]
    for shown in seen.outputs
]
print(json.dumps({"frames": frames, "text": seen.stdout}))
""",
    "run": "study.run(trials=4);",
    "study": "study",
    "plot": "study.plot('history')",
    "model": "study.best.load_model()",
}


@pytest.fixture(scope="module")
def outputs(shared_project: Project) -> dict[str, list[Any]]:
    """The outputs of each cell."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in CELLS.values()]
    )
    path = shared_project.root / "study.ipynb"
    nbformat.write(notebook, path)
    subprocess.run(
        [Path(sys.executable).with_name("jupyter-execute"), "--inplace", "--allow-errors", path],
        cwd=shared_project.root,
        env=shared_project.environment(),
        capture_output=True,
        check=True,
        timeout=240,
    )
    executed = nbformat.read(path, as_version=4)
    return dict(zip(CELLS, (cell.outputs for cell in executed.cells), strict=True))


def test_class_of_a_cell_is_refused_with_the_remedy(outputs: dict[str, list[Any]]) -> None:
    (error,) = (each for each in outputs["cell class"] if each.output_type == "error")
    assert error.evalue == (
        "Study: model.class_path: Net is defined in a notebook's cell or at the prompt, where a "
        "trial cannot import it. Begin its cell with `%%writefile net.py`, run it, then "
        "`from net import Net`."
    )


def test_live_table_is_drawn_over_in_place(outputs: dict[str, list[Any]]) -> None:
    (printed,) = outputs["frames"]
    seen = json.loads(printed.text)
    frames = seen["frames"]
    assert [is_update for is_update, _, _ in frames] == [False] + [True] * (len(frames) - 1)
    assert len({identity for _, identity, _ in frames}) == 1
    texts = [re.sub("<[^>]*>", "", html) for _, _, html in frames]
    assert any("loading torch" in text for text in texts)
    assert any("minimize" in text and "0/3" in text for text in texts)
    assert frames[-1][2] == ""
    assert "RuntimeError: the layer is on fire" in seen["text"]


def test_only_lines_stay_at_the_end(outputs: dict[str, list[Any]]) -> None:
    (table,) = (each for each in outputs["run"] if each.output_type == "display_data")
    assert table.data["text/html"] == ""
    text = "".join(each.text for each in outputs["run"] if each.output_type == "stream")
    assert "study shown finished: 4 of 4 trials (2 done, 0 pruned, 2 failed)" in text


def test_study_is_a_table(outputs: dict[str, list[Any]]) -> None:
    (shown,) = outputs["study"]
    html = shown.data["text/html"]
    assert "4 of 4 trials finished: 2 done, 0 pruned, 2 failed" in html
    assert html.count("<tr>") == 5


def test_plot_is_a_plotly_figure(outputs: dict[str, list[Any]]) -> None:
    (shown,) = outputs["plot"]
    assert shown.data["application/vnd.plotly.v1+json"]["data"]


def test_best_model_loads_in_the_kernel(outputs: dict[str, list[Any]]) -> None:
    (shown,) = outputs["model"]
    assert shown.data["text/plain"].startswith("Tiny(")
