"""Studies of a user whose trials run on the actors of a real Ray."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from clusters.ray_cluster import RayCluster
from clusters.slurm_cluster import wait_until
from clusters.test_slurm_studies import nodes, trials_at_work, values
from conftest import Project
from test_docs import CLUSTERS, commands, typed

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

SLOW = {
    "model": {"class_path": "tiny.Tiny", "init_args": {"pause": 0.3}},
    "trainer": {"max_epochs": 12, "accelerator": "cpu", "num_sanity_val_steps": 0},
    "budget": {"trials": 2},
}


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_study_has_the_values_of_this_machine_and_leaves_nothing(
    project: Project, ray_cluster: RayCluster, threads: None
) -> None:
    path = project.study(resources={"cpus": 1})
    assert project.run("run", path, "--name", "local", "--trials", "4").returncode == 0
    there = project.run("run", path, "--name", "moved", "--trials", "2", "--on", "ray")
    assert there.returncode == 0, there.stdout + there.stderr
    assert "1 worker with 1 thread: 1 actor of ray, 1 CPU a trial" in there.stdout
    ray_cluster.wait_until_empty()
    # through the Client server, as from a machine that is no node
    again = project.run("resume", "moved", "--trials", "4", "--on", ray_cluster.client)
    assert again.returncode == 0, again.stdout + again.stderr
    assert values(project, "moved") == values(project, "local")
    ray_cluster.wait_until_empty()
    assert project.run("nodes", "moved").stdout == "moved: no run is on\n"


def test_trials_go_on_where_an_agent_and_then_a_node_are_lost(
    project: Project, ray_cluster: RayCluster, threads: None
) -> None:
    path = project.study(**SLOW, resources={"cpus": 1})
    assert project.run("run", path, "--name", "local").returncode == 0
    run = project.start("run", path, "--name", "lost", "--on", "ray")
    wait_until(lambda: project.epochs(0, "lost") >= 2, "the first trial trains", 240)
    (agent,) = ray_cluster.agents()
    agent.kill()
    wait_until(lambda: project.epochs(0, "lost") >= 5, "it goes on", 240)
    ray_cluster.kill_node_of(ray_cluster.agents()[-1])
    ray_cluster.add_node()
    output, errors = run.communicate(timeout=300)
    assert run.returncode == 0, output + errors
    assert values(project, "lost") == values(project, "local")
    assert "was lost: the agent there has died" in output
    lost = [each for each in project.events(0, "lost") if each.get("cause") == "lost"]
    # a slot of an agent that is gone may be taken once more before its end is told
    why = [each["message"].partition(": ")[2] for each in lost if "was lost" in each["message"]]
    assert why == ["the agent there has died", "its actor is gone"]


def test_nodes_tell_who_works_on_what_and_interrupt_gives_actors_back(
    project: Project, ray_cluster: RayCluster
) -> None:
    changes = {**SLOW, "trainer": {**SLOW["trainer"], "max_epochs": 100}}
    path = project.study(**changes, on={"engine": "ray", "trials_per_job": 2})
    run = project.start("run", path, "--workers", "2")
    wait_until(lambda: sorted(trials_at_work(project, "study")) == [0, 1], "two at work", 240)
    (agent,) = nodes(project, "study")["agents"]
    assert (agent["state"], agent["slots"], agent["ends"]) == ("ready", 2, None)
    assert project.run("nodes", "study").stdout.startswith("study on ray: 1 actor, 2 at work")
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    ray_cluster.wait_until_empty()


def test_actors_end_where_search_and_its_bridge_are_killed(
    project: Project, ray_cluster: RayCluster
) -> None:
    run = project.start("run", project.study(**SLOW), "--on", "ray")
    wait_until(lambda: project.epochs(0) >= 1, "the first trial trains", 240)
    run.kill()
    for process in ray_cluster.processes():
        if "search.executors.remote.bridge" in process.cmdline():
            process.kill()
    ray_cluster.wait_until_empty()


def test_actor_that_waits_says_what_for(project: Project, ray_cluster: RayCluster) -> None:
    path = project.study(resources={"cpus": 3}, on={"engine": "ray", "trials_per_job": 2})
    run = project.start("run", path)
    assert run.stdout is not None
    line = next(each for each in run.stdout if " waits: " in each)
    assert line.endswith(" waits: no node has 6 CPUs, unless Ray's autoscaler adds one\n")
    (agent,) = nodes(project, "study")["agents"]
    assert (agent["state"], agent["node"]) == ("pending", None)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    assert not (project.root / "studies/study").exists()


def test_ray_that_is_not_there_is_told_in_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, ray_cluster: RayCluster
) -> None:
    result = project.run("run", project.study(), "--on", "ray://127.0.0.1:1")
    assert result.returncode == 2
    assert result.stderr == (
        "--on ray: no Ray was found at ray://127.0.0.1:1: [Errno 111] Connection refused. Start "
        "search on a node of the cluster, or name its Client server: --on ray://HOST:10001.\n"
    )
    assert not (project.root / "studies/study").exists()


def test_refused_runtime_environment_is_told_in_one_line(
    project: Project, ray_cluster: RayCluster
) -> None:
    path = project.study(on={"engine": "ray", "runtime_env": {"working_dir": "nowhere"}})
    result = project.run("run", path)
    assert result.returncode == 2
    assert "nowhere" in result.stderr
    assert result.stderr.count("\n") == 1


def test_variables_of_the_runtime_environment_reach_trials(
    project: Project, ray_cluster: RayCluster
) -> None:
    (project.root / "noted.py").write_text(
        "import os\nfrom pathlib import Path\nfrom tiny import Tiny\n\n"
        "class Noted(Tiny):\n    def on_fit_start(self):\n"
        "        names = ('GIVEN', 'OMP_NUM_THREADS', 'CUDA_VISIBLE_DEVICES')\n"
        "        text = ' '.join(str(os.environ.get(each)) for each in names)\n"
        f"        Path({str(project.root)!r}, 'noted').write_text(text)\n"
    )
    environment = {"env_vars": {"GIVEN": "here"}}
    path = project.study(
        model={"class_path": "noted.Noted"},
        budget={"trials": 1},
        resources={"cpus": 2},
        on={"engine": "ray", "runtime_env": environment},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    given, threads, gpus = (project.root / "noted").read_text().split(" ")
    assert (given, threads, gpus) == ("here", "2", "")


def test_nothing_imports_ray_before_a_run_asks_for_it() -> None:
    remote = "search.executors.remote"
    modules = f"search.cli, search.engine.run, {remote}.bridge, {remote}.child_agent"
    code = f"import {modules}, sys; print('ray' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed == "False\n"


def test_commands_of_the_page_are_typed(project: Project, ray_cluster: RayCluster) -> None:
    project.study()
    lines = [line for line in commands(CLUSTERS) if "--on ray" in line]
    assert len(lines) == 2
    for line in lines:
        typed(project, line.replace("ray://head:10001", ray_cluster.client))
    assert project.states("study") == ["COMPLETE"] * 4
